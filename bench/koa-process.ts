/** A plain Koa server that reads the body and responds with a greeting. Prints its URL. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import Koa from 'koa';
import { readBody } from '../src/http/request/read-body.js';

const app = new Koa();
app.use(async (ctx) => {
  await readBody(ctx.req, 1 << 20);
  ctx.type = 'application/json';
  ctx.body = '{"greeting":"Hello, World"}';
});
const server = app.listen(0, '127.0.0.1');
await once(server, 'listening');
process.stdout.write(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
