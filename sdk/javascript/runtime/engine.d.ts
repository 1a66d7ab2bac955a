// Declarations of QuickJS and its extensions, and of the glue's function.

declare function __host(operation: number, ...args: unknown[]): unknown;

interface TextDecoderOptions {
  fatal?: boolean;
  ignoreBOM?: boolean;
}
declare class TextEncoder {
  readonly encoding: string;
  encode(input?: string): Uint8Array<ArrayBuffer>;
  encodeInto(input: string, target: Uint8Array): { read: number; written: number };
}
declare class TextDecoder {
  constructor(label?: string, options?: TextDecoderOptions);
  get encoding(): string;
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;
  decode(input?: ArrayBuffer | ArrayBufferView, options?: { stream?: boolean }): string;
}
declare class URL {
  constructor(url: string, base?: string | URL);
  readonly origin: string;
  readonly protocol: string;
  readonly username: string;
  readonly password: string;
  hash: string;
  href: string;
  search: string;
  toString(): string;
  toJSON(): string;
}
interface EngineDOMException extends Error {
  readonly code: number;
}
// A variable, because the runtime replaces it.
declare var DOMException: {
  new (message?: string, name?: string): EngineDOMException;
  readonly prototype: EngineDOMException;
};
interface ErrorConstructor {
  captureStackTrace(target: object, below?: (...values: never[]) => unknown): void;
}
declare function queueMicrotask(callback: () => void): void;
