import ipaddr from 'ipaddr.js';
import { type Address, parseAddress } from '../contract/ip-address.js';

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
