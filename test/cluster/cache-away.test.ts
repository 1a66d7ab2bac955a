import test from 'ava';
import { startCluster } from '../helpers/cluster.js';
import { loggedAttempts } from '../helpers/logged.js';
import { notRun } from '../helpers/not-run.js';
import { startOlric } from '../helpers/olric-server.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { findServer } from '../helpers/servers.js';
import { until } from '../helpers/until.js';

const server = findServer('olric', 'TEST_OLRIC_SERVER', 'olric-server');

if (server === null) notRun('olric: not found, real-server suite not run: functions while Olric is down');
else {
  test('while Olric is down, functions run, and their failed cache calls are logged', async (t) => {
    const olric = await startOlric(server);
    t.teardown(olric.close);
    const cluster = await startCluster({ OLRIC_URL: olric.url });
    t.teardown(cluster.close);
    const [web] = await Promise.all([cluster.web(), cluster.worker()]);
    await web.api.deploy('probe', await probeWasm());
    const input = commands(
      { op: 'cache_set', a: 'k', b: 'v', n: 0 },
      { op: 'cache_get', a: 'k' },
      { op: 'echo', a: 'x' },
    );
    t.deepEqual((await web.api.invoke('probe', input)).json, { results: [null, 'v', 'x'] });
    await olric.kill();

    const reply = await web.api.invoke('probe', input);
    t.is(reply.status, 200, reply.text);
    t.deepEqual(reply.json, { results: [null, '', 'x'] });
    t.log(`two cache calls that failed took ${reply.headers.get('x-duration-ms')} ms`);
    const [record] = await until('the call is logged', async () => {
      const found = await loggedAttempts(
        web.api,
        'probe',
        `&request_id=${reply.headers.get('x-request-id')}`,
      );
      return found.length > 0 && found;
    });
    t.regex(record?.messages.map(({ message }) => message).join('\n') ?? '', /cache_get.*cannot be reached/);

    await olric.restart();
    await until('the cache is used again', async () => {
      const { json } = await web.api.invoke('probe', input);
      return json.results[1] === 'v';
    });
  });
}
