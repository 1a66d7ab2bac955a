/** A number as its decimal text. */
export class ExactNumber {
  constructor(readonly text: string) {}
}

/** Random for each page load, so that no text in the data begins with it. */
const MARK = `${[...crypto.getRandomValues(new Uint32Array(4))].join('-')}:`;

/** Parses JSON. Integers that JavaScript would round become `ExactNumber`. */
export function readExact(text: string): unknown {
  // Matches strings and whole numbers: digits may also be a fraction or an exponent.
  const marked = text.replace(/"(?:[^"\\]|\\.)*(?:"|\\?$)|-?\d[\d.eE+-]*/gs, (token) =>
    /^-?\d{16,}$/.test(token) ? `"${MARK}${token}"` : token,
  );
  return JSON.parse(marked, (_key, value: unknown) =>
    typeof value === 'string' && value.startsWith(MARK) ? new ExactNumber(value.slice(MARK.length)) : value,
  );
}
