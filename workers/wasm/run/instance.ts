/** The memory that an instance exports. */
export function memoryOf(instance: WebAssembly.Instance): WebAssembly.Memory | null {
  const memory = instance.exports.memory;
  return memory !== undefined && 'buffer' in memory ? memory : null;
}

/** Tells an exported global from the other kinds. */
export function isGlobal(value: WebAssembly.ExportValue | undefined): value is WebAssembly.Global {
  return value !== undefined && 'value' in value;
}
