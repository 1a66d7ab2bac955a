/** The part of resolv.conf(5) that c-ares does not apply: how short names are completed. */
export interface SearchList {
  domains: readonly string[];
  /** A name with at least this many dots is first looked up as it is. */
  ndots: number;
}

export function parseSearchList(text: string): SearchList {
  let domains: readonly string[] = [];
  let ndots = 1;
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line
      .replace(/[#;].*/, '')
      .trim()
      .split(/\s+/);
    // The last of several lines applies.
    if (keyword === 'search') domains = values;
    else if (keyword === 'domain') domains = values.slice(0, 1);
    else if (keyword === 'options') {
      const dots = values
        .map((value) => /^ndots:(\d{1,2})$/.exec(value)?.[1])
        .find((digits) => digits !== undefined);
      if (dots !== undefined) ndots = Number(dots);
    }
  }
  return {
    domains: domains.map((domain) => domain.replace(/\.$/, '')).filter((domain) => domain !== ''),
    ndots,
  };
}

/** Returns the names that are looked up for a host, in order. */
export function candidates(host: string, { domains, ndots }: SearchList): string[] {
  const completed = domains.map((domain) => `${host}.${domain}`);
  const dots = host.split('.').length - 1;
  return dots >= ndots ? [host, ...completed] : [...completed, host];
}
