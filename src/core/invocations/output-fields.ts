/** Returns `output`, or `output_base64` if it is not UTF-8, for a reply. */
export function replyOutput(output: Uint8Array): { output: string } | { output_base64: string } {
  const text = utf8(output);
  return text === null ? { output_base64: Buffer.from(output).toString('base64') } : { output: text };
}

/** Returns the fields for a record; `output` is null if it is absent or not UTF-8. */
export function recordOutput(output: Uint8Array | null): { output: string | null; output_base64?: string } {
  return output === null ? { output: null } : { output: null, ...replyOutput(output) };
}

/** Like `recordOutput`, for the input. */
export function recordInput(input: Uint8Array | null): { input: string | null; input_base64?: string } {
  const { output, output_base64: base64 } = recordOutput(input);
  return base64 === undefined ? { input: output } : { input: null, input_base64: base64 };
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Decodes UTF-8; returns null for invalid bytes. */
export function utf8(bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}
