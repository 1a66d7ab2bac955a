import wabt from 'wabt';

/** The binary of a module in the text format; everything that the engine may meet is enabled. */
export async function assemble(text: string): Promise<Uint8Array> {
  const { parseWat } = await wabt();
  const module = parseWat('test.wat', text, {
    bulk_memory: true,
    mutable_globals: true,
    sign_extension: true,
    reference_types: true,
    multi_value: true,
  });
  try {
    module.resolveNames();
    return module.toBinary({}).buffer;
  } finally {
    module.destroy();
  }
}
