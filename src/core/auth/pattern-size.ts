/** `{n}`, `{n,}` or `{n,m}`. */
const REPEAT = /\{(\d{1,4})(,(\d{0,4}))?\}/y;
/** The escapes that are longer than two characters: `\x{10FFFF}`, `\p{Greek}` and quoted text. */
const LONG_ESCAPE = /\\(?:[pPx]\{[^}]*\}|Q(?<quoted>.*?)(?:\\E|$))/sy;
/** Flags for what follows; a repetition after them applies to what precedes them. */
const FLAGS = /\(\?[A-Za-z-]*\)/y;
/** A character class, in which `]` is literal at the beginning; `[[:alpha:]]` holds another. */
const CLASS = /\[\^?\]?(?:\\.|\[:\^?[a-z]*:\]|[^\]\\])*\]?/sy;

/**
 * Estimates the number of instructions to which a regular expression in RE2 syntax compiles,
 * without compiling it: compiling takes time in proportion, and `(a{9}){9}` compiles to 81 copies.
 * The estimate is not less than the number for an expression that is valid.
 */
export function estimatedSize(pattern: string): number {
  /** Sizes of the groups that are open. */
  const groups = [0];
  let last = 0;
  const add = (size: number) => {
    groups.push((groups.pop() ?? 0) + size);
    last = size;
  };
  /** Adds to what precedes, as a repetition may follow a repetition and flags. */
  const extend = (size: number) => {
    groups.push((groups.pop() ?? 0) + size);
    last += size;
  };
  const matchAt = (expression: RegExp, at: number) => {
    expression.lastIndex = at;
    return expression.exec(pattern);
  };

  for (let at = 0; at < pattern.length; ) {
    const char = pattern[at];
    let length = 1;
    if (char === '\\') {
      const long = matchAt(LONG_ESCAPE, at);
      length = long?.[0].length ?? 2;
      // A repetition after quoted text applies to its last character, but is counted for all.
      add(Math.max(1, long?.groups?.quoted?.length ?? 1));
    } else if (char === '[') {
      length = matchAt(CLASS, at)?.[0].length ?? 1;
      add(1);
    } else if (char === '(') {
      const flags = matchAt(FLAGS, at);
      length = flags?.[0].length ?? 1;
      if (flags === null) groups.push(0);
    } else if (char === ')') {
      const size = groups.length > 1 ? (groups.pop() ?? 0) : 0;
      // Two instructions capture the group; an empty one has another.
      add(size + 3);
    } else if (char === '{') {
      const repeat = matchAt(REPEAT, at);
      length = repeat?.[0].length ?? 1;
      if (repeat === null) add(1);
      else {
        const [, least, , most] = repeat;
        const times = Math.max(1, Number(least), Number(most ?? 0));
        // An optional copy has an instruction that skips it.
        extend((times - 1) * last + times + 1);
      }
    } else if (char === '*' || char === '+' || char === '?') {
      extend(2);
    } else {
      add(1);
    }
    at += length;
  }
  return groups.reduce((sum, size) => sum + size, 3);
}
