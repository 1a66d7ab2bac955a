import type { Namespace } from '../contract/ids.js';

/**
 * Outgoing HTTP for functions and callbacks, protected against access to the operator's own network
 * (SSRF).
 */
export interface Egress {
  /**
   * Sends a request. Resolves the host once, checks every address, connects only to checked
   * addresses, and repeats the checks after each redirect. Throws `egress_refused` for an address
   * or host that is not allowed, and `unavailable` for network errors.
   */
  fetch(request: EgressRequest): Promise<EgressResponse>;
  /**
   * Performs only the checks, including name resolution. Used before something is accepted that
   * will later send a request.
   */
  check(url: string, check: EgressCheck): Promise<void>;
  close(): Promise<void>;
}

export interface EgressCheck {
  /** The namespace that asks. Slow name servers delay only lookups of the same namespace. */
  namespace: Namespace;
  /** As in `EgressRequest`. */
  allowedHosts?: readonly string[] | undefined;
}

export interface EgressRequest {
  /** The namespace that sends the request; see `EgressCheck`. */
  namespace: Namespace;
  method: string;
  url: string;
  headers: Readonly<Record<string, string>>;
  body: Uint8Array;
  timeoutMs: number;
  /**
   * The function's own list, in addition to the operator's rules: exact hosts or `*.example.com`.
   */
  allowedHosts?: readonly string[];
  /** Maximum size of the body, applied both before and after decoding. */
  maxResponseBytes: number;
  /** Called before bytes of the body are kept; an error that it throws ends the request. */
  onBytes?(bytes: number): void;
  /** A redirect that would change the method is not followed but returned as the response. */
  keepMethod?: boolean;
  /** Discards the body, of any size; the response has an empty one. */
  ignoresBody?: boolean;
  signal?: AbortSignal;
}

export interface EgressResponse {
  status: number;
  /**
   * Repeated fields are joined as in RFC 9110 §5.3, except `set-cookie`, which cannot be joined.
   */
  headers: Record<string, string | string[]>;
  body: Uint8Array;
  /** Target of the last redirect. */
  redirectedTo?: string;
}
