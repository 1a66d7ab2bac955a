/**
 * Outgoing HTTP on behalf of functions and callbacks, guarded against reaching the operator's own
 * network.
 */
export interface Egress {
  /**
   * Resolves names once, checks every address, connects to the checked address only, and checks
   * again after each redirect. Throws `egress_refused` for an address or host that is not allowed,
   * `unavailable` for what the network did.
   */
  fetch(request: EgressRequest): Promise<EgressResponse>;
  /**
   * The checks alone, resolving the name: before something is accepted that will send a request.
   */
  check(url: string, allowedHosts?: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

export interface EgressRequest {
  method: string;
  url: string;
  headers: Readonly<Record<string, string>>;
  body: Uint8Array;
  timeoutMs: number;
  /** A function's own list, on top of the operator's rules: exact hosts or `*.example.com`. */
  allowedHosts?: readonly string[];
  /** Counted before and after it is decoded. */
  maxResponseBytes: number;
  /** A redirect that would make another method of it is not followed: it is the answer. */
  keepMethod?: boolean;
  /** The body is thrown away, however large; the response has an empty one. */
  ignoresBody?: boolean;
  signal?: AbortSignal;
}

export interface EgressResponse {
  status: number;
  /** Of several values of one name one text, as HTTP joins them; `set-cookie` cannot be joined. */
  headers: Record<string, string | string[]>;
  body: Uint8Array;
  /** Where the last redirect led. */
  redirectedTo?: string;
}
