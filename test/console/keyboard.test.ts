import type { Page } from 'playwright-core';
import { actsWasm } from '../helpers/acts.js';
import { fillCode, hasLoaded, turnTo } from '../helpers/browser.js';
import { browserTest } from '../helpers/browser-test.js';
import { startEngine } from '../helpers/running-engine.js';
import { shared } from '../helpers/shared.js';
import { until } from '../helpers/until.js';
import { aTenant } from '../http/served.js';
import { openSignedIn } from './api-routes.js';

/** Where the focus is after an action, and how often an action is performed. */
const engine = shared(() => startEngine());
const browserSays = browserTest(engine);

const hasFocus = (page: Page, selector: string) =>
  page.evaluate<boolean>(`document.activeElement?.matches(${JSON.stringify(selector)}) === true`);

async function opened(browser: Parameters<typeof openSignedIn>[0]) {
  const tenant = await aTenant(await engine());
  for (let version = 0; version < 2; version++) await tenant.deploy('keyed', await actsWasm());
  const window = await openSignedIn(browser, tenant);
  const sent: string[] = [];
  window.page.on('request', (request) => {
    if (request.method() !== 'GET') sent.push(request.method());
  });
  const show = async (path: string) => {
    await turnTo(window.page, path);
    await hasLoaded(window.page);
    sent.length = 0;
  };
  return { ...window, tenant, sent, show };
}

browserSays(
  'a button that has been pressed keeps the focus, whatever the engine answers',
  async (t, browser) => {
    const { context, page, tenant, show } = await opened(browser);
    await tenant.post('/v1/functions/keyed/triggers', { topic: 'kept' });
    const press = async (name: string) => {
      const button = page.getByRole('button', { name });
      await button.focus();
      await button.press('Enter');
    };
    await show('/functions/keyed/triggers');
    await press('Pause trigger kept');
    await page.getByRole('button', { name: 'Resume trigger kept' }).waitFor();
    t.true(await hasFocus(page, '[aria-label="Resume trigger kept"]'), 'an action');
    await press('Delete trigger kept');
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    t.true(await hasFocus(page, '[aria-label="Delete trigger kept"]'), 'an action that was given up');
    await show('/secrets');
    await page.getByLabel('Name').fill('KEPT');
    await press('Set the secret');
    await page.getByText('Set KEPT.').waitFor();
    // The form is empty again, and its button does nothing until it is filled.
    t.true(await hasFocus(page, 'button[type=submit]'), 'a form that was accepted');
    await show('/data');
    await fillCode(page, 'Statement', 'selec 1');
    await press('Run');
    await page.getByRole('alert').waitFor();
    t.true(await hasFocus(page, 'button[type=submit]'), 'a form that was refused');
    await show('/keys');
    await page.getByLabel('Name').fill('kept');
    await press('Create the key');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    t.true(await hasFocus(page, 'button[type=submit]'), 'a form that has opened a dialog');
    await context.close();
  },
);

