/**
 * The part of the WebAssembly JavaScript API that the engine uses: @types/node does not declare it,
 * and the DOM library is not included.
 */
declare namespace WebAssembly {
  interface Module {
    readonly __brand: 'WebAssembly.Module';
  }
  interface Import {
    readonly module: string;
    readonly name: string;
  }
  interface Export {
    readonly name: string;
  }
  const Module: {
    new (bytes: Uint8Array): Module;
    imports(module: Module): Import[];
    exports(module: Module): Export[];
  };
  function compile(bytes: Uint8Array): Promise<Module>;
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
  class CompileError extends Error {}
  class LinkError extends Error {}
}
