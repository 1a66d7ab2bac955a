import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface TestServer {
  port: number;
  /** URL of the form `http://127.0.0.1:<port>`. */
  url: string;
  /** Number of connections accepted so far. */
  connections(): number;
  close(): Promise<void>;
}

/** Starts an HTTP server on a free loopback port. */
export async function httpServer(listener: RequestListener): Promise<TestServer> {
  let connections = 0;
  const server = createServer(listener);
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    connections: () => connections,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
