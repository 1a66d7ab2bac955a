import ipaddr from 'ipaddr.js';
import { AppError, type ErrorCode } from '../errors.js';
import { isWithin, parseAddress } from './address.js';

/**
 * What a rule is asked about: the host of a URL in lower case, without brackets and final dot, and
 * its port.
 */
export interface Target {
  host: string;
  port: number;
}

interface HostRule {
  kind: 'host' | 'suffix';
  /** For a suffix with its leading dot. */
  host: string;
  port: number | null;
}

interface NetworkRule {
  kind: 'network';
  network: [ipaddr.IPv4 | ipaddr.IPv6, number];
  port: number | null;
}

type Rule = HostRule | NetworkRule;

/** The operator's exceptions: what may be reached although its address is private. */
export interface AllowList {
  /** By its name: then its addresses are not looked at. */
  host(target: Target): boolean;
  address(address: string, port: number): boolean;
}

/**
 * `EGRESS_ALLOW`: networks (`10.0.0.0/8`), addresses, hosts and `*.suffix`, all but networks with a
 * port if wanted.
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

/**
 * A function's `allowed_hosts`, in the same notation; throws `invalid_manifest` for an entry that
 * cannot be read.
 */
export function parseHostList(entries: readonly string[]): (target: Target) => boolean {
  const rules = entries.map((entry) => parseRule(entry, 'invalid_manifest', 'allowed_hosts'));
  return (target) => rules.some((rule) => matches(rule, target));
}

function matches(rule: Rule, target: Target): boolean {
  if (rule.kind !== 'network') return matchesHost(rule, target);
  const address = parseAddress(target.host);
  return address !== null && matchesPort(rule, target.port) && isWithin(address, rule.network);
}

function matchesHost(rule: HostRule, { host, port }: Target): boolean {
  if (!matchesPort(rule, port)) return false;
  return rule.kind === 'host' ? host === rule.host : host.endsWith(rule.host) && host !== rule.host;
}

function matchesPort(rule: Rule, port: number): boolean {
  return rule.port === null || rule.port === port;
}

function parseRule(entry: string, code: ErrorCode, setting: string): Rule {
  const text = entry.trim();
  const rule = parseNetwork(text) ?? parseHost(text);
  if (rule !== null) return rule;
  throw new AppError(
    code,
    `${setting} has an entry that is no network, host, host:port or *.suffix: ${JSON.stringify(entry)}`,
  );
}

function parseNetwork(text: string): NetworkRule | null {
  if (!text.includes('/')) return null;
  const [base = '', bits = ''] = text.split('/', 2);
  const address = parseAddress(base);
  if (address === null || !/^\d{1,3}$/.test(bits) || !ipaddr.isValidCIDR(text)) return null;
  // An IPv4-mapped network is undone as its addresses are; its prefix would no longer fit.
  if (address.kind() !== ipaddr.parse(base).kind()) return null;
  return { kind: 'network', network: [address, Number(bits)], port: null };
}

function parseHost(text: string): Rule | null {
  const isSuffix = text.startsWith('*.');
  const rest = isSuffix ? text.slice(2) : text;
  const authority = rest.includes(':') && parseAddress(rest) !== null ? `[${rest}]` : rest;
  // The URL parser is the judge of hosts and ports, so that a rule reads as the URLs it is for.
  if (/[/?#@\s*\\]/.test(authority) || !URL.canParse(`http://${authority}`)) return null;
  const target = targetOf(new URL(`http://${authority}`));
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

/** The host and port that a URL names. */
export function targetOf(url: URL): Target {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  return { host, port };
}
