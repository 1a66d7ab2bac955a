import { execFile } from 'node:child_process';
import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { parse, parseAllDocuments } from 'yaml';
import { notRun } from '../helpers/not-run.js';
import { findServer } from '../helpers/servers.js';
import { tempDir } from '../helpers/temp-dir.js';

const SCRIPT = 'deploy/kubernetes/ipfs-private.sh';
/** Kubo's image runs the scripts of this directory before each start of the daemon. */
const MOUNTED = '/container-init.d/private.sh';
const read = (path: string) => readFileSync(path, 'utf8');

test('compose.yaml and the manifests run the script that keeps Kubo from the public network', (t) => {
  const compose: { services: { ipfs: { volumes: string[] } } } = parse(read('compose.yaml'), { merge: true });
  t.true(compose.services.ipfs.volumes.includes(`./${SCRIPT}:${MOUNTED}:ro`));

  const [set] = parseAllDocuments(read('deploy/kubernetes/ipfs.yaml')).map((one) => one.toJS());
  const { containers, volumes } = set.spec.template.spec;
  const mount = containers[0].volumeMounts.find((one: { mountPath: string }) => one.mountPath === MOUNTED);
  // A mounted directory has links, which the image does not run.
  t.is(mount?.subPath, 'private.sh');
  const volume = volumes.find((one: { name: string }) => one.name === mount?.name);
  const { configMapGenerator } = parse(read('deploy/kubernetes/kustomization.yaml'));
  t.deepEqual(configMapGenerator, [
    { name: volume?.configMap.name, files: [`private.sh=${SCRIPT.split('/').at(-1)}`] },
  ]);
});

const program = findServer('ipfs', 'TEST_IPFS', 'ipfs');
const home = tempDir();
if (program === null) notRun('Kubo: not found, not run: the settings of the script');
else
  test('with the script, Kubo knows no peers, listens for none, announces nothing and fetches nothing', async (t) => {
    symlinkSync(program, join(home, 'ipfs'));
    const env = {
      ...process.env,
      PATH: `${home}:${process.env.PATH}`,
      IPFS_PATH: join(home, 'repo'),
      IPFS_TELEMETRY: 'off',
    };
    const run = async (command: string, ...args: string[]) =>
      (await promisify(execFile)(command, args, { env })).stdout;
    await run('ipfs', 'init', '--profile=server');
    // As at each start of the container.
    for (const _start of [1, 2]) await run('sh', SCRIPT);
    const config = JSON.parse(await run('ipfs', 'config', 'show'));
    t.deepEqual(config.Bootstrap, []);
    t.deepEqual(config.Addresses.Swarm, []);
    t.deepEqual(config.Addresses.Gateway, []);
    t.deepEqual(config.Routing, { DelegatedRouters: [], Type: 'none' });
    t.deepEqual(config.Ipns.DelegatedPublishers, []);
    t.deepEqual(config.Swarm.Transports.Network, { QUIC: false, WebRTCDirect: false, WebTransport: false });
    t.is(config.Plugins.Plugins.telemetry.Config.Mode, 'off');
    for (const part of ['AutoConf', 'AutoTLS', 'Provide']) t.is(config[part].Enabled, false, part);
    t.is(config.Discovery.MDNS.Enabled, false);
    t.notRegex(JSON.stringify(config), /"auto"/, 'placeholders of the configuration that Kubo fetches');
  });
