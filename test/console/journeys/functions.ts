import { acts, actsWasm } from '../../helpers/acts.js';
import { fillCode } from '../../helpers/browser.js';
import { openConsole } from '../signed-in.js';
import type { Journeys } from './journeys.js';

/** Functions: invocation, rollout, rollback and schedules. */
export function functions({ browserSays, lived }: Journeys): void {
  browserSays('a function is found, invoked, and its invocation opened and replayed', async (t, browser) => {
    const { api } = await lived();
    const { page, troubles, done } = await openConsole(browser, api, '/functions');
    await page.getByLabel('Filter by name').fill('ord');
    await page.getByRole('link', { name: 'orders', exact: true }).click();
    await page.getByText('90 % on 1, 10 % on 2').waitFor();
    await page.getByRole('link', { name: 'Invoke', exact: true }).click();
    await fillCode(page, 'Input', acts('echo from the console'));
    await page.getByRole('button', { name: 'Invoke' }).click();
    await page.getByText('from the console', { exact: false }).last().waitFor();
    await page.getByRole('link', { name: 'show the invocation' }).click();
    await page.getByRole('heading', { name: 'Attempts' }).waitFor();
    t.regex(await page.getByLabel('Output', { exact: true }).innerText(), /from the console/);
    t.deepEqual(troubles, []);
    done();
  });

  browserSays('a rollback shows what would change before it changes anything', async (t, browser) => {
    const { api } = await lived();
    const deploy = async (memory: string, env: object) =>
      api.deploy('settled', await actsWasm(), {
        memory_limit_mb: memory,
        metadata: JSON.stringify({ env }),
      });
    await deploy('64', { LEVEL: 'debug', SAME: 'x' });
    await deploy('96', { LEVEL: 'info', SAME: 'x' });
    const { page, done } = await openConsole(browser, api, '/functions/settled/versions');
    await page.getByRole('button', { name: 'Roll back to version 1' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('metadata.env.LEVEL').waitFor();
    const rows = await dialog.locator('tbody tr').allInnerTexts();
    t.deepEqual(
      rows.map((row) => row.split(/\s+/)),
      [
        ['memory_limit_mb', '96', '64'],
        ['metadata.env.LEVEL', 'info', 'debug'],
      ],
    );
    await page.keyboard.press('Escape');
    t.is((await api.get('/v1/functions/settled')).json.version, 2);
    await page.getByRole('button', { name: 'Roll back to version 1' }).click();
    await dialog.getByRole('button', { name: 'Roll back to 1' }).click();
    await page.getByRole('cell', { name: '3', exact: true }).waitFor();
    t.is((await api.get('/v1/functions/settled')).json.memory_limit_mb, 64);

    // While the alias live exists, calls run its version and not the newest one, so the alias is
    // moved.
    await api.put('/v1/functions/settled/aliases/live', { version: 3 });
    await page.reload();
    await page.getByRole('row', { name: /^3 live .* runs now$/ }).waitFor();
    await page.getByRole('button', { name: 'Roll back to version 2' }).click();
    t.regex(await dialog.innerText(), /"live" goes from version 3 to version 2/);
    await dialog.getByRole('button', { name: 'Roll back to 2' }).click();
    await page.getByRole('row', { name: /^2 live .* runs now$/ }).waitFor();
    t.is((await api.get('/v1/functions/settled/versions')).json.count, 3);
    t.is((await api.invoke('settled', '[]')).headers.get('x-function-version'), '2');
    done();
  });

  browserSays('a rollout is started, seen, and aborted after it was asked', async (t, browser) => {
    const { api } = await lived();
    for (let version = 0; version < 2; version++) await api.deploy('rolled', await actsWasm());
    await api.put('/v1/functions/rolled/aliases/live', { version: 1 });
    const { page, done } = await openConsole(browser, api, '/functions/rolled');
    await page.getByText('Start a rollout').click();
    await page.getByLabel('Steps in percent').fill('10, 50');
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    await page.getByText('10 %', { exact: true }).waitFor();
    t.like((await api.get('/v1/functions/rolled/rollout')).json, { to: 2, state: 'running', percent: 10 });
    await page.getByRole('button', { name: 'Abort the rollout' }).click();
    t.regex(await page.getByRole('dialog').innerText(), /rolled.*version 1 again/s);
    await page.getByRole('dialog').getByRole('button', { name: 'Abort the rollout' }).click();
    await page.getByText('aborted').first().waitFor();
    t.is((await api.get('/v1/functions/rolled/rollout')).json.state, 'aborted');
    done();
  });

  browserSays('a schedule is added, run now, paused and deleted', async (t, browser) => {
    const { api } = await lived();
    await api.deploy('timed', await actsWasm());
    const { page, done } = await openConsole(browser, api, '/functions/timed/triggers');
    await page.getByLabel('Kind').selectOption('cron');
    await page.getByLabel('Cron expression').fill('0 3 * * *');
    await page.getByLabel('Time zone').fill('Europe/Berlin');
    await page.getByRole('button', { name: 'Add the trigger' }).click();
    const named = '0 3 * * * (Europe/Berlin)';
    await page.getByRole('button', { name: `Pause trigger ${named}` }).click();
    await page.getByRole('button', { name: `Resume trigger ${named}` }).waitFor();
    t.false((await api.get('/v1/functions/timed/triggers')).json.triggers[0].enabled);
    await page.getByRole('button', { name: `Run trigger ${named} now` }).click();
    await page.getByText('cron, depth 1').waitFor();
    await page.goBack();
    await page.getByRole('button', { name: `Delete trigger ${named}` }).click();
    t.regex(await page.getByRole('dialog').innerText(), /no longer fires timed/);
    await page.getByRole('dialog').getByRole('button', { name: 'Delete the trigger' }).click();
    await page.getByText('None: it runs when it is invoked.').waitFor();
    t.is((await api.get('/v1/functions/timed/triggers')).json.count, 0);
    done();
  });

  browserSays(
    'versions say what changed, from which commit, by whom, and what runs them',
    async (t, browser) => {
      const { api } = await lived();
      const origin = { message: 'Charge once', git_commit: `${'0123456789abcdef'.repeat(2)}01234567-dirty` };
      const { json: key } = await api.post('/v1/auth/keys', { name: 'ci of the shop', scopes: ['deploy'] });
      await api.deploy('told', await actsWasm(), { message: '<b>First</b>' });
      await api.as(key.api_key).deploy('told', await actsWasm(), origin);
      await api.delete(`/v1/auth/keys/${key.id}`);
      await api.put('/v1/functions/told/aliases/live', { version: 1 });
      await api.put('/v1/functions/told/aliases/beta', { version: 2 });
      await api.post('/v1/functions/told/rollout', { to: 2, steps: [25, 50], every_seconds: 3600 });
      const { page, troubles, done } = await openConsole(browser, api, '/functions/told/versions');
      // The name of a revoked key is still shown, and the first characters of the commit.
      await page
        .getByRole('row', { name: /^2 beta, live 25 % Charge once 0123456789ab-dirty .* ci of the shop / })
        .waitFor();
      t.is(await page.getByText('0123456789ab-dirty').getAttribute('title'), origin.git_commit);
      await page.getByRole('row', { name: /^1 live 75 % <b>First<\/b> .* admin / }).waitFor();
      const notice = page.getByText(
        'A rollout sends 25 % of the calls to version 2, the others to version 1',
      );
      t.regex(await notice.innerText(), /0 calls in this step, 0 errors, at most 2 % of them/);
      // The shares show a step that the rollout takes meanwhile.
      await api.put('/v1/functions/told/aliases/beta', { version: 1 });
      await api.delete('/v1/functions/told/rollout');
      await notice.waitFor({ state: 'detached' });
      await page.getByRole('row', { name: /^1 beta, live / }).waitFor();

      await page.getByRole('link', { name: 'Overview', exact: true }).last().click();
      const facts = page.locator('.facts').first();
      t.regex(
        await facts.innerText(),
        /By\s+ci of the shop\s+Change\s+Charge once\s+Commit\s+0123456789ab-dirty/,
      );

      await page.goto(`${api.url}/console/keys`);
      const audit = page.getByRole('region', { name: 'Audit log' });
      await audit.getByRole('row', { name: /ci of the shop function\.deploy told@2/ }).waitFor();
      await audit.getByRole('row', { name: /admin key\.revoke ci of the shop/ }).waitFor();
      t.deepEqual(troubles, []);
      done();
    },
  );
}
