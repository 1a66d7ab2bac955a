export interface Difference {
  /** The path of the values, such as `metadata.env.LEVEL`. */
  key: string;
  now: string;
  after: string;
}

const ABSENT = '–';

/** Returns the values that differ, by path. Lists are compared as a whole. */
export function differencesOf(now: object, later: object): Difference[] {
  const before = leavesOf(now);
  const changed = leavesOf(later);
  return [...new Set([...before.keys(), ...changed.keys()])]
    .sort()
    .map((key) => ({ key, now: before.get(key) ?? ABSENT, after: changed.get(key) ?? ABSENT }))
    .filter((each) => each.now !== each.after);
}

/** Returns all values by path. */
export function leavesOf(value: object, place = ''): Map<string, string> {
  const leaves = new Map<string, string>();
  for (const [name, each] of Object.entries(value) as [string, unknown][]) {
    const key = place === '' ? name : `${place}.${name}`;
    if (typeof each === 'object' && each !== null && !Array.isArray(each)) {
      for (const [inner, text] of leavesOf(each, key)) leaves.set(inner, text);
    } else if (each !== undefined) leaves.set(key, typeof each === 'string' ? each : JSON.stringify(each));
  }
  return leaves;
}
