import type { Page } from 'playwright-core';
import { hasLoaded, turnTo } from '../helpers/browser.js';
import { browserTest } from '../helpers/browser-test.js';
import { closedGate } from '../helpers/gate.js';
import { startEngine } from '../helpers/running-engine.js';
import { shared } from '../helpers/shared.js';
import { until } from '../helpers/until.js';
import { openSignedIn } from './api-routes.js';

/** What pages show when the engine does not answer and closes no connection. */
const engine = shared(() => startEngine());
const browserSays = browserTest(engine);

/** Lets time pass in the page until it shows the text: its timers start after requests. */
async function showsInTime(page: Page, text: string | RegExp): Promise<void> {
  await until(`the page shows ${text}`, async () => {
    await page.clock.fastForward('00:16');
    return page
      .getByText(text)
      .first()
      .waitFor({ timeout: 500 })
      .then(
        () => true,
        () => false,
      );
  });
}

browserSays('figures of a frozen engine are shown as not up to date', async (t, browser) => {
  const { api, pid } = await engine();
  const { context, page } = await openSignedIn(browser, api);
  await page.clock.install();
  await turnTo(page, '');
  const panel = page.locator('.panel', { has: page.getByRole('heading', { name: 'Engine' }) });
  await panel.locator('header .state').waitFor();
  process.kill(pid, 'SIGSTOP');
  try {
    await showsInTime(page, 'Not up to date: The engine has not answered for 15 s.');
    await panel.getByText('Not up to date').waitFor();
    t.is(await panel.locator('.state').count(), 0);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await until('the engine is shown as up', async () => {
    await page.clock.fastForward('00:06');
    return (await panel.locator('header .state').count()) === 1;
  });
  await context.close();
});

browserSays(
  'a change that a frozen engine does not confirm is said to be one of unknown outcome',
  async (t, browser) => {
    const { api, pid } = await engine();
    const { context, page } = await openSignedIn(browser, api);
    await turnTo(page, '/secrets');
    await hasLoaded(page);
    await page.clock.install();
    await page.getByLabel('Name').fill('LATE');
    await page.getByLabel('Value').fill('secret');
    process.kill(pid, 'SIGSTOP');
    try {
      await page.getByRole('button', { name: 'Set the secret' }).click();
      await showsInTime(
        page,
        'The engine has not answered for 60 s. Whether the request has taken effect is unknown',
      );
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    // The form keeps what was typed.
    t.is(await page.getByLabel('Name').inputValue(), 'LATE');
    await page.getByRole('button', { name: 'Set the secret' }).click();
    await page.getByRole('cell', { name: 'LATE', exact: true }).waitFor();
    await context.close();
  },
);

browserSays('a session that is ended while it is renewed stays ended', async (t, browser) => {
  const { api } = await engine();
  const { context, page } = await openSignedIn(browser, api);
  await page.evaluate(`(() => {
    const session = JSON.parse(sessionStorage.getItem('orama.session'));
    sessionStorage.setItem('orama.session', JSON.stringify({ ...session, expiresAt: 0 }));
  })()`);
  const signedOut = closedGate();
  const renewal = closedGate();
  await page.route('**/v1/auth/refresh', async (route) => {
    const response = await route.fetch();
    renewal.open();
    await signedOut.opened;
    await route.fulfill({ response });
  });
  await page.goto(`${api.url}/console/secrets`);
  // After the sign-out, the engine would refuse it.
  await renewal.opened;
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('API key', { exact: true }).waitFor();
  const renewed = page.waitForResponse('**/v1/auth/refresh');
  signedOut.open();
  // Its response never finishes where the browser reports the fulfilled request as aborted. The
  // renewal holds a lock until it has used the response.
  await renewed;
  await page.waitForFunction(
    'navigator.locks.query().then(({ held, pending }) => held.length + pending.length === 0)',
  );
  t.is(await page.evaluate('sessionStorage.getItem("orama.session")'), null);
  t.is(await page.getByRole('alert').count(), 0, 'the session was used again, and refused');
  await context.close();
});
