/**
 * Maximum number of functions with their own label value in one process; further ones share one
 * value, which bounds the cardinality. A namespace gets a further value only while more are free
 * than it has, so that no two of them with ever more names can displace the series of others.
 */
const MAX_FUNCTIONS = 1000;
export const OTHERS = '(others)';

/** Assigns the label values under which the metrics of functions are counted. */
export class FunctionLabels {
  readonly #functions = new Map<string, Set<string>>();
  #count = 0;

  of(namespace: string, name: string): { namespace: string; function: string } {
    const own = this.#functions.get(namespace) ?? new Set();
    if (own.has(name)) return { namespace, function: name };
    const free = MAX_FUNCTIONS - this.#count;
    if (free <= 0) {
      return own.size > 0 ? { namespace, function: OTHERS } : { namespace: OTHERS, function: OTHERS };
    }
    if (own.size > 0 && own.size >= free) return { namespace, function: OTHERS };
    own.add(name);
    this.#functions.set(namespace, own);
    this.#count += 1;
    return { namespace, function: name };
  }
}
