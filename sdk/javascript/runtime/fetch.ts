import { bytesContent, type Content, textContent } from './body.js';
import { Headers } from './headers.js';
import { type Incoming, start } from './http.js';
import { Request, type RequestInit } from './request.js';
import { Response } from './response.js';

export async function fetch(input: string | URL | Request, init?: RequestInit | null): Promise<Response> {
  const request = new Request(input, init);
  const { signal, url } = request;
  signal.throwIfAborted();
  const { protocol } = new URL(url);
  if (protocol !== 'http:' && protocol !== 'https:') {
    throw new TypeError('fetch failed', { cause: new Error(`${protocol} is not http: or https:`) });
  }
  const outgoing = {
    method: request.method,
    url,
    headers: Object.fromEntries(request.headers),
    body: await request.send(),
  };
  // The signal may have been aborted while the body was read.
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    let takeBack = () => {};
    const onAbort = () => {
      takeBack();
      reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort);
    takeBack = start(outgoing, (answer) => {
      signal.removeEventListener('abort', onAbort);
      // An error that is thrown here would end the invocation, and no function could catch it.
      try {
        resolve(responseOf(answer, request));
      } catch (cause) {
        reject(new TypeError('fetch failed', { cause }));
      }
    });
  });
}

function responseOf(answer: Incoming, { url, redirect }: Request): Response {
  if (answer.status === 0) throw new Error(answer.error);
  if (answer.url !== undefined && redirect === 'error') throw new Error(`redirected to ${answer.url}`);
  const headers = new Headers();
  for (const [name, value] of Object.entries(answer.headers)) {
    for (const one of Array.isArray(value) ? value : [value]) headers.append(name, one);
  }
  const response = Response.received(answer.status, headers, contentOf(answer));
  response.url = withoutFragment(answer.url ?? url);
  response.redirected = answer.url !== undefined;
  return response;
}

/** The URL of a response has no fragment (Fetch standard). */
function withoutFragment(url: string): string {
  const at = url.indexOf('#');
  return at === -1 ? url : url.slice(0, at);
}

function contentOf({ body, body_base64 }: Incoming): Content {
  if (body_base64 === undefined) return textContent(body);
  return bytesContent(Uint8Array.fromBase64(body_base64));
}
