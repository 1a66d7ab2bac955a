import { fillCode } from '../../helpers/browser.js';
import { until } from '../../helpers/until.js';
import { openConsole } from '../signed-in.js';
import type { Journeys } from './journeys.js';

/** Secrets, SQL and keys. */
export function secretsDataAndKeys({ browserSays, lived }: Journeys): void {
  browserSays('a secret is set and deleted, and its value is nowhere in the page', async (t, browser) => {
    const { api } = await lived();
    const { page, done } = await openConsole(browser, api, '/secrets');
    await page.getByLabel('Name').fill('CONSOLE_SECRET');
    // A key as of a .pem file.
    await page.getByLabel('Value').fill('canary-of-the-console\nits second line\n');
    const sent = page.waitForRequest((request) => request.method() === 'PUT');
    await page.getByRole('button', { name: 'Set the secret' }).click();
    t.is((await sent).postDataJSON().value, 'canary-of-the-console\nits second line\n');
    await page.getByRole('cell', { name: 'CONSOLE_SECRET', exact: true }).waitFor();
    t.false((await page.content()).includes('canary-of-the-console'));
    await page.getByRole('button', { name: 'Delete secret CONSOLE_SECRET' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete the secret' }).click();
    await page.getByRole('cell', { name: 'CONSOLE_SECRET', exact: true }).waitFor({ state: 'detached' });
    t.false(JSON.stringify((await api.get('/v1/functions/secrets')).json).includes('CONSOLE_SECRET'));
    done();
  });

  browserSays('SQL reads with all digits, and writes only when it is let', async (t, browser) => {
    const { api } = await lived();
    const { page, done } = await openConsole(browser, api, '/data');
    await fillCode(
      page,
      'Statement',
      'select cents, 1.0 / 3 as third, 1e300 as large from orders where id = 3',
    );
    await page.keyboard.press('Control+Enter');
    await page.getByRole('cell', { name: '9007199254740993' }).waitFor();
    await page.getByRole('cell', { name: '0.3333333333333333' }).waitFor();
    await page.getByRole('cell', { name: '1e+300' }).waitFor();
    await fillCode(page, 'Statement', 'delete from orders where id = 1');
    await page.getByRole('button', { name: 'Run' }).click();
    await page.getByRole('alert').waitFor();
    t.is((await api.post('/v1/rqlite/query', { sql: 'select id from orders where id = 1' })).json.count, 1);
    await page.getByLabel('Let it write').check();
    await page.getByRole('button', { name: 'Run and write' }).click();
    await page.getByText(/^1 row changed/).waitFor();
    t.is((await api.post('/v1/rqlite/query', { sql: 'select id from orders where id = 1' })).json.count, 0);
    done();
  });

  browserSays('a key is made with scopes, shown once, and revoked', async (t, browser) => {
    const { api } = await lived();
    const { page, done } = await openConsole(browser, api, '/keys');
    await page.getByLabel('Name').fill('ci-of-the-console');
    await page.getByLabel('publish').check();
    await page.getByRole('button', { name: 'Create the key' }).click();
    const key = (await page.locator('pre.key').innerText()).trim();
    const { json } = await api.as(key).get('/v1/auth/whoami');
    t.deepEqual([...json.scopes].sort(), ['publish', 'read']);
    await page.getByRole('button', { name: 'Done' }).click();
    t.false((await page.content()).includes(key));
    await page.getByRole('button', { name: 'Revoke key ci-of-the-console' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke the key' }).click();
    // The audit log keeps its name.
    const keys = page.getByRole('region', { name: 'API keys' });
    await keys.getByRole('cell', { name: 'ci-of-the-console', exact: true }).waitFor({ state: 'detached' });
    await until('it is refused', async () => (await api.as(key).get('/v1/auth/whoami')).status === 401);
    done();
  });
}
