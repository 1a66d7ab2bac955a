/** Text when the bytes are UTF-8, else base64 beside a null. */
export function outputFields(output: Uint8Array | null): { output: string | null; output_base64?: string } {
  if (output === null) return { output: null };
  const text = utf8(output);
  if (text !== null) return { output: text };
  return { output: null, output_base64: Buffer.from(output).toString('base64') };
}

/** The same of an input. */
export function inputFields(input: Uint8Array | null): { input: string | null; input_base64?: string } {
  const { output, output_base64: base64 } = outputFields(input);
  return base64 === undefined ? { input: output } : { input: null, input_base64: base64 };
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text the bytes spell, or null when they are not UTF-8. */
export function utf8(bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}
