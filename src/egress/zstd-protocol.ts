/** Message to the decoder thread. */
export interface ZstdRequest {
  bytes: Uint8Array;
  maxBytes: number;
}

/** Message from the decoder thread: the decoded bytes or an error. */
export type ZstdReply =
  | { kind: 'decoded'; bytes: Uint8Array }
  | { kind: 'too-large' }
  | { kind: 'corrupt'; message: string };
