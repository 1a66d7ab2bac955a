import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Metadata services that sit on addresses which look public. */
const CLOUD_SERVICES: Record<string, string> = {
  '168.63.129.16': 'a metadata address',
};

const NAT64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96');
/**
 * All that is routed on the IPv6 internet today. An allow-list: what IANA reserves next is refused
 * already.
 */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');

/** What each range that is refused is called in the message. */
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
 * Why an address may not be reached, or null when it is a public one. An IPv4 address inside an
 * IPv6 one (mapped, or translated by NAT64) is judged as itself; tunnels such as 6to4 and Teredo,
 * which also carry one, are refused whole.
 */
export function refusal(text: string): string | null {
  const address = parseAddress(text);
  return address === null ? 'no address' : judge(address);
}

function judge(address: Address): string | null {
  const service = CLOUD_SERVICES[address.toString()];
  if (service !== undefined) return service;
  const range = address.range();
  if (address instanceof ipaddr.IPv6) {
    if (address.match(NAT64)) return judge(new ipaddr.IPv4(address.toByteArray().slice(12)));
    if (!address.match(GLOBAL_UNICAST)) return NAMES[range] ?? 'a reserved address';
  }
  return range === 'unicast' ? null : (NAMES[range] ?? 'a reserved address');
}

/**
 * An address in its one form, or null for what is none: a host name, a zone such as `fe80::1%eth0`.
 */
export function parseAddress(text: string): Address | null {
  // The strict dotted form only: `127.1` and `0x7f.1` are what the URL parser has turned into it
  // already.
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  // Read by the URL parser: ipaddr.js takes `::8.8.8.8` for the mapped `::ffff:8.8.8.8`, which it
  // is not.
  const url = `http://[${text}]`;
  if (!text.includes(':') || !URL.canParse(url)) return null;
  return ipaddr.process(new URL(url).hostname.slice(1, -1));
}

/**
 * True when the address lies in the network; IPv4 and IPv6 never meet, as mapped addresses have
 * been undone.
 */
export function isWithin(address: Address, [network, bits]: [Address, number]): boolean {
  if (address instanceof ipaddr.IPv4) return network instanceof ipaddr.IPv4 && address.match(network, bits);
  return network instanceof ipaddr.IPv6 && address.match(network, bits);
}
