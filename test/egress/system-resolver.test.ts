import { setMaxListeners } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createSystemResolver } from '../../src/egress/system-resolver.js';
import { nameServer, type Zone } from '../helpers/name-server.js';

const forever = new AbortController().signal;

interface Files {
  hosts?: string;
  resolvConf?: string;
}

async function resolver(t: ExecutionContext, zone: Zone, { hosts = '', resolvConf = '' }: Files = {}) {
  const { address, queried } = await nameServer(t, zone);
  const directory = await mkdtemp(join(tmpdir(), 'resolver-'));
  t.teardown(() => rm(directory, { recursive: true }));
  const hostsFile = join(directory, 'hosts');
  const conf = join(directory, 'resolv.conf');
  await writeFile(hostsFile, hosts);
  await writeFile(conf, resolvConf);
  return {
    resolve: createSystemResolver({ hostsFile, resolvConf: conf, servers: [address] }),
    queried,
    hostsFile,
  };
}

test('a name is resolved although many others get no answer', async (t) => {
  const slow = Array.from({ length: 64 }, (_, at) => `a${at}.slow.test`);
  const { resolve } = await resolver(t, {
    'quick.test': { v4: '192.0.2.7' },
    ...Object.fromEntries(slow.map((name) => [name, { silent: 'both' as const }])),
  });
  const cancel = new AbortController();
  setMaxListeners(slow.length, cancel.signal);
  let ended = 0;
  const unanswered = slow.map((name) =>
    resolve(name, cancel.signal).catch(() => {
      ended += 1;
    }),
  );
  t.deepEqual(await resolve('quick.test', forever), ['192.0.2.7']);
  t.is(ended, 0);
  // Cancelling ends them without waiting for the name server.
  cancel.abort();
  await Promise.all(unanswered);
  t.is(ended, slow.length);
});

test('a name server that answers for one family only does not make the lookup fail', async (t) => {
  const { resolve } = await resolver(t, { 'half.test': { v4: '192.0.2.8', silent: 'v6' } });
  t.deepEqual(await resolve('half.test', forever), ['192.0.2.8']);
});

test('a name that does not exist is an error', async (t) => {
  const { resolve } = await resolver(t, {});
  await t.throwsAsync(resolve('nowhere.test', forever), { code: 'ENOTFOUND' });
});

test('the hosts file comes before the name server, and its changes take effect', async (t) => {
  const hosts = '# names\n10.1.2.3\tdb.internal DB # the database\n::1 db\n192.0.2.1 db\nnot-an-address x\n';
  const { resolve, queried, hostsFile } = await resolver(
    t,
    { 'db.internal': { v4: '192.0.2.9' } },
    { hosts },
  );
  t.deepEqual(await resolve('db.internal', forever), ['10.1.2.3']);
  t.deepEqual(await resolve('Db', forever), ['10.1.2.3', '::1', '192.0.2.1']);
  t.deepEqual(queried, []);
  await rm(hostsFile);
  t.deepEqual(await resolve('db.internal', forever), ['192.0.2.9']);
});

test('localhost is a loopback address without asking the name server', async (t) => {
  const { resolve, queried } = await resolver(t, {});
  t.deepEqual(await resolve('localhost', forever), ['127.0.0.1', '::1']);
  t.deepEqual(await resolve('app.localhost', forever), ['127.0.0.1', '::1']);
  t.deepEqual(queried, []);
});

test('the search list of resolv.conf completes names with too few dots', async (t) => {
  const resolvConf = 'domain ignored.test\nsearch a.test b.test. # two\noptions timeout:1 ndots:2\n';
  const { resolve, queried } = await resolver(
    t,
    { 'api.b.test': { v4: '192.0.2.2' }, 'x.y.z': { v4: '192.0.2.3' }, 'whole.test': { v4: '192.0.2.4' } },
    { resolvConf },
  );
  t.deepEqual(await resolve('api', forever), ['192.0.2.2']);
  t.deepEqual(queried.splice(0), ['api.a.test', 'api.b.test']);
  t.deepEqual(await resolve('x.y.z', forever), ['192.0.2.3']);
  t.deepEqual(queried.splice(0), ['x.y.z']);
  t.deepEqual(await resolve('whole.test', forever), ['192.0.2.4']);
  t.deepEqual(queried.splice(0), ['whole.test.a.test', 'whole.test.b.test', 'whole.test']);
});
