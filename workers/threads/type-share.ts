/**
 * The largest sum of the weights of the types that a process may register: about 20,000 types of
 * five values; the largest of 40 public modules has 117 types. V8 never removes a function type
 * from its registry, which all threads share: on Node 20 a new type is compared with all others,
 * without a check for interrupts, and Node 24 ends the process at a million types.
 */
const MAX_WEIGHT = 1 << 17;
/** A namespace may add up to one part in this many of what is left. */
const NAMESPACE_PART = 8;

/**
 * Shares the distinct function types that the modules of a process may register between the
 * namespaces. A type counts once, for the namespace that adds it first: most modules consist of
 * types that are known already. Since a namespace may add only a part of what is left, others
 * can still add new ones afterwards.
 */
export class TypeShare {
  readonly #known = new Set<string>();
  readonly #added = new Map<string, number>();
  #free: number;

  constructor(maxWeight = MAX_WEIGHT) {
    this.#free = maxWeight;
  }

  /** Counts the types of a module that is to be compiled. Returns false when it adds too many. */
  admit(namespace: string, types: readonly string[]): boolean {
    const fresh = types.filter((type) => !this.#known.has(type));
    if (fresh.length === 0) return true;
    const weight = fresh.reduce((sum, type) => sum + weightOf(type), 0);
    const added = (this.#added.get(namespace) ?? 0) + weight;
    if (added * NAMESPACE_PART > this.#free - weight) return false;
    for (const type of fresh) this.#known.add(type);
    this.#added.set(namespace, added);
    this.#free -= weight;
    return true;
  }
}

/**
 * Returns the cost of comparing a type with others: 1 for the type and 1 for each of its values. A
 * type is a text with as many characters; see `distinctTypes`.
 */
function weightOf(type: string): number {
  return type.length;
}
