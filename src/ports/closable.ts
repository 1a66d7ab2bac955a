/**
 * Whatever is opened is closed: calling close twice does no harm, and after it no timer or handle
 * is left.
 */
export interface Closable {
  close(): Promise<void>;
}
