import { isIP } from 'node:net';
import { type AllowList, type HostAndPort, targetOf } from '../contract/host-rules.js';
import { parseUrl } from '../contract/parse-url.js';
import { show } from '../contract/show.js';
import { AppError } from '../errors.js';
import { blockedReason } from './address.js';
import type { Lookup, NameLookups } from './name-lookups.js';

/**
 * Parses a URL given by a function or a client. Throws unless its scheme is http or https and it
 * has no credentials.
 */
export function parseTarget(text: string): URL {
  const url = parseUrl(text);
  if (url === null) {
    throw new AppError(
      'invalid_request',
      `This is no URL, or its host has more than 253 characters: ${show(text)}`,
    );
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new AppError('egress_refused', `Only http: and https: URLs can be fetched, not ${url.protocol}`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new AppError(
      'invalid_request',
      'A URL may hold no user name or password; send an Authorization header',
    );
  }
  return url;
}

/**
 * Resolves with the addresses of the target's host. One address that is not allowed causes the
 * whole host to be refused; it is never just filtered out.
 */
export async function allowedAddresses(
  target: HostAndPort,
  { allow, names }: { allow: AllowList; names: NameLookups },
  lookup: Lookup,
): Promise<readonly string[]> {
  const addresses = isIP(target.host) !== 0 ? [target.host] : await names.addresses(target.host, lookup);
  checkAddresses(target, addresses, allow);
  return addresses;
}

/** Throws `egress_refused` unless every address may be connected to for the target. */
export function checkAddresses(target: HostAndPort, addresses: readonly string[], allow: AllowList): void {
  if (allow.host(target)) return;
  for (const address of addresses) {
    const reason = blockedReason(address);
    if (reason === null || allow.address(address, target.port)) continue;
    const named = address === target.host ? address : `${target.host} (${address})`;
    throw new AppError(
      'egress_refused',
      `${named} may not be reached: it is ${reason}. The operator can allow it with EGRESS_ALLOW`,
    );
  }
}

/**
 * Throws `egress_refused` if the function has a list of allowed hosts that does not contain the
 * host.
 */
export function checkAllowedHosts(url: URL, isListed: ((target: HostAndPort) => boolean) | null): void {
  if (isListed === null || isListed(targetOf(url))) return;
  throw new AppError('egress_refused', `${url.host} is not among the function's allowed_hosts`);
}
