/** `output`, or `output_base64` for what is not UTF-8: as a reply has it. */
export function replyOutput(output: Uint8Array): { output: string } | { output_base64: string } {
  const text = utf8(output);
  return text === null ? { output_base64: Buffer.from(output).toString('base64') } : { output: text };
}

/** As a record has it, with null for the text of what is not UTF-8 and of what is not there. */
export function recordOutput(output: Uint8Array | null): { output: string | null; output_base64?: string } {
  return output === null ? { output: null } : { output: null, ...replyOutput(output) };
}

/** The same of an input. */
export function recordInput(input: Uint8Array | null): { input: string | null; input_base64?: string } {
  const { output, output_base64: base64 } = recordOutput(input);
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
