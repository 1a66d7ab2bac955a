/** The part of the WebAssembly JS API that the engine uses; @types/node has none and the DOM's library is not ours. */
declare namespace WebAssembly {
  interface Module {
    readonly __brand: 'WebAssembly.Module';
  }
  const Module: new (bytes: Uint8Array) => Module;

  interface Memory {
    readonly buffer: ArrayBuffer;
  }
  interface Global {
    value: number | bigint;
  }

  type ExportValue = ((...args: never[]) => unknown) | Memory | Global | object;
  interface Instance {
    readonly exports: Record<string, ExportValue>;
  }
  type Imports = Record<string, Record<string, (...args: never[]) => unknown>>;
  const Instance: new (module: Module, imports?: Imports) => Instance;

  class RuntimeError extends Error {}
  class CompileError extends Error {}
  class LinkError extends Error {}
}
