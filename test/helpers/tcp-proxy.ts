import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A TCP proxy on a free loopback port, for losing what a server receives or sends. */
export interface TcpProxy {
  port: number;
  /** Discards everything that the server sends. */
  dropResponses(): void;
  /** Discards everything that the clients send. */
  dropRequests(): void;
  /**
   * Forwards nothing on the connections of now, and does not close them: as when the host of the
   * server has lost its power. New connections work.
   */
  silence(): void;
  /** Closes all connections and refuses new ones. */
  cut(): void;
  /** Connects new clients to another port; the connections of now stay. */
  redirect(port: number): void;
  /** Forwards everything and accepts new connections again. */
  restore(): void;
  close(): Promise<void>;
}

export async function tcpProxy(target: number): Promise<TcpProxy> {
  let targetPort = target;
  const sockets = new Set<Socket>();
  const silenced = new WeakSet<Socket>();
  let [responses, requests, open] = [true, true, true];
  const server = createServer((client) => {
    if (!open) return client.destroy();
    const target = connect(targetPort, '127.0.0.1');
    for (const [socket, other] of [
      [client, target],
      [target, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        if (!silenced.has(other)) other.destroy();
      });
    }
    client.on('data', (bytes) => requests && !silenced.has(target) && target.write(bytes));
    target.on('data', (bytes) => responses && !silenced.has(client) && client.write(bytes));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    open = false;
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    dropResponses: () => {
      responses = false;
    },
    dropRequests: () => {
      requests = false;
    },
    silence: () => {
      for (const socket of sockets) silenced.add(socket);
    },
    cut,
    redirect: (port) => {
      targetPort = port;
    },
    restore: () => {
      [responses, requests, open] = [true, true, true];
    },
    close: () => {
      cut();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
