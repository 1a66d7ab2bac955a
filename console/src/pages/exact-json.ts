/** A number as its decimal text. */
export class ExactNumber {
  constructor(readonly text: string) {}
}

const MARK = '\u0000n:';

/** Parses JSON. Integers that JavaScript would round become `ExactNumber`. */
export function readExact(text: string): unknown {
  // Matches strings and whole numbers: digits may also be a fraction or an exponent.
  const marked = text.replace(/"(?:[^"\\]|\\.)*(?:"|\\?$)|-?\d[\d.eE+-]*/gs, (token) =>
    /^-?\d{16,}$/.test(token) ? `"\\u0000n:${token}"` : token,
  );
  return JSON.parse(marked, (_key, value: unknown) =>
    typeof value === 'string' && value.startsWith(MARK) ? new ExactNumber(value.slice(MARK.length)) : value,
  );
}
