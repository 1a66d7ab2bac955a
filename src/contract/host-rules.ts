import ipaddr from 'ipaddr.js';
import { AppError, type ErrorCode } from '../errors.js';
import { isWithin, parseAddress } from './ip-address.js';
import { parseUrl } from './parse-url.js';
import { show } from './show.js';

/**
 * What a rule is matched against: the host of a URL in lower case, without brackets and final dot,
 * and its port.
 */
export interface HostAndPort {
  host: string;
  port: number;
}

interface HostRule {
  kind: 'host' | 'suffix';
  /** A suffix includes its leading dot. */
  host: string;
  port: number | null;
}

interface NetworkRule {
  kind: 'network';
  network: [ipaddr.IPv4 | ipaddr.IPv6, number];
  port: number | null;
}

type Rule = HostRule | NetworkRule;

/** The operator's exceptions: private addresses that may be reached. */
export interface AllowList {
  /** Returns true if the host name is allowed; its addresses are then not checked. */
  host(target: HostAndPort): boolean;
  address(address: string, port: number): boolean;
}

/**
 * Parses `EGRESS_ALLOW`: networks (`10.0.0.0/8`), addresses, hosts and `*.suffix`; all but networks
 * may have a port.
 */
export function parseAllowList(entries: readonly string[]): AllowList {
  const rules = entries.map((entry) => parseRule(entry, 'bad_config', 'EGRESS_ALLOW'));
  return {
    host: (target) => rules.some((rule) => rule.kind !== 'network' && matchesHost(rule, target)),
    address: (text, port) => {
      const address = parseAddress(text);
      if (address === null) return false;
      return rules.some(
        (rule) => rule.kind === 'network' && matchesPort(rule, port) && isWithin(address, rule.network),
      );
    },
  };
}

/** Whether a list may have this entry. */
export function isHostRule(entry: string): boolean {
  return ruleOf(entry) !== null;
}

/** The parsed lists: a function makes up to 10,000 requests with the same one. */
const hostLists = new WeakMap<readonly string[], (target: HostAndPort) => boolean>();

/**
 * Parses a function's `allowed_hosts`, which has the same syntax. Throws `invalid_manifest` for an
 * entry that cannot be parsed.
 */
export function parseHostList(entries: readonly string[]): (target: HostAndPort) => boolean {
  const known = hostLists.get(entries);
  if (known !== undefined) return known;
  const rules = entries.map((entry) => parseRule(entry, 'invalid_manifest', 'allowed_hosts'));
  const isListed = (target: HostAndPort) => rules.some((rule) => matches(rule, target));
  hostLists.set(entries, isListed);
  return isListed;
}

function matches(rule: Rule, target: HostAndPort): boolean {
  if (rule.kind !== 'network') return matchesHost(rule, target);
  const address = parseAddress(target.host);
  return address !== null && matchesPort(rule, target.port) && isWithin(address, rule.network);
}

function matchesHost(rule: HostRule, { host, port }: HostAndPort): boolean {
  if (!matchesPort(rule, port)) return false;
  return rule.kind === 'host' ? host === rule.host : host.endsWith(rule.host) && host !== rule.host;
}

function matchesPort(rule: Rule, port: number): boolean {
  return rule.port === null || rule.port === port;
}

function parseRule(entry: string, code: ErrorCode, setting: string): Rule {
  const rule = ruleOf(entry);
  if (rule !== null) return rule;
  throw new AppError(
    code,
    `${setting} has an entry that is no network, host, host:port or *.suffix: ${show(entry)}`,
  );
}

function ruleOf(entry: string): Rule | null {
  const text = entry.trim();
  return parseNetwork(text) ?? parseHost(text);
}

function parseNetwork(text: string): NetworkRule | null {
  if (!text.includes('/')) return null;
  const [base = '', bits = ''] = text.split('/', 2);
  const address = parseAddress(base);
  if (address === null || !/^\d{1,3}$/.test(bits) || !ipaddr.isValidCIDR(text)) return null;
  // An IPv4-mapped network is refused: its address would be converted to IPv4, to which the prefix
  // length does not apply.
  if (address.kind() !== ipaddr.parse(base).kind()) return null;
  return { kind: 'network', network: [address, Number(bits)], port: null };
}

function parseHost(text: string): Rule | null {
  const isSuffix = text.startsWith('*.');
  const rest = isSuffix ? text.slice(2) : text;
  const authority = rest.includes(':') && parseAddress(rest) !== null ? `[${rest}]` : rest;
  // Hosts and ports are parsed with the URL parser, so that a rule is read in the same way as the
  // URLs that it matches.
  const url = /[/?#@\s*\\]/.test(authority) ? null : parseUrl(`http://${authority}`);
  if (url === null) return null;
  const target = targetOf(url);
  const port = /:\d+$/.test(authority) ? target.port : null;
  const address = parseAddress(target.host);
  if (address === null) {
    return isSuffix
      ? { kind: 'suffix', host: `.${target.host}`, port }
      : { kind: 'host', host: target.host, port };
  }
  if (isSuffix) return null;
  return { kind: 'network', network: [address, address.kind() === 'ipv4' ? 32 : 128], port };
}

/** Returns the host and port of a URL. */
export function targetOf(url: URL): HostAndPort {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  return { host, port };
}
