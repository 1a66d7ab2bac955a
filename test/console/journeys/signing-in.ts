import { ethWallet } from '../../auth/wallet.js';
import { openPage, openWindow } from '../../helpers/browser.js';
import { openConsole } from '../signed-in.js';
import type { Journeys } from './journeys.js';

/** Signing in and out, and the permissions of a session. */
export function signingIn({ browserSays, lived }: Journeys): void {
  browserSays(
    'somebody signs in with a key, finds nothing of it kept, and signs out for good',
    async (t, browser) => {
      const { api, adminKey, url } = await lived();
      const context = await openWindow(browser);
      const { page, troubles } = await openPage(context);
      await page.goto(`${url}/console`);
      await page.getByLabel('API key', { exact: true }).fill(adminKey);
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'Overview' }).waitFor();
      const kept = await page.evaluate<string>(
        'JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie])',
      );
      t.false(kept.includes(adminKey));
      t.deepEqual(await context.cookies(), []);
      const { accessToken } = JSON.parse(
        await page.evaluate<string>("sessionStorage.getItem('orama.session')"),
      ) as { accessToken: string };

      const ended = page.waitForResponse('**/v1/auth/logout');
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByLabel('API key', { exact: true }).waitFor();
      await ended;
      t.is((await api.as().get('/v1/functions', { authorization: `Bearer ${accessToken}` })).status, 401);
      t.deepEqual(troubles, []);
      await context.close();
    },
  );

  browserSays('a link signs in once, and its token leaves the address', async (t, browser) => {
    const { api, url } = await lived();
    const context = await openWindow(browser);
    const { page } = await openPage(context);
    const { json } = await api.post('/v1/auth/console-links', {});
    await page.goto(`${url}/console#token=${json.token}`);
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    t.is(page.url(), `${url}/console`);
    // The session belongs to this tab: it survives a reload, and another tab has none.
    await page.reload();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    const other = await context.newPage();
    await other.goto(`${url}/console#token=${json.token}`);
    await other.getByRole('alert').waitFor();
    t.regex(await other.getByRole('alert').innerText(), /has been used/);
    await context.close();
  });

  browserSays('a key without the right is told so, and by which scope it would be', async (t, browser) => {
    const { api } = await lived();
    const { json } = await api.post('/v1/auth/keys', { name: 'reader', scopes: ['read'] });
    const { page, done } = await openConsole(browser, api.as(json.api_key), '/secrets');
    const alert = page.getByRole('alert');
    await alert.waitFor();
    t.regex(await alert.innerText(), /may not see the secrets[\s\S]*secrets/);
    await page.getByRole('link', { name: 'Functions', exact: true }).click();
    await page.getByRole('link', { name: 'orders', exact: true }).waitFor();
    done();
  });

  browserSays('a wallet of the browser signs in, and claims its namespace', async (t, browser) => {
    const { api, url } = await lived();
    const wallet = ethWallet();
    const context = await openWindow(browser);
    await context.exposeFunction('signWithTestWallet', (hex: string) =>
      wallet.sign(Buffer.from(hex.slice(2), 'hex').toString()),
    );
    await context.addInitScript(`window.ethereum = {
    async request({ method, params }) {
      if (method === 'eth_requestAccounts') return ['${wallet.address}'];
      if (method === 'personal_sign') return window.signWithTestWallet(params[0]);
      throw new Error('unknown method ' + method);
    },
  };`);
    const { page, troubles } = await openPage(context);
    await page.goto(`${url}/console`);
    const namespace = `of-${wallet.address.slice(2, 12)}`;
    await page.getByLabel('Namespace').fill(namespace);
    await page.getByRole('button', { name: 'Sign in with the wallet' }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.getByText(namespace, { exact: true }).waitFor();
    await page.getByText('This namespace has no functions yet.').waitFor();
    // Data of another namespace is not accessible.
    await page.goto(`${url}/console/functions/orders`);
    await page.getByRole('alert').waitFor();
    const other = ethWallet();
    const { json } = await api.as().post('/v1/auth/challenge', { wallet: other.address, namespace });
    const refused = await api.as().post('/v1/auth/verify', {
      ...{ wallet: other.address, nonce: json.nonce, signature: other.sign(json.nonce), namespace },
      chain_type: 'ETH',
    });
    t.is(refused.status, 403);
    t.deepEqual(troubles, []);
    await context.close();
  });
}
