/** One way from a language's source to function.wasm. */
export interface Toolchain {
  readonly language: 'javascript' | 'go' | 'rust' | 'assemblyscript' | 'c';
  /** Whether the directory holds this language's source. */
  detects(files: Sources): boolean;
  /** Compiles into `output`, and says with what, e.g. `TinyGo 0.39.0`. Throws `build_failed`. */
  compile(directory: string, output: string, files: Sources): Promise<string>;
}

/** Names of the files in a function's directory, and in its `assembly` directory. */
export interface Sources {
  readonly top: readonly string[];
  readonly assembly: readonly string[];
}
