/** A server that a port has its data on. */
export interface Node {
  id: string;
  /** Where it can be reached, in its own notation. */
  addresses: string[];
}
