import { once } from 'node:events';
import { WebSocket } from 'ws';

/**
 * A client in a separate process, which can be frozen: opens the given sockets, sends the given
 * messages on the last one, and reports when they are closed.
 */
const [urls = '[]', messages = '[]'] = process.argv.slice(2);
const sockets = (JSON.parse(urls) as string[]).map((url) => new WebSocket(url));
for (const [index, socket] of sockets.entries()) {
  socket.on('close', (code) => process.send?.({ closed: index, code }));
}
await Promise.all(sockets.map((socket) => once(socket, 'open')));
for (const message of JSON.parse(messages) as string[]) {
  await new Promise((resolve) => sockets.at(-1)?.send(message, resolve));
}
process.send?.({ open: sockets.length });
