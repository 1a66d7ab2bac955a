import { isBlank } from '../json-text.js';

/** A name to follow into an object, or `*` for every element of an array. */
export type SourcePath = readonly string[];

/**
 * The texts of the values that a path leads to, in their order, as they stand in a body:
 * `JSON.parse` rounds numbers and moves keys. An object without the name gives `undefined`; of a
 * name that comes twice the last counts, as for `JSON.parse`. The text must have been parsed, and
 * its depth bounded, before: it is not checked again. One pass, whatever the path.
 */
export function sourcesOf(text: string, path: SourcePath): (string | undefined)[] {
  const found: (string | undefined)[] = [];
  new Scanner(text, path, found).visit(skipBlanks(text, 0), 0);
  return found;
}

class Scanner {
  readonly #text: string;
  readonly #path: SourcePath;
  readonly #found: (string | undefined)[];

  constructor(text: string, path: SourcePath, found: (string | undefined)[]) {
    this.#text = text;
    this.#path = path;
    this.#found = found;
  }

  /**
   * Follows the path from its `step` into the value that begins at `start`; returns where the value
   * ends.
   */
  visit(start: number, step: number): number {
    const wanted = this.#path[step];
    if (wanted === undefined) {
      const end = endOfValue(this.#text, start);
      this.#found.push(this.#text.slice(start, end));
      return end;
    }
    const code = this.#text.charCodeAt(start);
    if (wanted === '*' && code === BRACKET) return this.#elements(start, step);
    if (wanted !== '*' && code === BRACE) return this.#member(start, step, wanted);
    this.#found.push(undefined);
    return endOfValue(this.#text, start);
  }

  #elements(start: number, step: number): number {
    const text = this.#text;
    let at = skipBlanks(text, start + 1);
    while (text.charCodeAt(at) !== BRACKET_END) {
      at = skipBlanks(text, this.visit(at, step + 1));
      if (text.charCodeAt(at) === COMMA) at = skipBlanks(text, at + 1);
    }
    return at + 1;
  }

  #member(start: number, step: number, wanted: string): number {
    const text = this.#text;
    const mark = this.#found.length;
    let isThere = false;
    let at = skipBlanks(text, start + 1);
    while (text.charCodeAt(at) !== BRACE_END) {
      const nameEnd = endOfString(text, at);
      const name = nameOf(text.slice(at, nameEnd));
      // The colon stands between.
      const value = skipBlanks(text, skipBlanks(text, nameEnd) + 1);
      if (name === wanted) {
        // What an earlier member of this name gave is void.
        this.#found.length = mark;
        isThere = true;
      }
      at = skipBlanks(text, name === wanted ? this.visit(value, step + 1) : endOfValue(text, value));
      if (text.charCodeAt(at) === COMMA) at = skipBlanks(text, at + 1);
    }
    if (!isThere) this.#found.push(undefined);
    return at + 1;
  }
}

function nameOf(literal: string): string {
  return literal.includes('\\') ? String(JSON.parse(literal)) : literal.slice(1, -1);
}

function endOfValue(text: string, start: number): number {
  const first = text.charCodeAt(start);
  if (first === QUOTE) return endOfString(text, start);
  if (first !== BRACE && first !== BRACKET) return endOfScalar(text, start);
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at) - 1;
    else if (code === BRACE || code === BRACKET) depth += 1;
    else if (code === BRACE_END || code === BRACKET_END) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return text.length;
}

/** `start` is at the opening quote; the end is behind the closing one. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH) at += 1;
    else if (code === QUOTE) return at + 1;
  }
  return text.length;
}

/** Of a number, `true`, `false` or `null`. */
function endOfScalar(text: string, start: number): number {
  let at = start;
  while (at < text.length && !endsScalar(text.charCodeAt(at))) at += 1;
  return at;
}

function endsScalar(code: number): boolean {
  return code === COMMA || code === BRACE_END || code === BRACKET_END || isBlank(code);
}

function skipBlanks(text: string, start: number): number {
  let at = start;
  while (isBlank(text.charCodeAt(at))) at += 1;
  return at;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const BRACKET = 0x5b;
const BRACKET_END = 0x5d;
const BRACE = 0x7b;
const BRACE_END = 0x7d;
