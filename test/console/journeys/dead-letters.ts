import { acts, actsWasm } from '../../helpers/acts.js';
import { until } from '../../helpers/until.js';
import { openConsole } from '../signed-in.js';
import type { Journeys } from './journeys.js';

/** Dead letters, replayed and purged. */
export function deadLetters({ browserSays, lived }: Journeys): void {
  browserSays('a dead letter is seen, and purged only after it was asked', async (t, browser) => {
    const { api } = await lived();
    const { page, done } = await openConsole(browser, api, '/dead');
    await page.getByLabel('Function').selectOption('charge-card');
    await page
      .getByRole('link', { name: /charge-card/ })
      .first()
      .waitFor();
    await page.getByRole('button', { name: 'Purge all' }).click();
    const dialog = page.getByRole('dialog');
    t.regex(await dialog.innerText(), /charge-card.*cannot be undone/s);
    await page.keyboard.press('Escape');
    const dead = () => api.get('/v1/invocations?status=dead&function=charge-card');
    t.true((await dead()).json.count > 0);
    await page.getByRole('button', { name: 'Purge all' }).click();
    await dialog.getByRole('button', { name: 'Purge all' }).click();
    await page.getByRole('heading', { name: 'No dead letters' }).waitFor();
    t.is((await dead()).json.count, 0);
    done();
  });

  browserSays(
    'dead letters are counted, replayed and purged by reason, and some by their boxes',
    async (t, browser) => {
      const { api } = await lived();
      await api.deploy('fails', await actsWasm());
      const dying = [acts('exit 1'), acts('exit 2'), acts('exit 3')];
      for (const input of dying) await api.invoke('fails', input, { prefer: 'respond-async' });
      const dead = async () => (await api.get('/v1/invocations?status=dead&function=fails')).json.count;
      await until('three dead letters', async () => (await dead()) === 3);
      const { page, done } = await openConsole(browser, api, '/dead');
      const group = page.getByRole('row', { name: /^fails Error/ });
      await group.getByRole('cell', { name: '3', exact: true }).waitFor();
      await group.getByRole('link', { name: 'fails' }).click();
      const boxes = page.getByRole('checkbox', { name: /^Select fails/ });
      const all = page.getByRole('checkbox', { name: 'Select all on this page' });
      await boxes.first().check();
      await page.getByRole('button', { name: 'Replay 1 selected' }).click();
      await page.getByText('1 invocation runs again.').waitFor();
      await page.getByLabel('Reason').selectOption('timeout');
      await page.getByRole('heading', { name: 'No dead letters' }).waitFor();
      t.true(await page.getByRole('button', { name: 'Purge all' }).isDisabled());
      await until('the replayed one has died again', async () => (await dead()) === 3);
      await page.getByLabel('Reason').selectOption('error');
      await boxes.nth(2).waitFor();
      await all.check();
      await boxes.first().uncheck();
      const kept = await boxes.first().getAttribute('aria-label');
      await page.getByRole('button', { name: 'Purge 2 selected' }).click();
      t.regex(await page.getByRole('dialog').innerText(), /fails [0-9a-f-]{36}, fails .*cannot be undone/s);
      await page.keyboard.press('Escape');
      t.is(await dead(), 3);
      await page.getByRole('button', { name: 'Purge 2 selected' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Purge 2 selected' }).click();
      await page.getByText('2 dead letters purged.').waitFor();
      await boxes.nth(1).waitFor({ state: 'detached' });
      t.is(await boxes.first().getAttribute('aria-label'), kept);
      await page.getByRole('button', { name: 'Purge all' }).click();
      t.regex(await page.getByRole('dialog').innerText(), /"fails" with the reason "Error"/);
      await page.getByRole('dialog').getByRole('button', { name: 'Purge all' }).click();
      await page.getByText('1 dead letter of fails purged.').waitFor();
      t.is(await dead(), 0);
      done();
    },
  );
}
