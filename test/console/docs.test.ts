import { acts } from '../helpers/acts.js';
import { fillCode, openPage, openWindow, signIn } from '../helpers/browser.js';
import { browserTest } from '../helpers/browser-test.js';
import { startEngine } from '../helpers/running-engine.js';
import { shared } from '../helpers/shared.js';
import { populate } from './scene.js';
import { violations } from './violations.js';

/**
 * Runs in the page. Opens every operation, and returns the tables that are wider than their frames.
 */
const CUT_PARAMETERS = `(() => {
  for (const operation of document.querySelectorAll('.operation')) operation.open = true;
  return [...document.querySelectorAll('#docs .wide')]
    .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)
    .map((frame) => frame.getAttribute('aria-label'));
})()`;

const lived = shared(async () => {
  const engine = await startEngine();
  await populate(engine.api);
  return engine;
});
const browserSays = browserTest(lived);

browserSays('the API is searched, and a link to an operation opens it', async (t, browser) => {
  const { url } = await lived();
  const context = await openWindow(browser);
  const { page, troubles } = await openPage(context);
  await page.goto(`${url}/docs`);
  await page.getByLabel('Search the API').fill('dead replay');
  await page.getByText(/^\d+ endpoints?$/).waitFor();
  await page.locator('#replayDeadLetters').waitFor();
  t.false(await page.locator('#putSecret').isVisible());
  t.false(await page.getByRole('heading', { name: 'Storage' }).isVisible());
  await page.getByLabel('Search the API').fill('');
  await page.locator('#putSecret').waitFor();
  await page.goto(`${url}/docs#listInvocations`);
  await page.locator('#listInvocations').getByText('With curl').waitFor();
  t.deepEqual(troubles, []);
  await context.close();
});

browserSays('what a parameter is for is read without scrolling sideways', async (t, browser) => {
  const { url } = await lived();
  for (const width of [390, 1280]) {
    const context = await openWindow(browser, { viewport: { width, height: 800 } });
    const { page } = await openPage(context);
    await page.goto(`${url}/docs`);
    t.deepEqual(await page.evaluate(CUT_PARAMETERS), [], `at ${width} pixels`);
    await context.close();
  }
});

browserSays('an operation is tried with the session, and its reply shown', async (t, browser) => {
  const { url, adminKey, api } = await lived();
  const context = await openWindow(browser);
  const { page, troubles } = await openPage(context);
  await page.goto(`${url}/docs#invokeFunction`);
  await page.getByText('Sign in to try calls from this page').click();
  await page.getByLabel('API key', { exact: true }).fill(adminKey);
  await page.keyboard.press('Enter');
  await page.getByText('Calls from this page are sent in namespace').waitFor();
  const operation = page.locator('#invokeFunction');
  await operation.getByLabel('name (required)').fill('orders');
  await fillCode(page, 'Body', acts('echo tried'));
  await operation.getByRole('button', { name: 'Send' }).click();
  await operation.getByText('200', { exact: false }).first().waitFor();
  t.regex(await operation.getByLabel('Reply to invokeFunction', { exact: true }).innerText(), /tried/);
  await operation.getByRole('link', { name: 'show in the console' }).click();
  await page.getByRole('heading', { name: 'orders', level: 1 }).waitFor();
  t.deepEqual(troubles, []);
  await context.close();
  t.is((await api.get('/v1/functions/orders')).status, 200);
});

browserSays('what deletes is asked for first, and names what it hits', async (t, browser) => {
  const { url, api } = await lived();
  await api.put('/v1/functions/secrets', { name: 'OF_THE_DOCS', value: 'x' });
  const context = await openWindow(browser);
  const { page } = await openPage(context);
  await signIn(page, api);
  await page.goto(`${url}/docs#deleteSecret`);
  const operation = page.locator('#deleteSecret');
  await operation.getByLabel('name (required)').fill('OF_THE_DOCS');
  await operation.getByRole('button', { name: 'Send…' }).click();
  t.regex(await page.getByRole('dialog').innerText(), /DELETE \/v1\/functions\/secrets\/OF_THE_DOCS/);
  await page.keyboard.press('Escape');
  const names = async () => JSON.stringify((await api.get('/v1/functions/secrets')).json);
  t.true((await names()).includes('OF_THE_DOCS'));
  await operation.getByRole('button', { name: 'Send…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete it' }).click();
  await operation.getByLabel('Reply to deleteSecret', { exact: true }).waitFor();
  t.false((await names()).includes('OF_THE_DOCS'));
  await context.close();
});

browserSays('a stream is shown as it comes, and stopped', async (t, browser) => {
  const { url, api } = await lived();
  const context = await openWindow(browser);
  const { page } = await openPage(context);
  await signIn(page, api);
  await page.goto(`${url}/docs#listInvocations`);
  const operation = page.locator('#listInvocations');
  await operation.getByLabel('follow').selectOption('true');
  await operation.getByRole('button', { name: 'Send' }).click();
  await operation.getByText('connected').first().waitFor();
  await operation.getByRole('button', { name: 'Stop' }).click();
  await operation.getByRole('button', { name: 'Stop' }).waitFor({ state: 'detached' });
  t.pass();
  await context.close();
});

for (const colorScheme of ['light', 'dark'] as const) {
  browserSays(
    `the page breaks no rule of accessibility at 390 pixels, ${colorScheme}`,
    async (t, browser) => {
      const { url } = await lived();
      const context = await openWindow(browser, { colorScheme, viewport: { width: 390, height: 844 } });
      const { page } = await openPage(context);
      await page.goto(`${url}/docs#sendHttpRequest`);
      await page.locator('#sendHttpRequest').getByText('Try it').waitFor();
      await page.locator('#sendHttpRequest .cm-content').waitFor();
      t.deepEqual(await violations(page), []);
      t.true(await page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth'));
      await context.close();
    },
  );
}
