/** Compiles the source of one language to function.wasm. */
export interface Toolchain {
  readonly language: 'javascript' | 'go' | 'rust' | 'assemblyscript' | 'c';
  /** Returns whether the directory contains source of this language. */
  detects(files: Sources): boolean;
  /**
   * Compiles to `output`. Resolves with the name and version of the compiler, such as `TinyGo
   * 0.39.0`, and with warnings about the source. Throws `build_failed`.
   */
  compile(directory: string, output: string, files: Sources): Promise<string | Compiled>;
}

export interface Compiled {
  with: string;
  warnings: readonly string[];
}

/** File names in a function's directory and in its `assembly` directory. */
export interface Sources {
  readonly top: readonly string[];
  readonly assembly: readonly string[];
}
