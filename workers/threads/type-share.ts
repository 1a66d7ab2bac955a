/**
 * The types that a process may register, by their weights, and the part of what is left of them
 * that one namespace may bring. V8 never removes a function type from its registry, which all
 * threads share: on Node 20 a new type is compared with all others, without a check for
 * interrupts, and Node 24 ends the process at a million types. A hundred public modules have some
 * thousand distinct types together, each with a weight of 6 on average.
 */
const MAX_WEIGHT = 1 << 17;
const NAMESPACE_PART = 8;

/**
 * Shares the distinct function types that the modules of a process may register between the
 * namespaces. A type counts once, for the namespace that brings it first: most modules consist of
 * types that are known already. Since a namespace may bring only a part of what is left, others
 * can still bring new ones afterwards.
 */
export class TypeShare {
  readonly #known = new Set<string>();
  readonly #brought = new Map<string, number>();
  #free: number;

  constructor(maxWeight = MAX_WEIGHT) {
    this.#free = maxWeight;
  }

  /** Counts the types of a module that is to be compiled. Returns false when it brings too many. */
  admit(namespace: string, types: readonly string[]): boolean {
    const fresh = types.filter((type) => !this.#known.has(type));
    if (fresh.length === 0) return true;
    const weight = fresh.reduce((sum, type) => sum + weightOf(type), 0);
    const brought = (this.#brought.get(namespace) ?? 0) + weight;
    if (brought * NAMESPACE_PART > this.#free - weight) return false;
    for (const type of fresh) this.#known.add(type);
    this.#brought.set(namespace, brought);
    this.#free -= weight;
    return true;
  }
}

/** What a type costs V8 to compare: itself and each of its values. */
function weightOf(type: string): number {
  return type.length;
}
