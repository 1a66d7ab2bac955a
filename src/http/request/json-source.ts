import { endOfString } from '../../json/json-strings.js';
import { isBlank } from '../../json/json-text.js';

/** The name of an object member, or `*` for every element of an array. */
export type SourcePath = readonly string[];

/**
 * Returns the JSON texts of the values at a path, verbatim and in order, since `JSON.parse` rounds
 * numbers and reorders keys. An object without the member gives `undefined`; of duplicate members
 * the last counts, as in `JSON.parse`. The text must be valid JSON of limited depth; it is not
 * validated again. Takes one pass.
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

  /** Follows the path from index `step` in the value at `start`. Returns the end of the value. */
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
    const foundBefore = this.#found.length;
    let isPresent = false;
    let at = skipBlanks(text, start + 1);
    while (text.charCodeAt(at) !== BRACE_END) {
      const nameEnd = endOfString(text, at);
      const name = nameOf(text.slice(at, nameEnd));
      // Skip the colon.
      const value = skipBlanks(text, skipBlanks(text, nameEnd) + 1);
      if (name === wanted) {
        // Discard the results of an earlier member with the same name.
        this.#found.length = foundBefore;
        isPresent = true;
      }
      at = skipBlanks(text, name === wanted ? this.visit(value, step + 1) : endOfValue(text, value));
      if (text.charCodeAt(at) === COMMA) at = skipBlanks(text, at + 1);
    }
    if (!isPresent) this.#found.push(undefined);
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

/** Returns the end of a number, `true`, `false` or `null`. */
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
const BRACKET = 0x5b;
const BRACKET_END = 0x5d;
const BRACE = 0x7b;
const BRACE_END = 0x7d;
