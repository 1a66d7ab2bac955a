import { fillCode } from '../../helpers/browser.js';
import { openConsole } from '../signed-in.js';
import type { Journeys } from './journeys.js';

/** Messages of topics, and the invocations that they trigger. */
export function events({ browserSays, lived }: Journeys): void {
  browserSays('a message published on the page arrives on it live, byte for byte', async (t, browser) => {
    const { api } = await lived();
    const { page, troubles, done } = await openConsole(browser, api, '/events?topic=news:today');
    await page.getByText('Live', { exact: true }).waitFor();
    await fillCode(page, 'Data', '{"b": 9007199254740993, "a": 2.50}');
    await page.getByRole('button', { name: 'Publish' }).click();
    await page.getByRole('list', { name: 'Messages on news:today' }).waitFor();
    t.regex(
      await page.getByRole('list', { name: 'Messages on news:today' }).innerText(),
      /"b": 9007199254740993, "a": 2\.50/,
    );
    t.deepEqual(troubles, []);
    done();
  });

  browserSays('a topic that the engine refuses is an error and not a page that waits', async (t, browser) => {
    const { api } = await lived();
    const { page, done } = await openConsole(browser, api, '/events?topic=news%20of%20today');
    await page.getByText('topic may hold no blanks').waitFor();
    t.is(await page.getByText('Could not load the messages of this topic').count(), 1);
    done();
  });

  browserSays('a published message leads to a page with all that it has caused', async (t, browser) => {
    const { api } = await lived();
    const { page, troubles, done } = await openConsole(browser, api, '/events?topic=orders:created');
    await fillCode(page, 'Data', '[]');
    await page.getByRole('button', { name: 'Publish' }).click();
    await page.getByText('it has triggered 2 invocations').waitFor();
    await page.getByRole('link', { name: 'Show what it does' }).click();
    await page.getByRole('heading', { name: 'Message', level: 1 }).waitFor();
    const tree = page.locator('ol.tree');
    await tree.getByRole('link', { name: /update-stock/ }).click();
    await page.getByRole('heading', { name: 'update-stock', level: 1 }).waitFor();
    // Each of these invocations links to the others that the same message triggered.
    await tree.getByRole('link', { name: /charge-card/ }).waitFor();
    t.deepEqual(troubles, []);
    done();
  });
}
