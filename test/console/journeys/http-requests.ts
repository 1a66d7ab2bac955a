import { fillCode, openPage, openWindow, signIn } from '../../helpers/browser.js';
import { httpGuest } from '../../helpers/http-guest.js';
import type { Journeys } from './journeys.js';

/** Requests to HTTP functions. */
export function httpRequests({ browserSays, lived }: Journeys): void {
  browserSays(
    'an HTTP request is put together, sent, and its reply and invocation shown',
    async (t, browser) => {
      const { api } = await lived();
      const context = await openWindow(browser);
      const { page, troubles } = await openPage(context);
      await api.deploy('pay', await httpGuest(), {
        metadata: JSON.stringify({ http: { routes: ['POST /pay/{id}'] } }),
      });
      await signIn(page, api, '/functions/pay/request');
      await page.getByRole('button', { name: 'POST /pay/{id}' }).click();
      t.is(await page.getByLabel('Method').inputValue(), 'POST');
      await page.getByLabel('Path').fill('/pay/7');
      await page.getByLabel('Query').fill('currency=EUR');
      await page.getByLabel('Headers', { exact: true }).fill('X-Test: yes');
      await fillCode(page, 'Body', '{"cents": 4200}');
      await page.getByRole('button', { name: 'Send' }).click();
      await page.getByRole('link', { name: 'show the invocation' }).waitFor();
      const reply = page.locator('.panel', { hasText: 'Reply' }).last();
      t.regex(await reply.innerText(), /200/);
      const { request, body } = JSON.parse(await page.getByLabel('Reply body', { exact: true }).innerText());
      t.like(request, { method: 'POST', params: { id: '7' }, query: { currency: ['EUR'] } });
      t.is(request.headers['x-test'], 'yes');
      t.is(Buffer.from(body, 'base64').toString(), '{"cents": 4200}');

      const own = { status: 418, headers: { 'X-Own': 'mine' }, body: '' };
      await page.getByLabel('Headers', { exact: true }).fill(`X-Do: reply ${JSON.stringify(own)}`);
      await page.getByRole('button', { name: 'Send' }).click();
      await reply.locator('.state', { hasText: '418' }).waitFor();
      t.regex(await page.getByLabel('Reply headers').innerText(), /x-own: mine/);

      await page.getByLabel('Send it without a credential').check();
      await page.getByRole('button', { name: 'Send' }).click();
      await reply.locator('.state', { hasText: '401' }).waitFor();
      await page.getByLabel('Send it without a credential').uncheck();
      await page.getByRole('button', { name: 'Send' }).click();
      await page.getByRole('link', { name: 'show the invocation' }).click();
      await page.getByRole('heading', { name: 'pay', level: 1 }).waitFor();
      t.deepEqual(troubles, []);
      await context.close();
    },
  );
}
