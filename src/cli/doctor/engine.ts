import * as z from 'zod';
import { whoamiReplySchema } from '../../contract/http/auth.js';
import { healthReplySchema, modulesReplySchema, versionReplySchema } from '../../contract/http/meta.js';
import { isAppError, messageOf } from '../../errors.js';
import { VERSION } from '../../package.js';
import { type Client, createClient } from '../client.js';
import type { Settings } from '../config.js';
import { unreachable } from '../failure.js';
import { type Check, ok, wrong } from './check.js';

/** Enough for an engine on a busy machine. */
const TIMEOUT_MS = 15_000;
/** The engine reads all modules of the namespace. */
const MODULES_TIMEOUT_MS = 60_000;
/**
 * Maximum clock skew. Signatures and tokens depend on the time; most verifiers tolerate minutes,
 * strict ones less.
 */
const MAX_SKEW_SECONDS = 30;

/** Checks that the engine is reachable, its version, its clock, and the identity of the key. */
export async function checkEngine(settings: Settings): Promise<Check[]> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  let answer: { version: string; skewSeconds: number | undefined };
  try {
    answer = await askVersion(settings.url, signal);
  } catch (error) {
    const advice = 'Start one with "orama up", or name another with --url or ORAMA_URL.';
    return [wrong('engine', messageOf(error), advice)];
  }
  const client = createClient(settings);
  return [
    checkVersion(settings.url, answer.version),
    checkClock(answer.skewSeconds),
    await checkHealth(client, signal),
    await checkKey(client, signal),
    ...(await checkModules(client)),
  ];
}

async function askVersion(url: string, signal: AbortSignal) {
  const before = Date.now();
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(`${url}/v1/version`, { redirect: 'error', signal });
    body = await response.json();
  } catch (cause) {
    throw unreachable(url, cause);
  }
  const reply = versionReplySchema.parse(body);
  const date = Date.parse(response.headers.get('date') ?? '');
  // The Date header is truncated to whole seconds, hence half a second is added.
  const skew = (date + 500 - (before + Date.now()) / 2) / 1000;
  return { version: reply.version, skewSeconds: Number.isNaN(skew) ? undefined : skew };
}

function checkVersion(url: string, version: string): Check {
  if (majorOf(version) === majorOf(VERSION)) return ok('engine', `version ${version} at ${url}`);
  const found = `version ${version} at ${url}, and this command line is ${VERSION}`;
  return wrong('engine', found, 'Install the version of orama-functions that the engine has.');
}

function majorOf(version: string): string {
  return version.split('.')[0] ?? '';
}

function checkClock(skewSeconds: number | undefined): Check {
  if (skewSeconds === undefined) {
    return { name: 'clock', status: 'missing', found: 'the engine does not say its time', advice: null };
  }
  const seconds = Math.abs(Math.round(skewSeconds));
  if (seconds <= MAX_SKEW_SECONDS) return ok('clock', `within ${Math.max(1, seconds)} s of the engine's`);
  const side = skewSeconds > 0 ? 'behind' : 'ahead of';
  const advice = 'Set the clocks of both machines by NTP: tokens and signatures depend on the time.';
  return wrong('clock', `${seconds} s ${side} the engine's`, advice);
}

async function checkHealth(client: Client, signal: AbortSignal): Promise<Check> {
  try {
    // If a dependency is down, the status is 503 and the body has the same format.
    const response = await fetch(`${client.settings.url}/health`, { redirect: 'error', signal });
    const { dependencies } = healthReplySchema.parse(await response.json());
    const down = Object.entries(dependencies).filter(([, { status }]) => status === 'down');
    if (down.length === 0) return ok('health', `${Object.keys(dependencies).join(', ')} up`);
    const found = down.map(
      ([name, { error }]) => `${name} is down${error === undefined ? '' : `: ${error}`}`,
    );
    return wrong('health', found.join('; '), 'See the log of the engine, and bring up what is down.');
  } catch (error) {
    const found = error instanceof z.ZodError ? 'the response is not from this API' : messageOf(error);
    return wrong('health', found, 'Is the address that of an Orama engine?');
  }
}

/** Nothing is reported if this key cannot ask: the other checks say why. */
async function checkModules(client: Client): Promise<Check[]> {
  if (client.settings.apiKey === undefined) return [];
  try {
    const signal = AbortSignal.timeout(MODULES_TIMEOUT_MS);
    const reply = modulesReplySchema.parse(await client.call('GET', '/v1/health/modules', { signal }));
    if (reply.status === 'ok') return [ok('modules', `${reply.checked} stored, none damaged`)];
    const found = reply.damaged.map(({ function: name, version, error }) => `${name}@${version}: ${error}`);
    const advice = 'Deploy these functions again, then replay: orama function dead replay <name>';
    return [wrong('modules', found.join('; '), advice)];
  } catch (error) {
    if (!isAppError(error)) return [wrong('modules', messageOf(error), 'See the log of the engine.')];
    return [];
  }
}

async function checkKey(client: Client, signal: AbortSignal): Promise<Check> {
  const advice = 'Keep one with "orama login", or give it with --api-key or ORAMA_API_KEY.';
  if (client.settings.apiKey === undefined) return wrong('key', 'there is none', advice);
  try {
    const key = whoamiReplySchema.parse(await client.call('GET', '/v1/auth/whoami', { signal }));
    const functions = key.functions === null ? '' : ` of ${key.functions.join(', ')}`;
    const until = key.expires_at === null ? '' : `, until ${key.expires_at}`;
    return ok(
      'key',
      `namespace ${key.namespace}, may ${key.scopes.includes('*') ? 'do everything' : key.scopes.join(', ')}${functions}${until}`,
    );
  } catch (error) {
    if (isAppError(error, 'unauthorized')) return wrong('key', messageOf(error), advice);
    return wrong('key', messageOf(error), 'See what keys there are with: orama keys list');
  }
}
