import { acts } from '../../helpers/acts.js';
import { fillCode } from '../../helpers/browser.js';
import { openConsole } from '../signed-in.js';
import type { Journeys } from './journeys.js';

/** The overview, and invocations with their trees. */
export function invocations({ browserSays, lived }: Journeys): void {
  browserSays('the overview draws what the engine has counted', async (t, browser) => {
    const { api } = await lived();
    const { page, troubles, done } = await openConsole(browser, api, '');
    await page.getByRole('img', { name: /^\d+ calls in \d+ minutes/ }).waitFor();
    await page.locator('.chart canvas').waitFor();
    t.deepEqual(troubles, []);
    done();
  });

  browserSays('an invocation shows up in the open list by itself', async (t, browser) => {
    const { api } = await lived();
    const { page, done } = await openConsole(browser, api, '/invocations?function=send-receipt');
    await page
      .locator('#content')
      .getByText(/No invocations|Nothing matches|State/)
      .first()
      .waitFor();
    const { headers } = await api.invoke('send-receipt', '[]');
    const id = String(headers.get('x-request-id'));
    await page.locator(`a[href$="/invocations/${id}"]`).waitFor();
    t.pass();
    done();
  });

  browserSays(
    'the page of an event shows every run that it caused, and leads to each',
    async (t, browser) => {
      const { api, scene } = await lived();
      const { page, troubles, done } = await openConsole(browser, api, `/invocations/${scene.tree}`);
      const tree = page.locator('ol.tree');
      await tree.getByText('send-receipt').first().waitFor();
      const names = await tree.getByRole('link').allInnerTexts();
      t.deepEqual(names.map((name) => name.replace(/@\d+$/, '')).sort(), [
        'charge-card',
        'orders',
        'send-receipt',
        'send-receipt',
        'update-stock',
      ]);
      await tree
        .getByRole('link', { name: /send-receipt/ })
        .first()
        .click();
      await page.getByRole('heading', { name: 'send-receipt', level: 1 }).waitFor();
      // The page of a leaf shows the same tree, starting at its root.
      await tree.getByText('orders').waitFor();
      t.deepEqual(troubles, []);
      done();
    },
  );

  browserSays('what has ended is replayed on another version with an edited input', async (t, browser) => {
    const { api } = await lived();
    const { headers } = await api.invoke('orders@1', '[]');
    const id = String(headers.get('x-request-id'));
    const { page, done } = await openConsole(browser, api, `/invocations/${id}`);
    await page.getByRole('button', { name: 'Replay…' }).click();
    const dialog = page.getByRole('dialog');
    await fillCode(page, 'Input', acts('echo edited'));
    await dialog.getByLabel('Version').selectOption('2');
    await dialog.getByRole('button', { name: 'Replay with this input' }).click();
    await page.waitForURL((url) => !url.pathname.endsWith(id));
    await page.getByLabel('Output', { exact: true }).waitFor();
    t.regex(await page.getByLabel('Output', { exact: true }).innerText(), /edited/);
    await page.getByRole('link', { name: 'orders@2' }).first().waitFor();
    done();
  });

  browserSays(
    'what waits is cancelled after it was asked, and the page shows its end',
    async (t, browser) => {
      const { api } = await lived();
      const { json } = await api.invoke('orders', '[]', {
        prefer: 'respond-async',
        'x-delay-seconds': '600',
      });
      const { page, done } = await openConsole(browser, api, `/invocations/${json.request_id}`);
      await page.getByRole('button', { name: 'Cancel' }).click();
      t.regex(await page.getByRole('dialog').innerText(), new RegExp(json.request_id));
      await page.getByRole('dialog').getByRole('button', { name: 'Cancel the invocation' }).click();
      await page.getByText('cancelled').first().waitFor();
      await page.getByRole('button', { name: 'Replay…' }).waitFor();
      done();
    },
  );
}
