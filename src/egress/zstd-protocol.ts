/** To the thread that decodes. */
export interface ZstdRequest {
  bytes: Uint8Array;
  maxBytes: number;
}

/** From it: the decoded bytes, or why there are none. */
export type ZstdReply =
  | { kind: 'decoded'; bytes: Uint8Array }
  | { kind: 'too-large' }
  | { kind: 'corrupt'; message: string };