browserSays('the focus goes to the content when the button that had it is gone', async (t, browser) => {
  const { context, page, tenant, show } = await opened(browser);
  await tenant.post('/v1/functions/keyed/triggers', { topic: 'gone' });
  await show('/functions/keyed/triggers');
  await page.getByRole('button', { name: 'Delete trigger gone' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.getByText('None: it runs when it is invoked.').waitFor();
  await until('the focus on the content', () => hasFocus(page, '#content'));
  await show('/functions/keyed');
  await page.getByText('Start a rollout').click();
  const start = page.getByRole('button', { name: 'Start', exact: true });
  await start.focus();
  await page.keyboard.press('Enter');
  await start.waitFor({ state: 'detached' });
  await until('the focus on the content', () => hasFocus(page, '#content'));
  t.pass();
  await context.close();
});

browserSays('the focus stays in a dialog whose button is gone', async (t, browser) => {
  const { context, page, show } = await opened(browser);
  await page.route('**/settings?*', (route) => route.fulfill({ status: 503, json: { error: 'Away.' } }));
  await show('/functions/keyed/versions');
  await page.getByRole('button', { name: 'Roll back to version 1' }).press('Enter');
  const again = page.getByRole('button', { name: 'Try again' });
  await again.waitFor();
  await page.unroute('**/settings?*');
  await again.press('Enter');
  await again.waitFor({ state: 'detached' });
  await until('the focus in the dialog', () => hasFocus(page, 'dialog button:not([type=submit])'));
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  t.true(await hasFocus(page, '[aria-label="Roll back to version 1"]'));
  await context.close();
});

// Each part ends with a further action: its request would be sent after one that was not meant.
browserSays('what is clicked twice, or whose key is held, is done once', async (t, browser) => {
  const { context, page, tenant, sent, show } = await opened(browser);
  await tenant.post('/v1/functions/keyed/triggers', { topic: 'twice' });
  const button = (name: string) => page.getByRole('button', { name });
  const click = async (clickCount: 1 | 2) => {
    await page.mouse.down({ clickCount });
    await page.mouse.up({ clickCount });
  };

  await show('/functions/keyed/triggers');
  await button('Pause trigger twice').hover();
  await click(1);
  // The second click comes when the first has been answered, as it does with a fast engine.
  await button('Resume trigger twice').waitFor();
  await click(2);
  await page.keyboard.press('Enter');
  await button('Pause trigger twice').waitFor();
  t.deepEqual(sent, ['PATCH', 'PATCH'], 'an action, clicked');

  await button('Delete trigger twice').focus();
  await page.keyboard.down('Enter');
  const confirm = page.getByRole('dialog').getByRole('button', { name: 'Delete the trigger' });
  await confirm.focus();
  await page.keyboard.down('Enter');
  await page.keyboard.up('Enter');
  await confirm.hover();
  await click(2);
  await page.keyboard.press('Escape');
  await button('Pause trigger twice').press('Enter');
  await button('Resume trigger twice').waitFor();
  t.deepEqual(sent, ['PATCH', 'PATCH', 'PATCH'], 'an action to confirm');

  await show('/events');
  const topic = page.getByLabel('Topic', { exact: true });
  await topic.fill('twice');
  const publish = page.locator('button[type=submit][aria-disabled=false]', { hasText: 'Publish' });
  const published = async (act: () => Promise<void>) => {
    const answer = page.waitForResponse((response) => response.request().method() === 'POST');
    await act();
    await answer;
    await publish.waitFor();
  };
  await publish.hover();
  await published(() => click(1));
  await click(2);
  await topic.focus();
  await published(() => page.keyboard.down('Enter'));
  await page.keyboard.down('Enter');
  await page.keyboard.up('Enter');
  await published(() => topic.press('Enter'));
  t.deepEqual(sent, ['POST', 'POST', 'POST'], 'a form, clicked, and with its key held');
  await context.close();
});

browserSays(
  'what the engine does not accept is said at its field, which gets the focus',
  async (t, browser) => {
    const { context, page, show } = await opened(browser);
    const refused = async (form: string, label: string, value: string, why: RegExp, enough: object = {}) => {
      const fields = page.getByRole('form', { name: form });
      for (const [other, text] of Object.entries(enough)) await fields.getByLabel(other).fill(text);
      const field = fields.getByLabel(label, { exact: true });
      const old = await field.inputValue();
      await field.fill(value);
      await fields.locator('button[type=submit]').focus();
      await page.keyboard.press('Enter');
      await fields.getByRole('alert').filter({ hasText: why }).waitFor();
      await until(`the focus on ${label}`, () => hasFocus(page, '[aria-invalid=true]'));
      t.is(await field.getAttribute('aria-invalid'), 'true', label);
      const describedBy = (await field.getAttribute('aria-describedby')) ?? '';
      const id = describedBy.split(' ').at(-1);
      t.regex(await page.locator(`[id="${id}"]`).innerText(), why, label);
      t.is(await field.inputValue(), value, label);
      await field.fill(old);
      t.is(await field.getAttribute('aria-invalid'), null, `${label}, changed`);
    };
    await show('/functions/keyed/triggers');
    await refused('Add a trigger', 'Topic or pattern', 'with blanks', /no blanks/);
    await page.getByLabel('Kind').selectOption('cron');
    await refused('Add a trigger', 'Cron expression', '99 * * * *', /cron expression/);
    await refused('Add a trigger', 'Time zone', 'Moon', /timezone/, { 'Cron expression': '* * * * *' });
    await show('/secrets');
    await refused('Set a secret', 'Name', 'bad name', /letters/, { Value: 'x' });
    await show('/keys');
    await refused('Create a key', 'Name', 'n'.repeat(200), /128 characters/);
    await refused('Create a key', 'Functions', 'a/b', /pattern/, { Name: 'made' });
    await show('/functions/keyed');
    const alias = { Alias: 'beta', Version: '1' };
    await refused('Set an alias', 'Alias', 'be ta', /letters/, alias);
    await refused('Set an alias', 'Share of others, in percent', '2=x', /percent/, alias);
    await refused('Set an alias', 'Share of others, in percent', '8', /such as/, alias);
    await page.getByText('Start a rollout').click();
    await refused('Start a rollout', 'Steps in percent', '50, 20', /rise/);
    await refused('Start a rollout', 'Seconds a step', '0', /seconds/);
    await show('/events');
    await refused('Publish a message', 'Topic', 'with blanks', /no blanks/);
    await context.close();
  },
);

browserSays('Escape closes the menu of a narrow window and returns the focus to it', async (t, browser) => {
  const { context, page, show } = await opened(browser);
  await page.setViewportSize({ width: 390, height: 844 });
  await show('/functions');
  const menu = page.getByRole('button', { name: 'Menu' });
  const [navigation, secrets] = ['#navigation', page.getByRole('link', { name: 'Secrets', exact: true })];
  for (const leave of [() => secrets.focus(), () => menu.focus()]) {
    await menu.press('Enter');
    await page.locator(navigation).waitFor();
    await leave();
    await page.keyboard.press('Escape');
    await page.locator(navigation).waitFor({ state: 'hidden' });
    t.true(await hasFocus(page, '.menu'));
  }
  t.is(await menu.getAttribute('aria-expanded'), 'false');
  await context.close();
});
