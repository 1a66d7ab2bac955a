// The runtime environment of functions. Compiled when the project is built; it runs before the
// function's own code, in the start that all invocations share.
import { env } from './bindings.js';
import { Blob, File } from './blob.js';
import { console } from './console.js';
import { context } from './context.js';
import { boundedRandom, createRandom, type EngineCrypto, restrict } from './crypto.js';
import { NonRetryableError } from './errors.js';
import { AbortController, AbortSignal, Event, EventTarget } from './events.js';
import { fetch } from './fetch.js';
import { FormData } from './form-data.js';
import { setHandler } from './handler.js';
import { Headers } from './headers.js';
import { monotonic, realtime, register } from './host.js';
import { begin, fail, turn } from './invocation.js';
import { parse } from './json.js';
import { setLineTable } from './lines.js';
import { rejected, uncaught } from './rejections.js';
import { Request } from './request.js';
import { Response } from './response.js';
import { installStacks } from './stacks.js';
import { ReadableStream } from './streams.js';
import { structuredClone } from './structured-clone.js';
import { TextDecoder } from './text-decoder.js';
import { clearTimeout, setInterval, setTimeout } from './timers.js';
import { installUrl, URLSearchParams } from './url.js';

declare global {
  var crypto: EngineCrypto;
}

const random = createRandom(globalThis.crypto);

function define(target: object, values: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(values)) {
    Object.defineProperty(target, name, { value, writable: true, enumerable: false, configurable: true });
  }
}

/** Defines classes with the names and the string tags that a browser gives them. */
function defineClasses(classes: Record<string, { prototype: object }>): void {
  define(globalThis, classes);
  for (const [name, value] of Object.entries(classes)) {
    Object.defineProperty(value, 'name', { value: name, configurable: true });
    Object.defineProperty(value.prototype, Symbol.toStringTag, { value: name, configurable: true });
  }
}

installStacks();
const URL = installUrl();
define(Math, { random });
define(JSON, { parse });
restrict(globalThis.crypto);
define(globalThis.crypto, { getRandomValues: boundedRandom(globalThis.crypto) });
defineClasses({
  AbortController,
  AbortSignal,
  Blob,
  Event,
  EventTarget,
  File,
  FormData,
  Headers,
  ReadableStream,
  Request,
  Response,
  TextDecoder,
  TextEncoder,
  URL,
  URLSearchParams,
});
define(globalThis, {
  clearInterval: clearTimeout,
  clearTimeout,
  console,
  fetch,
  performance: {
    now: monotonic,
    get timeOrigin() {
      return realtime() - monotonic();
    },
  },
  queueMicrotask: (callback: () => void) => {
    if (typeof callback !== 'function') throw new TypeError('queueMicrotask takes a function');
    void Promise.resolve().then(() => {
      try {
        callback();
      } catch (error) {
        uncaught(error);
      }
    });
  },
  self: globalThis,
  setInterval,
  setTimeout,
  structuredClone,
});
// Used by the module "orama" and by the code that `orama function build` adds to a bundle.
Object.defineProperty(globalThis, Symbol.for('orama'), {
  value: Object.freeze({ env, ctx: context, NonRetryableError, setHandler, setLineTable }),
});
register({ begin, turn, rejected, fail });
