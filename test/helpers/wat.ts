import wabt from 'wabt';

/** Assembles the text format; all features that the engine may encounter are enabled. */
export async function assemble(text: string): Promise<Uint8Array> {
  const { parseWat } = await wabt();
  const module = parseWat('test.wat', text, {
    bulk_memory: true,
    mutable_globals: true,
    sign_extension: true,
    reference_types: true,
    multi_value: true,
    exceptions: true,
  });
  try {
    module.resolveNames();
    return module.toBinary({}).buffer;
  } finally {
    module.destroy();
  }
}
