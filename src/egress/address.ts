import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Cloud metadata services at addresses that look public. */
const CLOUD_SERVICES: Record<string, string> = {
  '168.63.129.16': 'a metadata address',
};

const NAT64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96');
/**
 * The range of IPv6 unicast addresses that are routed on the internet. An allow-list, so that
 * ranges which IANA assigns later are refused by default.
 */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');

/** Name of each refused range in error messages. */
const NAMES: Record<string, string> = {
  unspecified: 'an unspecified address',
  loopback: 'a loopback address',
  private: 'a private address',
  uniqueLocal: 'a private address',
  linkLocal: 'a link-local address',
  carrierGradeNat: 'a shared (carrier-grade NAT) address',
  multicast: 'a multicast address',
  broadcast: 'a broadcast address',
};

/**
 * Returns why an address must not be reached, or null if it is a public address. An IPv4 address
 * embedded in an IPv6 address (mapped, or translated by NAT64) is checked as an IPv4 address.
 * Tunnels that also embed one, such as 6to4 and Teredo, are refused entirely.
 */
export function blockedReason(text: string): string | null {
  const address = parseAddress(text);
  return address === null ? 'no address' : classify(address);
}

function classify(address: Address): string | null {
  const service = CLOUD_SERVICES[address.toString()];
  if (service !== undefined) return service;
  const range = address.range();
  if (address instanceof ipaddr.IPv6) {
    if (address.match(NAT64)) return classify(new ipaddr.IPv4(address.toByteArray().slice(12)));
    if (!address.match(GLOBAL_UNICAST)) return NAMES[range] ?? 'a reserved address';
  }
  return range === 'unicast' ? null : (NAMES[range] ?? 'a reserved address');
}

/**
 * Parses an address into its canonical form. Returns null for anything else, such as a host name or
 * an address with a zone (`fe80::1%eth0`).
 */
export function parseAddress(text: string): Address | null {
  // Only the strict dotted form: the URL parser has already normalized forms such as `127.1` and
  // `0x7f.1`.
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  // Parsed by the URL parser, since ipaddr.js confuses `::8.8.8.8` with the mapped address
  // `::ffff:8.8.8.8`.
  const url = `http://[${text}]`;
  if (!text.includes(':') || !URL.canParse(url)) return null;
  return ipaddr.process(new URL(url).hostname.slice(1, -1));
}

/**
 * Returns true if the address is in the network. IPv4 and IPv6 never match each other, as mapped
 * addresses have been converted to IPv4.
 */
export function isWithin(address: Address, [network, bits]: [Address, number]): boolean {
  if (address instanceof ipaddr.IPv4) return network instanceof ipaddr.IPv4 && address.match(network, bits);
  return network instanceof ipaddr.IPv6 && address.match(network, bits);
}
