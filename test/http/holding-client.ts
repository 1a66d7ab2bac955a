import { once } from 'node:events';
import { WebSocket } from 'ws';

/**
 * A client of its own process, to be frozen: opens the sockets it is told of, sends on the last
 * what it is told, and tells of their ends.
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
