import ipaddr from 'ipaddr.js';

export type Address = ipaddr.IPv4 | ipaddr.IPv6;

/**
 * An IPv6 address by its characters and its length: any other text could be another part of a URL.
 */
const IPV6 = /^(?=.*:)[\da-f:.]{2,45}$/i;

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
  if (!IPV6.test(text) || !URL.canParse(url)) return null;
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
