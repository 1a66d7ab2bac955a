import { networkStatusReplySchema, peersReplySchema } from '../../contract/http/network.js';
import { AppError } from '../../errors.js';
import type { DependencyStates } from '../health.js';
import { json, routeUsing } from '../route.js';

const route = routeUsing<'databaseBytes' | 'health' | 'peers' | 'processId'>();

const tag = 'Network';

export const networkStatus = route({
  operationId: 'getNetworkStatus',
  method: 'GET',
  path: '/v1/network/status',
  tag,
  summary: 'Show this engine in the format of the original system',
  access: 'required',
  scope: 'read',
  responses: { 200: { description: 'The engine.', schema: networkStatusReplySchema } },
  errors: ['unavailable'],
  async handle({ services, namespace, principal }) {
    const [dependencies, peers, databaseSize] = await Promise.all([
      services.health(),
      services.peers(principal.isAdmin),
      services.databaseBytes(namespace).catch(() => null),
    ]);
    const down = reasonsOf(dependencies);
    // /health does not read the databases of namespaces that have one each.
    if (databaseSize === null) down.databases ??= 'it did not give the size of the database';
    return json(200, {
      node_id: services.processId,
      connected: Object.keys(down).length === 0,
      peer_count: peers.nodes.length,
      database_size: databaseSize,
      uptime: Math.floor(process.uptime()),
      ...(Object.keys(down).length === 0 ? {} : { down }),
    });
  },
});

export const peers = route({
  operationId: 'listPeers',
  method: 'GET',
  path: '/v1/network/peers',
  tag,
  summary: "List the engine's processes; with the admin key also the nodes of RQLite and IPFS",
  access: 'required',
  scope: 'read',
  responses: { 200: { description: 'The current processes and nodes.', schema: peersReplySchema } },
  errors: ['unavailable'],
  async handle({ services, principal }) {
    const { nodes, silent } = await services.peers(principal.isAdmin);
    return json(200, {
      peers: nodes,
      count: nodes.length,
      ...(silent.length === 0 ? {} : { silent }),
    });
  },
});

function reasonsOf(dependencies: DependencyStates): Record<string, string> {
  const down = Object.entries(dependencies).filter(([, { status }]) => status === 'down');
  return Object.fromEntries(down.map(([name, { error }]) => [name, error ?? 'it failed']));
}

const REASONS = {
  '/v1/proxy/anon':
    'This engine has no anonymising proxy; call the address itself, or from a function with http_fetch.',
  '/v1/network/connect': 'The nodes of this engine are in its settings; ask its operator to add one.',
  '/v1/network/disconnect': 'The nodes of this engine are in its settings; ask its operator to remove one.',
};

function notImplemented(operationId: string, path: keyof typeof REASONS) {
  return route({
    operationId,
    method: 'POST',
    path,
    tag,
    summary: 'An endpoint of the original system that this engine does not have',
    access: 'required',
    scope: null,
    ignoresBody: true,
    responses: {},
    errors: ['not_implemented'],
    async handle() {
      throw new AppError('not_implemented', REASONS[path]);
    },
  });
}

export const anonymousProxy = notImplemented('proxyAnonymously', '/v1/proxy/anon');
export const connect = notImplemented('connectNetwork', '/v1/network/connect');
export const disconnect = notImplemented('disconnectNetwork', '/v1/network/disconnect');
