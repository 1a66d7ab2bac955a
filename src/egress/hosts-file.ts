import { isIP } from 'node:net';

/** The addresses of each name, in lower case. */
export type HostsFile = ReadonlyMap<string, readonly string[]>;

/** Parses a hosts file (hosts(5)): an address and its names per line. */
export function parseHostsFile(text: string): HostsFile {
  const hosts = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (isIP(address) === 0) continue;
    for (const name of new Set(names.map((one) => one.toLowerCase()))) {
      const addresses = hosts.get(name);
      if (addresses === undefined) hosts.set(name, [address]);
      else if (!addresses.includes(address)) addresses.push(address);
    }
  }
  return hosts;
}
