import test from 'ava';
import { rawHttp, requestHead } from '../helpers/raw-http.js';
import { sharedEngine } from './served.js';
import { PORTS, servedFunctions } from './served-functions.js';

const engine = sharedEngine();
const served = async () => servedFunctions(await engine(), { hook: {} });

for (const { port, urlOf, pathOf } of PORTS) {
  test(`on the port of ${port}, every pipelined request is answered, whether or not it offers h2c`, async (t) => {
    const { running, tenant } = await served();
    const url = urlOf(running);
    const request = (body: string, ...headers: string[]) =>
      requestHead(
        'POST',
        pathOf(tenant.namespace, 'hook'),
        'Host: x',
        `Content-Length: ${body.length}`,
        ...headers,
      ) + body;
    const plain = (body: string) => request(body);
    const offer = (body: string) =>
      request(body, 'Upgrade: h2c', 'Connection: Upgrade, HTTP2-Settings', 'HTTP2-Settings: AAMAAABkAAQ');
    for (const kinds of [
      [offer, plain],
      [offer, offer],
      [plain, offer],
      [plain, offer, plain, plain, offer],
    ]) {
      const sent = kinds.map((kind, number) => kind(`request ${number}`)).join('');
      const until = new RegExp(`(HTTP/1.1 2[^]*){${kinds.length}}`);
      const { received } = await rawHttp(url, sent, { until });
      t.is(received.match(/HTTP\/1\.1 20[04] /g)?.length, kinds.length, received);
    }
  });
}
