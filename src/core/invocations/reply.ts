import type { ResponseText } from '../../contract/http-exchange.js';
import type { AttemptStatus } from '../../contract/invocation.js';

const REFUSAL_CODES = ['unavailable', 'quota_exceeded'] as const;

export type RefusalCode = (typeof REFUSAL_CODES)[number];

/** Codes of ends that are not the function's own. */
const END_CODES = [...REFUSAL_CODES, 'expired', 'worker_died'] as const;

export type EndCode = (typeof END_CODES)[number];

/** Returns the code of an end from its stored reason or outcome, if it has one. */
export function endCodeOf(reason: string | null): EndCode | undefined {
  return END_CODES.find((code) => code === reason);
}

export function isRefusal(code: EndCode | undefined): code is RefusalCode {
  return REFUSAL_CODES.some((refusal) => refusal === code);
}

/** The result of an invocation as returned to its caller. */
export interface Reply {
  status: AttemptStatus | 'cancelled';
  output: Uint8Array;
  error: string | null;
  durationMs: number;
  attempts: number;
  version: number;
  /**
   * A `RefusalCode` if the call did not run, because a dependency is unreachable or the namespace
   * has reached a quota, and may be retried.
   */
  code?: EndCode | undefined;
  /** True if the function refused its input (exit code 64–78). */
  inputRefused?: boolean | undefined;
  response?: ResponseText | undefined;
}

/**
 * Messages between processes of the installation. They are written only by `encodeReply` and
 * `encodeAck`, and hence not validated.
 */
type WireReply = Omit<Reply, 'output'> & {
  id: string;
  /** Address for the acknowledgement, if one is requested. */
  from?: string | undefined;
  /** Base64. */
  output: string;
};

/** The acknowledgement of a reply. */
export interface ReplyAck {
  id: string;
  /** Whether a caller was waiting for the reply. */
  taken: boolean;
}

/**
 * Encodes a reply to the invocation `id`.
 *
 * @param from The address for the acknowledgement, if one is requested.
 */
export function encodeReply(id: string, reply: Reply, from: string | undefined): string {
  // Copied field by field: rest and spread produce objects that are slow to create and read, and
  // this runs for every call.
  const { status, output: bytes, error, durationMs, attempts, version, code, inputRefused, response } = reply;
  const output = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
  const message: WireReply = {
    id,
    from,
    status,
    error,
    durationMs,
    attempts,
    version,
    code,
    inputRefused,
    response,
    output,
  };
  return JSON.stringify(message);
}

export function decodeReply(message: string): { id: string; from: string | undefined; reply: Reply } {
  const wire: WireReply = JSON.parse(message);
  const { id, from, status, error, durationMs, attempts, version, code, inputRefused, response } = wire;
  const output = Buffer.from(wire.output, 'base64');
  return {
    id,
    from,
    reply: { status, output, error, durationMs, attempts, version, code, inputRefused, response },
  };
}

export function encodeAck(ack: ReplyAck): string {
  return JSON.stringify(ack);
}

export function decodeAck(message: string): ReplyAck {
  return JSON.parse(message);
}
