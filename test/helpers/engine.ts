import { createHash } from 'node:crypto';
import type { HostCalls, HostResult } from '../../src/contract/host-functions.js';
import { functionNameSchema, namespaceSchema, requestIdSchema } from '../../src/contract/ids.js';
import type { Engine, GuestCall, GuestOutcome, HostCaller, InspectSettings } from '../../src/ports/engine.js';
import { uuidv7 } from '../../src/uuid.js';

const utf8 = new TextDecoder();

/** Host functions that fail, except those that a test provides. */
export function hostCalls(given: Partial<HostCalls> = {}): HostCaller {
  return async (name, args, signal): Promise<HostResult> => {
    const call = given[name];
    if (call === undefined) throw new Error('not part of this test');
    return Reflect.apply(call, given, [...args, signal]);
  };
}

export type CallOptions = Partial<Omit<GuestCall, 'input' | 'host' | 'namespace'>> & {
  host?: Partial<HostCalls>;
  namespace?: string;
};

/** Creates a call of a module with the defaults of function.yaml. */
export function guestCall(
  wasm: Uint8Array,
  input: string | Uint8Array,
  options: CallOptions = {},
): GuestCall {
  const { host, namespace, ...rest } = options;
  return {
    requestId: requestIdSchema.parse(uuidv7()),
    namespace: namespaceSchema.parse(namespace ?? 'test'),
    functionName: functionNameSchema.parse('tested'),
    cid: contentId(wasm),
    loadWasm: () => Promise.resolve(wasm),
    warmStart: 'fresh',
    memoryLimitMb: 64,
    timeoutMs: 30_000,
    input: typeof input === 'string' ? new TextEncoder().encode(input) : input,
    callerWallet: '',
    env: {},
    host: hostCalls(host),
    ...rest,
  };
}

/** Returns the settings of a module's inspection, with the defaults of function.yaml. */
export function inspectSettings(wasm: Uint8Array, given: Partial<InspectSettings> = {}): InspectSettings {
  return {
    cid: contentId(wasm),
    name: functionNameSchema.parse('tested'),
    namespace: namespaceSchema.parse('test'),
    memoryLimitMb: 64,
    ...given,
  };
}

/** Replaces a CID: equal for equal bytes. */
export function contentId(wasm: Uint8Array): string {
  return createHash('sha256').update(wasm).digest('hex');
}

export interface TextOutcome extends Omit<GuestOutcome, 'output' | 'messages'> {
  output: string;
  /** Lines of the form `level: message`. */
  log: string[];
}

/** Runs a guest and returns its output and log as text. */
export async function runText(
  engine: Engine,
  wasm: Uint8Array,
  input: string | Uint8Array,
  options: CallOptions = {},
): Promise<TextOutcome> {
  const { output, messages, ...rest } = await engine.run(guestCall(wasm, input, options));
  return {
    ...rest,
    output: utf8.decode(output),
    log: messages.map(({ level, message }) => `${level}: ${message}`),
  };
}
