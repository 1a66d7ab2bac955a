import type { IncomingHttpHeaders } from 'node:http';
import ipaddr from 'ipaddr.js';
import { AppError } from '../../errors.js';
import { isHost } from '../request/host-header.js';

/** The parts of an `IncomingMessage` from which the client's address is determined. */
export interface AddressedRequest {
  readonly socket: { readonly remoteAddress?: string | undefined };
  readonly headers: IncomingHttpHeaders;
}

/** Properties of clients behind trusted proxies. */
export interface ClientAddresses {
  /** Returns the client's address. */
  addressOf(request: AddressedRequest): string;
  /**
   * Returns the key under which anonymous calls are counted: the address or, for IPv6, its /64
   * prefix, since one client controls the whole prefix.
   */
  rateLimitKeyOf(request: AddressedRequest): string;
  /** Returns scheme and host as the client sees them. */
  originOf(request: AddressedRequest): string;
}

type Network = [ipaddr.IPv4 | ipaddr.IPv6, number];

/**
 * Evaluates X-Forwarded-* headers as far as trusted proxies wrote them: the client is the rightmost
 * address of X-Forwarded-For that is not a trusted proxy.
 */
export function createClientAddresses(trustedProxies: readonly string[] = []): ClientAddresses {
  const trusted = trustedProxies.map(parseNetwork);
  const isTrusted = (address: string) => trusted.length > 0 && isIn(address, trusted);

  /** Follows X-Forwarded-For from the engine's peer to the first address that is no trusted proxy. */
  const originatorOf = (request: AddressedRequest): { address: string; proxies: number } => {
    let address = request.socket.remoteAddress ?? '';
    let proxies = 0;
    for (const entry of listOf(request, 'x-forwarded-for').reverse()) {
      const hop = withoutPort(entry);
      if (!isTrusted(address) || !ipaddr.isValid(hop)) break;
      address = hop;
      proxies += 1;
    }
    return { address: plain(address), proxies };
  };

  return {
    addressOf: (request) => originatorOf(request).address,
    rateLimitKeyOf: (request) => networkOf(originatorOf(request).address),
    originOf(request) {
      const peerIsTrusted = isTrusted(request.socket.remoteAddress ?? '');
      // Each proxy appends an entry. That of the first trusted one counts; entries before it may be
      // the client's. A proxy may also replace the entries of those before it.
      const proxies = peerIsTrusted ? Math.max(1, originatorOf(request).proxies) : 0;
      const forwardedBy = (name: string) => {
        const entries = listOf(request, name);
        return proxies === 0 ? undefined : entries[Math.max(0, entries.length - proxies)];
      };
      const protocol = forwardedBy('x-forwarded-proto')?.toLowerCase();
      const forwarded = forwardedBy('x-forwarded-host') ?? '';
      const host = forwarded !== '' && isHost(forwarded) ? forwarded : request.headers.host;
      // HTTP/1.0 allows no Host header, and RFC 9110 §7.2 an empty one.
      return `${protocol === 'https' ? 'https' : 'http'}://${host || 'localhost'}`;
    },
  };
}

function listOf(request: AddressedRequest, name: string): string[] {
  const header = request.headers[name];
  const text = Array.isArray(header) ? header.join(',') : (header ?? '');
  return text === '' ? [] : text.split(',').map((part) => part.trim());
}

/** Some proxies append the client's port: `203.0.113.9:4711`, `[2001:db8::1]:4711`. */
function withoutPort(entry: string): string {
  const [, ipv4, ipv6] = /^(?:(\d+\.\d+\.\d+\.\d+)|\[([^\]]*)\])(?::\d+)?$/.exec(entry) ?? [];
  return ipv4 ?? ipv6 ?? entry;
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

/** Returns the canonical address; IPv4-mapped IPv6 addresses become IPv4. */
function plain(address: string): string {
  return ipaddr.isValid(address) ? ipaddr.process(address).toString() : address;
}

function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  if (!(parsed instanceof ipaddr.IPv6)) return parsed.toString();
  const parts = parsed.parts.slice(0, 4).map((part) => part.toString(16));
  return parts.join(':');
}
