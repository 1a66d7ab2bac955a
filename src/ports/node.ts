/** A server on which a port stores its data. */
export interface Node {
  id: string;
  /** Its addresses, in the server's own notation. */
  addresses: string[];
}
