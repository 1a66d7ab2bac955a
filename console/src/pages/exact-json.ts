/** A number as its decimal text. */
export class ExactNumber {
  constructor(readonly text: string) {}
}

const MARK = '\u0000n:';

/** Parses JSON. Integers that JavaScript would round become `ExactNumber`. */
export function readExact(text: string): unknown {
  const marked = text.replace(/"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])/g, (token) =>
    token.startsWith('"') ? token : `"\\u0000n:${token}"`,
  );
  return JSON.parse(marked, (_key, value: unknown) =>
    typeof value === 'string' && value.startsWith(MARK) ? new ExactNumber(value.slice(MARK.length)) : value,
  );
}
