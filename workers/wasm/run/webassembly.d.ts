/**
 * The part of the WebAssembly JavaScript API that the engine uses: @types/node does not declare it,
 * and the DOM library is not included.
 */
declare namespace WebAssembly {
  interface Module {
    readonly __brand: 'WebAssembly.Module';
  }
  const Module: new (bytes: Uint8Array) => Module;
  function validate(bytes: Uint8Array): boolean;

  interface Memory {
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
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
}
