import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import test from 'ava';
import { isCollection, parse, parseAllDocuments, visit } from 'yaml';
import { loadConfig } from '../../src/config.js';

const DIRECTORY = 'deploy/kubernetes';

interface Probe {
  httpGet?: { path: string; port: string };
  tcpSocket?: { port: string };
}
interface Container {
  name: string;
  image: string;
  args?: string[];
  ports?: { name: string; containerPort: number }[];
  readinessProbe?: Probe;
  livenessProbe?: Probe;
  startupProbe?: Probe;
  securityContext?: Record<string, unknown>;
  resources?: { requests?: { cpu?: string; memory?: string }; limits?: { memory?: string } };
}
interface PodSpec {
  terminationGracePeriodSeconds?: number;
  enableServiceLinks?: boolean;
  securityContext?: { runAsNonRoot?: boolean };
  containers: Container[];
}
interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  spec?: {
    replicas?: number;
    maxUnavailable?: number;
    selector?: { matchLabels?: Record<string, string> };
    template?: { metadata: { labels: Record<string, string> }; spec: PodSpec };
    podSelector?: { matchLabels?: Record<string, string> };
    ingress?: { ports: { port: string | number }[] }[];
    ports?: { port: number; targetPort?: string }[];
  };
  data?: Record<string, string>;
  stringData?: Record<string, string>;
}

const files = readdirSync(DIRECTORY).filter((name) => name.endsWith('.yaml'));
const kustomization: { resources: string[]; images: { name: string; newTag: string }[] } = parse(
  readFileSync(`${DIRECTORY}/kustomization.yaml`, 'utf8'),
);
const manifests: Manifest[] = files
  .filter((name) => name !== 'kustomization.yaml')
  .flatMap((name) =>
    parseAllDocuments(readFileSync(`${DIRECTORY}/${name}`, 'utf8')).map((document) => document.toJS()),
  );
const named = (kind: string, name: string) =>
  manifests.find((each) => each.kind === kind && each.metadata.name === name);
const workloads = manifests.filter(({ spec }) => spec?.template !== undefined);
const services = manifests.filter(({ kind }) => kind === 'Service');

type Model = new (value: object) => { validate(): void };
const require = createRequire(import.meta.url);

/** Throws if the manifest violates the Kubernetes schema. */
function validate(manifest: Pick<Manifest, 'apiVersion' | 'kind'> & Record<string, unknown>): void {
  const { apiVersion, kind } = manifest;
  const models: Record<string, Model | undefined> = require(`kubernetes-models/${apiVersion}`);
  const ModelOfKind = models[kind];
  if (ModelOfKind === undefined) throw new Error(`Kubernetes has no ${apiVersion} ${kind}`);
  new ModelOfKind(manifest).validate();
}

test('no unquoted value in braces or brackets has a question mark, which ends it for kubectl', (t) => {
  // kubectl reads YAML 1.1. The parser of these tests reads 1.2, which permits it.
  for (const name of files) {
    for (const document of parseAllDocuments(readFileSync(`${DIRECTORY}/${name}`, 'utf8'))) {
      visit(document, {
        Scalar: (_, { type, source = '' }, path) => {
          const isInFlow = path.some((node) => isCollection(node) && node.flow === true);
          if (isInFlow && type === 'PLAIN') t.notRegex(source, /\?/, name);
        },
      });
    }
  }
});

test('every manifest is valid against the Kubernetes schema', (t) => {
  for (const manifest of manifests) {
    t.notThrows(() => validate({ ...manifest }), `${manifest.kind} ${manifest.metadata.name}`);
  }
  const web = named('Deployment', 'orama-web');
  const invalid = {
    ...web,
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    spec: { ...web?.spec, replicas: 'two' },
  };
  t.throws(() => validate(invalid), { message: /replicas/ });
});

test('the kustomization lists every file except the example secret, and the package version as image tag', (t) => {
  const expected = files.filter((name) => !['kustomization.yaml', 'secret.example.yaml'].includes(name));
  t.deepEqual([...kustomization.resources].sort(), expected.sort());
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
  t.deepEqual(kustomization.images, [{ name: 'orama-functions', newTag: version }]);
});

test('the settings are valid, and every URL names a Service and its port', (t) => {
  const settings = named('ConfigMap', 'orama-settings')?.data ?? {};
  t.deepEqual(loadConfig({}, settings).warnings, []);
  for (const [name, value] of Object.entries(settings)) {
    if (!name.endsWith('_URL')) continue;
    for (const url of value.split(',')) {
      const { hostname, port } = new URL(url);
      const service = named('Service', hostname.split('.').at(-1) ?? '');
      t.true(
        service?.spec?.ports?.some((each) => String(each.port) === port),
        `${name} ${url}`,
      );
    }
  }
});

test('the keys of the example secret are known to everybody, so no process starts with one of them', (t) => {
  const keys = named('Secret', 'orama-keys')?.stringData ?? {};
  t.deepEqual(Object.keys(keys), ['ORAMA_ADMIN_KEY', 'ORAMA_SECRETS_KEY']);
  for (const [name, value] of Object.entries(keys)) {
    t.throws(() => loadConfig({}, { [name]: value }), { message: new RegExp(`^${name} must `) });
  }
});

