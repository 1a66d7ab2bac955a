import { Resolver } from 'node:dns/promises';
import { nodeErrorCode } from '../node-error-code.js';
import { parseHostsFile } from './hosts-file.js';
import type { Resolve } from './name-lookups.js';
import { parsedFile } from './parsed-file.js';
import { candidates, parseSearchList } from './search-list.js';

export interface SystemResolverOptions {
  hostsFile?: string;
  resolvConf?: string;
  /** Name servers as `address:port` instead of those of resolv.conf, used in tests. */
  servers?: readonly string[];
}

/** RFC 6761 §6.3: names that are not looked up. */
const LOCALHOST = /(^|\.)localhost$/;
const LOOPBACK = ['127.0.0.1', '::1'];
/** Time for the addresses of the second family after those of the first have been received. */
const SECOND_FAMILY_MS = 500;
/** The name does not exist under this search domain; the next one is tried. */
const NEXT_NAME = new Set(['ENOTFOUND', 'ENODATA', 'ESERVFAIL', 'EBADNAME']);

/**
 * Creates a resolver that uses the hosts file, name servers and search list of the system, with
 * c-ares. `dns.lookup` (getaddrinfo) would occupy one of two threads of libuv until the name server
 * answers and cannot be cancelled, so a few slow names would stop all lookups of the process.
 */
export function createSystemResolver({
  hostsFile = '/etc/hosts',
  resolvConf = '/etc/resolv.conf',
  servers,
}: SystemResolverOptions = {}): Resolve {
  const readHosts = parsedFile(hostsFile, parseHostsFile);
  const readSearchList = parsedFile(resolvConf, parseSearchList);

  return async (host, signal) => {
    const listed = (await readHosts()).get(host.toLowerCase());
    if (listed !== undefined) return listed;
    if (LOCALHOST.test(host)) return LOOPBACK;
    const names = candidates(host, await readSearchList());
    signal.throwIfAborted();
    // One resolver per lookup: it reads the current resolv.conf, and `cancel` ends all its queries.
    const resolver = new Resolver();
    if (servers !== undefined) resolver.setServers(servers);
    const cancel = () => resolver.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      return await firstFound(resolver, names, signal);
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  };
}

async function firstFound(
  resolver: Resolver,
  names: readonly string[],
  signal: AbortSignal,
): Promise<string[]> {
  let failure: unknown;
  for (const name of names) {
    try {
      return await addressesOf(resolver, name);
    } catch (error) {
      signal.throwIfAborted();
      failure ??= error;
      if (!NEXT_NAME.has(nodeErrorCode(error))) throw error;
    }
  }
  throw failure;
}

/** Resolves with IPv4 addresses first, as hosts with an unusable IPv6 network are common. */
async function addressesOf(resolver: Resolver, name: string): Promise<string[]> {
  const families = [resolver.resolve4(name), resolver.resolve6(name)];
  await Promise.any(families).catch(() => undefined);
  const late = setTimeout(() => resolver.cancel(), SECOND_FAMILY_MS);
  const answers = await Promise.allSettled(families);
  clearTimeout(late);
  const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  if (found.length > 0) return found;
  const failures = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason] : []));
  // ENODATA or ENOTFOUND of one family says less than a failure of the other.
  throw failures.find((failure) => !NEXT_NAME.has(nodeErrorCode(failure))) ?? failures[0];
}
