/** A resource that must be closed. `close` is idempotent; after it, no timer or handle is left. */
export interface Closable {
  close(): Promise<void>;
}
