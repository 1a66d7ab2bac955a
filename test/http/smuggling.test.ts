import test from 'ava';
import { rawHttp } from '../helpers/raw-http.js';
import { sharedEngine } from './served.js';
import { PORTS, servedFunctions } from './served-functions.js';

const engine = sharedEngine();

/** Requests whose length is ambiguous; the body begins where `head` ends. */
const AMBIGUOUS: [what: string, head: string, body: (hidden: string) => string][] = [
  ['both lengths', 'Content-Length: 4\r\nTransfer-Encoding: chunked', (hidden) => `0\r\n\r\n${hidden}`],
  ['both lengths, the other first', 'Transfer-Encoding: chunked\r\nContent-Length: 4', chunked],
  ['two different lengths', 'Content-Length: 0\r\nContent-Length: 9', (hidden) => hidden],
  ['two lengths in a list', 'Content-Length: 0, 9', (hidden) => hidden],
  ['a length with a sign', 'Content-Length: +4', (hidden) => `test${hidden}`],
  ['a length below zero', 'Content-Length: -1', (hidden) => hidden],
  ['a hexadecimal length', 'Content-Length: 0x4', (hidden) => `test${hidden}`],
  ['a length beyond 2^64', 'Content-Length: 99999999999999999999', (hidden) => hidden],
  ['an unknown transfer encoding', 'Transfer-Encoding: xchunked', chunked],
  ['chunked before another encoding', 'Transfer-Encoding: chunked, identity', chunked],
  ['a quoted transfer encoding', 'Transfer-Encoding: "chunked"', chunked],
  ['a transfer encoding behind a tab', 'Transfer-Encoding:\tchunked\r\nContent-Length: 4', chunked],
  ['a blank before the colon', 'Transfer-Encoding : chunked', chunked],
  ['a length with a blank before the colon', 'Content-Length : 4', (hidden) => `test${hidden}`],
  ['a header folded over two lines', 'X-A: 1\r\n Transfer-Encoding: chunked', chunked],
  ['a NUL in a header', 'X-A: a\0b\r\nContent-Length: 0', (hidden) => hidden],
  ['a carriage return in a header', 'X-A: a\rTransfer-Encoding: chunked', chunked],
  ['a line without a colon', 'chunked\r\nContent-Length: 0', (hidden) => hidden],
  ['an invalid chunk size', 'Transfer-Encoding: chunked', (hidden) => `zz\r\ntest\r\n0\r\n\r\n${hidden}`],
  ['a chunk size beyond 2^64', 'Transfer-Encoding: chunked', (hidden) => `FFFFFFFFFFFFFFFFF\r\n${hidden}`],
  ['a chunk longer than its size', 'Transfer-Encoding: chunked', (hidden) => `2\r\ntest\r\n${hidden}`],
  ['a chunk whose size ends in a line feed', 'Transfer-Encoding: chunked', (hidden) => `0\n\n${hidden}`],
  ['two hosts', 'Host: y\r\nContent-Length: 0', (hidden) => hidden],
];

function chunked(hidden: string): string {
  return `0\r\n\r\n${hidden}`;
}

const served = async () => servedFunctions(await engine(), { hook: {} });

for (const { port, urlOf, pathOf } of PORTS) {
  test(`on the port of ${port}, requests of ambiguous length return 4xx and run no function`, async (t) => {
    const { running, tenant } = await served();
    const url = urlOf(running);
    const path = pathOf(tenant.namespace, 'hook');
    const hidden = `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`;
    for (const [what, head, body] of AMBIGUOUS) {
      const sent = `POST ${path} HTTP/1.1\r\nHost: x\r\n${head}\r\n\r\n${body(hidden)}`;
      const { received } = await rawHttp(url, sent, { end: true });
      t.regex(received, /^HTTP\/1\.1 4\d\d /, what);
      t.is(received.match(/HTTP\/1\.1 /g)?.length, 1, `${what}: ${received}`);
    }
    const { json } = await tenant.get('/v1/invocations?function=hook');
    t.is(json.count, 0);
    // The same path in a valid request: the attacks failed because of their form.
    const { received } = await rawHttp(url, hidden.replace('Host: x', 'Host: x\r\nConnection: close'));
    t.regex(received, /^HTTP\/1\.1 200 /);
  });

  test(`on the port of ${port}, headers behind thousands of others are read`, async (t) => {
    const { running, tenant } = await served();
    const url = urlOf(running);
    const path = pathOf(tenant.namespace, 'hook');
    const many = 'A:\r\n'.repeat(2000);
    const next = `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n`;
    const hidden = `${next}\r\n`;
    const last = `${next}Connection: close\r\n\r\n`;
    // A request with an upgrade is parsed twice, the second time from the headers of the first.
    for (const offer of ['', 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n']) {
      const head = `POST ${path} HTTP/1.1\r\nHost: x\r\n${offer}${many}Content-Length: ${hidden.length}\r\n\r\n`;
      const { received } = await rawHttp(url, `${head}${hidden}${last}`);
      t.is(received.match(/HTTP\/1\.1 200 /g)?.length, 2, received);
    }
    const twoHosts = `POST ${path} HTTP/1.1\r\nHost: x\r\n${many}Host: y\r\n\r\n`;
    const { received } = await rawHttp(url, twoHosts, { end: true });
    t.regex(received, /^HTTP\/1\.1 400 /);
  });

  test(`on the port of ${port}, what is invalid behind a request does not replace its response`, async (t) => {
    const { running, tenant } = await served();
    const path = pathOf(tenant.namespace, 'hook');
    // The body is longer than its Content-Length, as it has two bytes for a character.
    const sent = `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"f\xc3\xbcnf f\xc3\xbcnf"`;
    const { received } = await rawHttp(urlOf(running), sent);
    t.regex(received, /^HTTP\/1\.1 200 /);
    t.is(received.match(/HTTP\/1\.1 /g)?.length, 1, received);
  });
}
