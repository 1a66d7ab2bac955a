import { actsWasm } from '../helpers/acts.js';
import type { Api } from '../helpers/api.js';
import { until } from '../helpers/until.js';
import type { Scene } from './scene.js';

/** A resource that a view shows, and the request that loads it. */
export interface Shown {
  /** Its name in the page, as in "Loading …" and "Could not load …". */
  what: string;
  from: RegExp;
  /** The scope that a key needs to read it; null if any key may. */
  scope: string | null;
  /** Whether it is requested only after its parent resource has loaded. */
  isNested?: boolean;
  /** The text that is shown in an empty namespace; undefined if it is never empty. */
  empty?: string;
}

/** A page of the console; contract §13 has them all. */
export interface View {
  name: string;
  path: string;
  shows: readonly Shown[];
  /** A list that the engine returns as a whole and the page shows in parts. */
  whole?: { from: RegExp; list: string; key: string };
}

const FUNCTION = /^\/v1\/functions\/[^/]+$/;
const INVOCATIONS = /^\/v1\/invocations$/;
const INVOCATION = /^\/v1\/invocations\/[^/]+$/;
const LOGS = /^\/v1\/functions\/[^/]+\/logs$/;
const STATUS = /^\/v1\/status$/;

const thisFunction: Shown = { what: 'this function', from: FUNCTION, scope: 'read' };
const ofFunction = (part: string, what: string, more: Partial<Shown> = {}): Shown => ({
  ...{ what, from: new RegExp(`^/v1/functions/[^/]+/${part}$`), scope: 'read', isNested: true },
  ...more,
});

/** Every view, for an existing function, invocation and message. */
function viewsOf(of: { function: string; invocation: string; message: string }): readonly View[] {
  const fn = `/functions/${of.function}`;
  return [
    {
      name: 'overview',
      path: '',
      shows: [
        { what: 'the figures', from: /^\/v1\/stats$/, scope: 'read', empty: 'No calls in the last 1h.' },
        { what: "the engine's status", from: STATUS, scope: null },
        {
          ...{ what: 'the invocations', from: INVOCATIONS, scope: 'read' },
          empty: 'Nothing has been invoked yet.',
        },
      ],
    },
    {
      name: 'functions',
      path: '/functions',
      shows: [{ what: 'the functions', from: /^\/v1\/functions$/, scope: 'read', empty: 'No functions yet' }],
      whole: { from: /^\/v1\/functions$/, list: 'functions', key: 'name' },
    },
    {
      name: 'function',
      path: fn,
      shows: [
        thisFunction,
        ofFunction('aliases', 'the aliases', { empty: 'None: calls without a version run the newest.' }),
        ofFunction('rollout', 'the rollout', { empty: 'There has been none.' }),
        ofFunction('settings', 'the settings', { scope: 'deploy' }),
      ],
      whole: { from: /\/aliases$/, list: 'aliases', key: 'alias' },
    },
    {
      name: 'invoke',
      path: `${fn}/invoke`,
      shows: [{ ...thisFunction, scope: null, empty: 'Nothing has been invoked from here yet.' }],
    },
    {
      name: 'HTTP request',
      path: `${fn}/request`,
      shows: [
        { ...thisFunction, scope: null },
        {
          ...{ what: 'the address of HTTP functions', from: STATUS, scope: null, isNested: true },
          empty: 'Nothing has been sent from here yet.',
        },
      ],
    },
    {
      name: 'triggers',
      path: `${fn}/triggers`,
      shows: [
        thisFunction,
        ofFunction('triggers', 'the triggers', { empty: 'None: it runs when it is invoked.' }),
      ],
      whole: { from: /\/triggers$/, list: 'triggers', key: 'id' },
    },
    {
      name: 'versions',
      path: `${fn}/versions`,
      shows: [thisFunction, ofFunction('versions', 'the versions'), ofFunction('rollout', 'the rollout')],
      whole: { from: /\/versions$/, list: 'versions', key: 'version' },
    },
    {
      name: 'log',
      path: `${fn}/log`,
      shows: [thisFunction, ofFunction('logs', 'the log', { empty: 'No lines yet.' })],
    },
    {
      name: 'invocations',
      path: '/invocations',
      shows: [
        {
          ...{ what: 'the invocations', from: INVOCATIONS, scope: 'read' },
          empty: 'No invocations yet',
        },
      ],
    },
    {
      name: 'invocation',
      path: `/invocations/${of.invocation}`,
      shows: [
        { what: 'this invocation', from: INVOCATION, scope: 'read' },
        {
          ...{ what: 'the tree', from: INVOCATIONS, scope: 'read', isNested: true },
          empty: 'Nothing else: no invocation caused it',
        },
        { what: 'the log', from: LOGS, scope: 'read', isNested: true, empty: 'It has written nothing.' },
      ],
    },
    {
      name: 'dead letters',
      path: '/dead',
      shows: [
        { what: 'the counts', from: /^\/v1\/dead$/, scope: 'read' },
        { what: 'the dead letters', from: INVOCATIONS, scope: 'read', empty: 'No dead letters' },
      ],
      whole: { from: /^\/v1\/dead$/, list: 'groups', key: 'function' },
    },
    {
      name: 'events',
      path: '/events',
      shows: [
        {
          ...{ what: 'the topics', from: /^\/v1\/pubsub\/topics$/, scope: 'read' },
          empty: 'No topic has a trigger or a live subscriber.',
        },
      ],
    },
    {
      name: 'message',
      path: `/events/${of.message}`,
      shows: [
        {
          ...{ what: 'what the message has triggered', from: INVOCATIONS, scope: 'read' },
          empty: 'It has triggered nothing',
        },
      ],
    },
    {
      name: 'secrets',
      path: '/secrets',
      shows: [
        { what: 'the secrets', from: /^\/v1\/functions\/secrets$/, scope: 'secrets', empty: 'None yet.' },
      ],
      whole: { from: /^\/v1\/functions\/secrets$/, list: 'secrets', key: 'name' },
    },
    {
      name: 'data',
      path: '/data',
      shows: [{ what: 'the tables', from: /^\/v1\/rqlite\/schema$/, scope: 'data', empty: 'None yet.' }],
      whole: { from: /^\/v1\/rqlite\/schema$/, list: 'tables', key: 'name' },
    },
    {
      name: 'keys',
      path: '/keys',
      shows: [
        { what: 'the keys', from: /^\/v1\/auth\/keys$/, scope: 'keys' },
        { what: 'the audit log', from: /^\/v1\/audit$/, scope: 'keys' },
      ],
      whole: { from: /^\/v1\/auth\/keys$/, list: 'keys', key: 'id' },
    },
    {
      name: 'usage',
      path: '/usage',
      shows: [{ what: 'the usage', from: /^\/v1\/namespaces\/[^/]+\/usage$/, scope: 'read' }],
    },
  ];
}

/** The views of a populated namespace. */
export function livedViews({ failed, message }: Scene): readonly View[] {
  return viewsOf({ function: 'charge-card', invocation: failed, message });
}

/** The views of a namespace with one function and one invocation, which have no related data. */
export async function bareViews(tenant: Api): Promise<readonly View[]> {
  await tenant.deploy('bare', await actsWasm());
  const { headers } = await tenant.invoke('bare', '[]');
  const invocation = String(headers.get('x-request-id'));
  await until('its end in the store', async () => {
    return (await tenant.get(`/v1/invocations/${invocation}`)).json.state === 'success';
  });
  return viewsOf({ function: 'bare', invocation, message: '0199c6a2-7f3e-7b1a-9c52-3d1e8f4a6b70' });
}
