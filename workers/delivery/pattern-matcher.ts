const ROOT = 0;
const NONE = -1;
const BYTE_VALUES = 256;

/** A range of bytes that patterns cover, with the index of the longest pattern in it. */
export interface CoveredRange {
  from: number;
  to: number;
  pattern: number;
}

/**
 * Finds several patterns in bytes in one pass (Aho and Corasick, 1975). The time is linear in the
 * bytes and the patterns, whatever they contain. A regular expression or a search per pattern would
 * take their product for patterns such as `aaa…b`, and functions choose both.
 */
export class PatternMatcher {
  readonly #lengths: readonly number[];
  /** The tree of the patterns. Most nodes have one child, which needs no map. */
  readonly #firstByte: Uint8Array;
  readonly #firstChild: Int32Array;
  readonly #hasMore: Uint8Array;
  /** Further children, by node and byte. */
  readonly #moreChildren = new Map<number, number>();
  readonly #rootChildren = new Int32Array(BYTE_VALUES);
  /** The node of the longest proper suffix of a node's text that is also in the tree. */
  readonly #suffix: Int32Array;
  /** The longest pattern with which a node's text ends. */
  readonly #longest: Int32Array;
  #nodes = 1;

  constructor(patterns: readonly Uint8Array[]) {
    this.#lengths = patterns.map(({ length }) => length);
    const most = this.#lengths.reduce((sum, length) => sum + length, 1);
    this.#firstByte = new Uint8Array(most);
    this.#firstChild = new Int32Array(most);
    this.#hasMore = new Uint8Array(most);
    this.#suffix = new Int32Array(most);
    this.#longest = new Int32Array(most).fill(NONE);
    this.#insert(patterns);
    // Nodes are numbered by their depth, so a node's suffix is complete before the node.
    for (let node = 1; node < this.#nodes; node++) {
      if (this.#longest[node] === NONE)
        this.#longest[node] = this.#longest[this.#suffix[node] ?? ROOT] ?? NONE;
    }
  }

  /** Inserts all patterns byte by byte, because a node's suffix must exist before the node. */
  #insert(patterns: readonly Uint8Array[]): void {
    let growing = patterns.map((bytes, pattern) => ({ bytes, pattern, node: ROOT }));
    for (let depth = 0; growing.length > 0; depth++) {
      let hasEnded = false;
      for (const one of growing) {
        const byte = one.bytes[depth] ?? 0;
        one.node = this.#childOf(one.node, byte) || this.#addChild(one.node, byte);
        if (one.bytes.length > depth + 1) continue;
        hasEnded = true;
        if (this.#longest[one.node] === NONE) this.#longest[one.node] = one.pattern;
      }
      if (hasEnded) growing = growing.filter(({ bytes }) => bytes.length > depth + 1);
    }
  }

  /** Returns the child of a node for a byte, or the root when it has none. */
  #childOf(node: number, byte: number): number {
    if (node === ROOT) return this.#rootChildren[byte] ?? ROOT;
    if (this.#firstByte[node] === byte) return this.#firstChild[node] ?? ROOT;
    if (this.#hasMore[node] === 0) return ROOT;
    return this.#moreChildren.get(node * BYTE_VALUES + byte) ?? ROOT;
  }

  #addChild(node: number, byte: number): number {
    const child = this.#nodes++;
    if (node === ROOT) {
      this.#rootChildren[byte] = child;
      return child;
    }
    this.#suffix[child] = this.#step(this.#suffix[node] ?? ROOT, byte);
    if (this.#firstChild[node] === ROOT) {
      this.#firstByte[node] = byte;
      this.#firstChild[node] = child;
    } else {
      this.#hasMore[node] = 1;
      this.#moreChildren.set(node * BYTE_VALUES + byte, child);
    }
    return child;
  }

  /** Returns the node of the longest suffix of a node's text and this byte that is in the tree. */
  #step(node: number, byte: number): number {
    for (let from = node; from !== ROOT; from = this.#suffix[from] ?? ROOT) {
      const child = this.#childOf(from, byte);
      if (child !== ROOT) return child;
    }
    return this.#rootChildren[byte] ?? ROOT;
  }

  /** Returns the ranges that patterns cover, in order. Overlapping occurrences form one range. */
  cover(bytes: Uint8Array): CoveredRange[] {
    const covered: CoveredRange[] = [];
    let node = ROOT;
    for (let at = 0; at < bytes.length; at++) {
      node = this.#step(node, bytes[at] ?? 0);
      const pattern = this.#longest[node] ?? NONE;
      if (pattern !== NONE) this.#add(covered, pattern, at + 1);
    }
    return covered;
  }

  /** Adds an occurrence. Each range is merged into a later one at most once. */
  #add(covered: CoveredRange[], pattern: number, to: number): void {
    const range = { from: to - this.#lengthOf(pattern), to, pattern };
    for (let last = covered.at(-1); last !== undefined && last.to > range.from; last = covered.at(-1)) {
      covered.pop();
      range.from = Math.min(range.from, last.from);
      if (this.#lengthOf(last.pattern) >= this.#lengthOf(range.pattern)) range.pattern = last.pattern;
    }
    covered.push(range);
  }

  #lengthOf(pattern: number): number {
    return this.#lengths[pattern] ?? 0;
  }
}