test('every selector matches one workload, and every Service port is a container port', (t) => {
  const labelsOf = workloads.map(({ spec }) => spec?.template?.metadata.labels ?? {});
  const matches = (wanted: Record<string, string>) =>
    workloads.filter((_, index) =>
      Object.entries(wanted).every(([key, value]) => labelsOf[index]?.[key] === value),
    );
  for (const { spec, metadata, kind } of manifests) {
    const selector = kind === 'Service' ? spec?.selector : spec?.selector?.matchLabels;
    if (selector === undefined) continue;
    const [pods, ...more] = matches(Object.fromEntries(Object.entries(selector)));
    // The web processes have two Services.
    const workload = metadata.name === 'orama-functions' ? 'orama-web' : metadata.name;
    t.is(pods?.metadata.name, workload, kind);
    t.is(more.length, 0, `${kind} ${metadata.name}`);
    const ports = pods?.spec?.template?.spec.containers.flatMap((container) => container.ports ?? []) ?? [];
    for (const { port, targetPort } of kind === 'Service' ? (spec?.ports ?? []) : []) {
      t.true(
        ports.some((each) =>
          targetPort === undefined ? each.containerPort === port : each.name === targetPort,
        ),
        `${metadata.name}:${port}`,
      );
    }
  }
});

test('web and worker are probed on their ports and have a grace period longer than SHUTDOWN_SECONDS', (t) => {
  const { SHUTDOWN_SECONDS, WORKER_PORT, FUNCTIONS_PORT } = named('ConfigMap', 'orama-settings')?.data ?? {};
  for (const [name, port] of [
    ['orama-web', 4000],
    ['orama-worker', Number(WORKER_PORT)],
  ] as const) {
    const pod = named('Deployment', name)?.spec?.template?.spec;
    const container = pod?.containers[0];
    t.true((pod?.terminationGracePeriodSeconds ?? 0) >= Number(SHUTDOWN_SECONDS) + 10, name);
    t.is(pod?.enableServiceLinks, false);
    const portOf = (probe?: Probe) => {
      const wanted = probe?.httpGet?.port ?? probe?.tcpSocket?.port;
      return container?.ports?.find((each) => each.name === wanted)?.containerPort;
    };
    t.is(container?.startupProbe?.httpGet?.path, '/health');
    const ready = name === 'orama-web' ? '/v1/version' : '/health';
    t.is(container?.readinessProbe?.httpGet?.path, ready, 'a server that is away leaves web in the Services');
    t.is(portOf(container?.readinessProbe), port, name);
    t.is(portOf(container?.startupProbe), port, name);
    t.is(
      container?.livenessProbe?.httpGet,
      undefined,
      'an unreachable dependency does not restart the container',
    );
    t.is(portOf(container?.livenessProbe), port, name);
    const budget = named('PodDisruptionBudget', name)?.spec;
    t.is(budget?.maxUnavailable, 1, name);
    t.deepEqual(budget?.selector?.matchLabels, { 'app.kubernetes.io/name': name });
    t.is(named('Deployment', name)?.spec?.replicas, 2, name);
  }
  const web = named('Deployment', 'orama-web')?.spec?.template?.spec.containers[0]?.ports;
  t.is(web?.find((each) => each.name === 'functions')?.containerPort, Number(FUNCTIONS_PORT));
});

test('every container is non-root, unprivileged and read-only, and has resource requests and limits', (t) => {
  t.true(workloads.length >= 8);
  for (const { metadata, spec } of workloads) {
    const pod = spec?.template?.spec;
    t.is(pod?.securityContext?.runAsNonRoot, true, metadata.name);
    for (const { securityContext, resources } of pod?.containers ?? []) {
      t.like(
        securityContext,
        { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true },
        metadata.name,
      );
      t.regex(resources?.requests?.cpu ?? '', /^(\d+|\d+m)$/, metadata.name);
      t.regex(resources?.requests?.memory ?? '', /^\d+(Mi|Gi)$/, metadata.name);
      t.regex(resources?.limits?.memory ?? '', /^\d+(Mi|Gi)$/, metadata.name);
    }
  }
});

test('the memory limit of web is above what clients of all namespaces can make a process hold', (t) => {
  const [, table = ''] =
    /^\| held \| by one namespace \| by all \|\n((?:\|.*\n)+)/m.exec(
      readFileSync('docs/security.md', 'utf8'),
    ) ?? [];
  const held = [...table.matchAll(/ (\d+) MB \|$/gm)].map(([, mb]) => Number(mb));
  t.true(held.length >= 5);
  const web = named('Deployment', 'orama-web')?.spec?.template?.spec.containers[0];
  const [, limit = '0'] = /^(\d+)Gi$/.exec(web?.resources?.limits?.memory ?? '') ?? [];
  // The process itself takes less than 512 MB.
  t.true(Number(limit) * 1024 > held.reduce((sum, mb) => sum + mb, 512), `${held}`);
});

test('every workload has a network policy, and those of servers restrict the sources', (t) => {
  const policies = manifests.filter(({ kind }) => kind === 'NetworkPolicy');
  for (const { metadata } of workloads.filter(({ kind }) => kind !== 'Job')) {
    const policy = policies.find(
      ({ spec }) => spec?.podSelector?.matchLabels?.['app.kubernetes.io/name'] === metadata.name,
    );
    t.is(policy?.metadata.name, metadata.name);
    const isEngine = metadata.name.startsWith('orama-');
    t.is(JSON.stringify(policy).includes('"from"'), !isEngine, metadata.name);
  }
  t.is(
    services.find(({ metadata }) => metadata.name === 'orama-worker'),
    undefined,
  );
});

test('the images are those used in compose.yaml', (t) => {
  const compose: { services: Record<string, { image?: string }> } = parse(
    readFileSync('compose.yaml', 'utf8'),
    {
      merge: true,
    },
  );
  const tried = new Set(Object.values(compose.services).map(({ image }) => image));
  for (const { spec } of workloads) {
    for (const { image } of spec?.template?.spec.containers ?? []) {
      if (image !== 'orama-functions') t.true(tried.has(image), image);
    }
  }
});
