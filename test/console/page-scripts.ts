/** Scripts that run in a page; this project has no types for the DOM, so they are texts. */
import type { Page } from 'playwright-core';

/** Runs in the page. Returns the texts that became markup, scripts or invisible characters. */
const HARMS = `(() => {
  const found = [];
  if ('pwned' in window) found.push('a script ran');
  for (const element of document.querySelectorAll('img, iframe, object, embed, #app script, [onerror], [onload]')) {
    found.push(element.outerHTML.slice(0, 100));
  }
  for (const link of document.querySelectorAll('a[href]')) {
    if (!/^(https?:|\\/)/.test(link.getAttribute('href'))) found.push(link.outerHTML.slice(0, 100));
  }
  if (/[\\u202a-\\u202e\\u2066-\\u2069\\u200b]/.test(document.body.innerText)) found.push('a hidden character');
  return found;
})()`;

/** Runs in the page. Returns the elements that make the page scroll horizontally. */
export const TOO_WIDE = `(() => {
  if (document.documentElement.scrollWidth <= innerWidth) return [];
  const wide = [...document.querySelectorAll('body *')].filter((element) => !element.closest('.table, .text, .log') && element.getBoundingClientRect().right > innerWidth + 1).slice(0, 8);
  return ['the page is ' + document.documentElement.scrollWidth + ' pixels wide', ...wide.map((element) => element.outerHTML.slice(0, 120))];
})()`;

/** Resolves with the findings of HARMS; empty if all texts are shown as text. */
export const looksHarmless = (page: Page): Promise<string[]> => page.evaluate<string[]>(HARMS);

/**
 * Runs on another origin. Tries to use the session of a console that is open in the same browser.
 */
export const FORGE = `(async (engine) => {
  const posted = [];
  const body = JSON.stringify({ topic: 'forged', data: 'forged', name: 'FORGED', value: 'x' });
  const simple = await fetch(engine + '/v1/pubsub/publish', { method: 'POST', mode: 'no-cors', credentials: 'include', body });
  posted.push(simple.type);
  const put = { method: 'PUT', credentials: 'include', headers: { 'Content-Type': 'application/json' }, body };
  posted.push(await fetch(engine + '/v1/functions/secrets', put).then(() => 'answered', () => 'refused'));
  const form = document.createElement('form');
  const frame = document.createElement('iframe');
  frame.name = 'target';
  document.body.append(frame, form);
  Object.assign(form, { method: 'post', action: engine + '/v1/pubsub/publish', target: 'target', enctype: 'text/plain' });
  const field = document.createElement('input');
  Object.assign(field, { name: body.slice(0, -1) + ',"', value: '":1}' });
  form.append(field);
  form.submit();
  const socket = await new Promise((resolve) => {
    const opened = new WebSocket(engine.replace('http', 'ws') + '/v1/pubsub/ws?topic=forged');
    opened.onopen = () => opened.send('forged');
    opened.onmessage = () => resolve('open');
    opened.onclose = () => resolve('closed');
  });
  frame.src = engine + '/console';
  await new Promise((resolve) => { frame.onload = resolve; });
  const held = window.open(engine + '/console');
  // Until the page has loaded, the window has an empty document of this origin.
  let opened = '';
  for (let time = 0; opened !== null && time < 600; time++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    try { opened = held.document.title; } catch { opened = null; }
  }
  let framed = true;
  try { framed = frame.contentDocument !== null; } catch { framed = false; }
  return { posted, socket, framed, opened };
})`;

/** Runs in the page. Tries actions that its content security policy forbids. */
export const TRY_WHAT_IS_REFUSED = `(async () => {
  const violations = [];
  document.addEventListener('securitypolicyviolation', (event) => violations.push(event.effectiveDirective));
  const script = document.createElement('script');
  try {
    script.textContent = 'window.inline = 1';
    document.body.append(script);
  } catch {
    violations.push('script');
  }
  try {
    document.body.insertAdjacentHTML('beforeend', '<img src=x onerror="window.inline = 1">');
  } catch {
    violations.push('markup');
  }
  await fetch('http://127.0.0.1:9/').catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  return { violations, ran: 'inline' in window };
})()`;
