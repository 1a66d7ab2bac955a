import type { IncomingMessage } from 'node:http';
import ipaddr from 'ipaddr.js';
import { AppError } from '../errors.js';

/** The address that an anonymous call is counted under. */
export type ClientAddress = (request: IncomingMessage) => string;

type Network = [ipaddr.IPv4 | ipaddr.IPv6, number];

/**
 * X-Forwarded-For is believed only as far as it was written by trusted proxies: from the right, the first address that
 * is none of theirs.
 */
export function createClientAddress(trustedProxies: readonly string[] = []): ClientAddress {
  const trusted = trustedProxies.map(parseNetwork);
  return (request) => {
    const peer = request.socket.remoteAddress ?? '';
    if (trusted.length === 0 || !isIn(peer, trusted)) return clientOf(peer);
    const header = request.headers['x-forwarded-for'];
    const hops = (Array.isArray(header) ? header.join(',') : (header ?? '')).split(',');
    let client = peer;
    for (const hop of hops.map((text) => text.trim()).reverse()) {
      if (!ipaddr.isValid(hop)) break;
      client = hop;
      if (!isIn(hop, trusted)) break;
    }
    return clientOf(client);
  };
}

function parseNetwork(text: string): Network {
  try {
    if (text.includes('/')) return ipaddr.parseCIDR(text);
    const address = ipaddr.parse(text);
    return [address, address.kind() === 'ipv4' ? 32 : 128];
  } catch (cause) {
    throw new AppError(
      'bad_config',
      `TRUSTED_PROXIES: ${JSON.stringify(text)} is no address or CIDR such as "10.0.0.0/8".`,
      { cause },
    );
  }
}

function isIn(address: string, networks: readonly Network[]): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  return networks.some(([network, bits]) => parsed.kind() === network.kind() && parsed.match(network, bits));
}

/** IPv4 as such, also when mapped into IPv6; of IPv6 the first 64 bits, as one client has all the others to draw from. */
function clientOf(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv6) {
    return parsed.parts
      .slice(0, 4)
      .map((part) => part.toString(16))
      .join(':');
  }
  return parsed.toString();
}
