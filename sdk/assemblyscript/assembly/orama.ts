// Functions of the engine for AssemblyScript, in one file without dependencies. A function has its
// own copy beside its index.ts, and these options in its asconfig.json:
//
//   --exportStart _start                   runs the top level of index.ts once per invocation
//   --use abort=assembly/orama/abort       ends the invocation on an error, with the message in the log
//   --use seed=assembly/orama/seed         seeds Math.random()
//   --use console=assembly/orama/logger    sends console.log() and similar to the invocation's log
//
// A failed call returns null or -1, and its reason is written to the invocation's log.

/** Returns the whole input as bytes. */
export function inputBytes(): ArrayBuffer {
  let buffer = new ArrayBuffer(4096);
  let length = 0;
  while (true) {
    if (length == buffer.byteLength) buffer = resized(buffer, length * 2);
    store<usize>(io, changetype<usize>(buffer) + length);
    store<i32>(io, buffer.byteLength - length, 4);
    if (fd_read(0, io, 1, io + 8) != 0) break;
    const read = load<i32>(io, 8);
    if (read == 0) break;
    length += read;
  }
  return buffer.slice(0, length);
}

/** Returns the whole input as text. */
export function input(): string {
  return String.UTF8.decode(inputBytes());
}

/** Writes text to the invocation's output. */
export function output(text: string): void {
  write(1, String.UTF8.encode(text));
}

/** Writes bytes to the invocation's output. */
export function outputBytes(bytes: ArrayBuffer): void {
  write(1, bytes);
}

/** Exits the function. 0 is success, 64–78 is an error that is not retried (invalid input), any
 * other code is retried. */
export function exit(code: i32): void {
  proc_exit(code);
}

/** Returns the time in Unix milliseconds. (`Date.now()` needs a browser.) */
export function now(): i64 {
  clock_time_get(0, 1, io);
  return load<i64>(io) / 1_000_000;
}

/** Returns the wallet of the caller's JWT; empty for API keys, public calls and events. */
export function callerWallet(): string {
  let n: i32;
  do n = get_caller_wallet(at(), room());
  while (tooSmall(n));
  return n > 0 ? text(n) : '';
}

/** Returns the id of this invocation. */
export function requestId(): string {
  let n: i32;
  do n = get_request_id(at(), room());
  while (tooSmall(n));
  return n > 0 ? text(n) : '';
}

/** Returns a value of `env` in function.yaml; null if there is none. */
export function getEnv(key: string): string | null {
  const k = String.UTF8.encode(key);
  let n: i32;
  do n = get_env(ptr(k), k.byteLength, at(), room());
  while (tooSmall(n));
  return n < 0 ? null : text(n);
}

/** Returns a secret of the function's namespace; null if there is none. */
export function getSecret(name: string): string | null {
  const k = String.UTF8.encode(name);
  let n: i32;
  do n = get_secret(ptr(k), k.byteLength, at(), room());
  while (tooSmall(n));
  return n < 0 ? null : text(n);
}

/** Runs a SELECT. Returns the rows as a JSON array of objects; `args` is a JSON array. */
export function dbQuery(sql: string, args: string = '[]'): string | null {
  const s = String.UTF8.encode(sql);
  const a = String.UTF8.encode(args);
  let n: i32;
  do n = db_query(ptr(s), s.byteLength, ptr(a), a.byteLength, at(), room());
  while (tooSmall(n));
  return n <= 0 ? null : text(n);
}

/** Runs INSERT, UPDATE, DELETE or DDL. Returns the number of affected rows, or -1 on failure. */
export function dbExecute(sql: string, args: string = '[]'): i32 {
  const s = String.UTF8.encode(sql);
  const a = String.UTF8.encode(args);
  return db_execute(ptr(s), s.byteLength, ptr(a), a.byteLength);
}

/** Returns the value of a key, or null on a miss. */
export function cacheGet(key: string): ArrayBuffer | null {
  const k = String.UTF8.encode(key);
  let n: i32;
  do n = cache_get(ptr(k), k.byteLength, at(), room());
  while (tooSmall(n));
  return n < 0 ? null : result.slice(0, n);
}

/** Stores a value for `ttlSeconds` seconds; 0 means no expiry, until it is evicted. */
export function cacheSet(key: string, value: ArrayBuffer, ttlSeconds: i64 = 0): void {
  const k = String.UTF8.encode(key);
  cache_set(ptr(k), k.byteLength, ptr(value), value.byteLength, ttlSeconds);
}

/** Adds to a counter atomically and returns the new value. A missing key counts as 0. */
export function cacheIncrement(key: string, delta: i64 = 1): i64 {
  const k = String.UTF8.encode(key);
  return cache_incr_by(ptr(k), k.byteLength, delta);
}

/** Deletes a key. Returns true if it existed. */
export function cacheDelete(key: string): bool {
  const k = String.UTF8.encode(key);
  return cache_delete(ptr(k), k.byteLength) == 1;
}

/** Sends an HTTP request. Returns `{"status":200,"headers":{..},"body":".."}`, or
 * `{"error":"..","status":0}`. */
export function httpFetch(method: string, url: string, headers: string = '{}', body: string = ''): string {
  const m = String.UTF8.encode(method);
  const u = String.UTF8.encode(url);
  const h = String.UTF8.encode(headers);
  const b = String.UTF8.encode(body);
  let n: i32;
  do {
    n = http_fetch(
      ptr(m), m.byteLength, ptr(u), u.byteLength, ptr(h), h.byteLength, ptr(b), b.byteLength, at(), room(),
    );
  } while (tooSmall(n));
  return n <= 0 ? '{"error":"the host call failed","status":0}' : text(n);
}

/** Returns the body of a response of `httpFetch` as bytes. Decodes Base64, which is used for bodies
 * that are not UTF-8. */
export function responseBody(answer: string): ArrayBuffer {
  const encoded = field(answer, 'body_base64');
  if (encoded !== null) return fromBase64(encoded);
  const body = field(answer, 'body');
  return String.UTF8.encode(body === null ? '' : body);
}

/** The request of an HTTP function. Its body is the invocation's input. */
export class HttpRequest {
  constructor(
    /** The complete request as JSON. */
    public json: string,
  ) {}
  get method(): string {
    return field(this.json, 'method') || '';
  }
  /** The complete URL as the client sees it. */
  get url(): string {
    return field(this.json, 'url') || '';
  }
  /** The complete path, including the namespace if it is part of the path. */
  get path(): string {
    return field(this.json, 'path') || '';
  }
  get remoteAddress(): string {
    return field(this.json, 'remote_address') || '';
  }
  get namespace(): string {
    return field(this.json, 'namespace') || '';
  }
  /** The matched route of function.yaml; empty for the function's own address. */
  get route(): string {
    const route = field(this.json, 'route');
    return route === null || route == 'null' ? '' : route;
  }
  /** Returns a header by its lower-case name. */
  header(name: string): string | null {
    return field(field(this.json, 'headers') || '', name);
  }
  /** Returns a parameter of the route. */
  param(name: string): string | null {
    return field(field(this.json, 'params') || '', name);
  }
  /** Returns all values of a query parameter, in order. */
  query(name: string): string[] {
    return strings(field(field(this.json, 'query') || '', name) || '');
  }
}

/** Returns the HTTP request of this invocation; null if it was not triggered by one. */
export function httpRequest(): HttpRequest | null {
  let n: i32;
  do n = http_request(at(), room());
  while (tooSmall(n));
  return n <= 0 ? null : new HttpRequest(text(n));
}

/** Sets the status and headers of the HTTP response; its body is the invocation's output. `headers`
 * is a JSON object whose values may be lists. The last call takes effect. */
export function respond(status: i32, headers: string = '{}'): bool {
  const h = String.UTF8.encode(headers);
  return http_respond(status, ptr(h), h.byteLength) == 1;
}

/** A request of `fetchAll`; `headers` is a JSON object. */
export class FetchRequest {
  constructor(
    public method: string,
    public url: string,
    public headers: string = '{}',
    public body: string = '',
  ) {}
}

const MAX_PARALLEL = 64;
// Longer than the maximum timeout of a function.
const NEXT_TIMEOUT_MS = 300_000;

/** Sends requests concurrently, at most 64 at once, and waits for all of them. Returns results in
 * the order of the requests, in the format of `httpFetch`. */
export function fetchAll(requests: FetchRequest[]): string[] {
  const results = new Array<string>(requests.length).fill('{"error":"the host call failed","status":0}');
  const waiting = new Map<i32, i32>();
  for (let index = 0; index < requests.length; index++) {
    while (waiting.size == MAX_PARALLEL) {
      if (!takeNext(waiting, results)) return results;
    }
    const handle = startFetch(requests[index]);
    if (handle > 0) waiting.set(handle, index);
  }
  while (waiting.size > 0 && takeNext(waiting, results)) {}
  return results;
}

function startFetch(request: FetchRequest): i32 {
  const m = String.UTF8.encode(request.method);
  const u = String.UTF8.encode(request.url);
  const h = String.UTF8.encode(request.headers);
  const b = String.UTF8.encode(request.body);
  return http_start(ptr(m), m.byteLength, ptr(u), u.byteLength, ptr(h), h.byteLength, ptr(b), b.byteLength);
}

/** Waits for the next request to complete; false if there is none. */
function takeNext(waiting: Map<i32, i32>, results: string[]): bool {
  let n: i32;
  do n = http_next(NEXT_TIMEOUT_MS, at(), room());
  while (tooSmall(n));
  if (n <= 0) return false;
  const ended = text(n);
  const handle = <i32>parseInt(field(ended, 'handle') || '0');
  // A reply to a request of an earlier call that has given up is skipped.
  if (!waiting.has(handle)) return true;
  results[waiting.get(handle)] = ended;
  waiting.delete(handle);
  return true;
}

/** Publishes JSON to a topic of the namespace. Returns true once it is durable. */
export function publish(topic: string, json: string): bool {
  const t = String.UTF8.encode(topic);
  const d = String.UTF8.encode(json);
  return pubsub_publish(ptr(t), t.byteLength, ptr(d), d.byteLength) == 1;
}

/** Enqueues an invocation of a function of the namespace. Returns its id; null on failure. */
export function enqueue(name: string, json: string, delaySeconds: i64 = 0): string | null {
  const f = String.UTF8.encode(name);
  const d = String.UTF8.encode(json);
  let n: i32;
  do n = enqueue_into(ptr(f), f.byteLength, ptr(d), d.byteLength, delaySeconds, at(), room());
  while (tooSmall(n));
  return n <= 0 ? null : text(n);
}

/** Stores a blob. Returns its CID; null on failure. */
export function storagePut(data: ArrayBuffer): string | null {
  let n: i32;
  do n = storage_put(ptr(data), data.byteLength, at(), room());
  while (tooSmall(n));
  return n <= 0 ? null : text(n);
}

/** Returns a blob that this namespace has stored; null if there is none. */
export function storageGet(cid: string): ArrayBuffer | null {
  const k = String.UTF8.encode(cid);
  let n: i32;
  do n = storage_get(ptr(k), k.byteLength, at(), room());
  while (tooSmall(n));
  return n < 0 ? null : result.slice(0, n);
}

/** Writes to the invocation's log; also used by `console`. */
export namespace logger {
  export function debug(message: string): void {
    const m = String.UTF8.encode(message);
    log_debug(ptr(m), m.byteLength);
  }
  export function info(message: string): void {
    const m = String.UTF8.encode(message);
    log_info(ptr(m), m.byteLength);
  }
  export function log(message: string): void {
    info(message);
  }
  export function warn(message: string): void {
    const m = String.UTF8.encode(message);
    log_warn(ptr(m), m.byteLength);
  }
  export function error(message: string): void {
    const m = String.UTF8.encode(message);
    log_error(ptr(m), m.byteLength);
  }
}

/** Returns text as a JSON string. */
export function quote(value: string): string {
  let size = value.length + 2;
  for (let i = 0; i < value.length; i++) {
    const c = value.charCodeAt(i);
    if (c == 0x22 || c == 0x5c || c == 0x0a) size++;
    else if (c < 0x20) size += 5;
  }
  const out = new StaticArray<u16>(size);
  let n = 0;
  out[n++] = 0x22;
  for (let i = 0; i < value.length; i++) {
    const c = value.charCodeAt(i);
    if (c >= 0x20 && c != 0x22 && c != 0x5c) {
      out[n++] = c as u16;
      continue;
    }
    out[n++] = 0x5c;
    if (c >= 0x20) out[n++] = c as u16;
    else if (c == 0x0a) out[n++] = 0x6e;
    else {
      out[n++] = 0x75;
      out[n++] = 0x30;
      out[n++] = 0x30;
      out[n++] = (0x30 + (c >> 4)) as u16;
      out[n++] = ((c & 15) + ((c & 15) < 10 ? 0x30 : 0x57)) as u16;
    }
  }
  out[n++] = 0x22;
  return unitsToText(out, n);
}

/** Returns a member of a JSON object: a string without quotes and escapes, any other value as JSON
 * text; null if there is none. Intended for small inputs; use a library such as json-as for whole
 * objects. */
export function field(json: string, key: string): string | null {
  let i = skipBlanks(json, 0);
  if (i >= json.length || json.charCodeAt(i) != 0x7b) return null;
  i = skipBlanks(json, i + 1);
  while (i < json.length && json.charCodeAt(i) == 0x22) {
    const nameEnd = endOfValue(json, i);
    const name = unquote(json.substring(i, nameEnd));
    const start = skipBlanks(json, skipBlanks(json, nameEnd) + 1);
    const end = endOfValue(json, start);
    if (name == key) {
      const value = json.substring(start, end).trim();
      return value.startsWith('"') ? unquote(value) : value;
    }
    i = skipBlanks(json, skipBlanks(json, end) + 1);
  }
  return null;
}

/** Returns the strings of a JSON array of strings. */
export function strings(json: string): string[] {
  const list: string[] = [];
  let i = skipBlanks(json, 0);
  if (i >= json.length || json.charCodeAt(i) != 0x5b) return list;
  i = skipBlanks(json, i + 1);
  while (i < json.length && json.charCodeAt(i) == 0x22) {
    const end = endOfValue(json, i);
    list.push(unquote(json.substring(i, end)));
    i = skipBlanks(json, skipBlanks(json, end) + 1);
  }
  return list;
}

/** Called for `abort`, failed assertions and uncaught errors: writes the error to stderr and exits
 * with code 255. */
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  const what = message === null ? 'aborted' : message;
  const where = file === null ? '' : ' (' + file + ':' + line.toString() + ':' + column.toString() + ')';
  write(2, String.UTF8.encode(what + where + '\n'));
  proc_exit(255);
}

/** Returns the seed of `Math.random`. */
export function seed(): f64 {
  random_get(io, 8);
  return reinterpret<f64>((load<u64>(io) >> 12) | 0x3ff0000000000000);
}

function skipBlanks(json: string, from: i32): i32 {
  let i = from;
  while (i < json.length && json.charCodeAt(i) <= 0x20) i++;
  return i;
}

/** Returns the index after the value that begins at `from`. */
function endOfValue(json: string, from: i32): i32 {
  let depth = 0;
  let inString = false;
  for (let i = from; i < json.length; i++) {
    const c = json.charCodeAt(i);
    if (inString) {
      if (c == 0x5c) i++;
      else if (c == 0x22) {
        inString = false;
        if (depth == 0) return i + 1;
      }
    } else if (c == 0x22) inString = true;
    else if (c == 0x7b || c == 0x5b) depth++;
    else if (c == 0x7d || c == 0x5d) {
      if (depth == 0) return i;
      if (--depth == 0) return i + 1;
    } else if (c == 0x2c && depth == 0) return i;
  }
  return json.length;
}

function unquote(literal: string): string {
  const out = new StaticArray<u16>(literal.length);
  let n = 0;
  for (let i = 1; i < literal.length - 1; i++) {
    let c = literal.charCodeAt(i);
    if (c == 0x5c) {
      c = literal.charCodeAt(++i);
      if (c == 0x6e) c = 0x0a;
      else if (c == 0x74) c = 0x09;
      else if (c == 0x72) c = 0x0d;
      else if (c == 0x62) c = 0x08;
      else if (c == 0x66) c = 0x0c;
      else if (c == 0x75) {
        c = <i32>parseInt(literal.substr(i + 1, 4), 16);
        i += 4;
      }
    }
    out[n++] = c as u16;
  }
  return unitsToText(out, n);
}

/** Returns UTF-16 units as text. Appending each to a string would take quadratic time. */
function unitsToText(units: StaticArray<u16>, length: i32): string {
  return String.UTF16.decodeUnsafe(changetype<usize>(units), (<usize>length) << 1);
}

function fromBase64(text: string): ArrayBuffer {
  const bytes = new Uint8Array((text.length / 4) * 3);
  let length = 0;
  let bits: u32 = 0;
  let held = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    let six = -1;
    if (c >= 0x41 && c <= 0x5a) six = c - 0x41;
    else if (c >= 0x61 && c <= 0x7a) six = c - 0x61 + 26;
    else if (c >= 0x30 && c <= 0x39) six = c - 0x30 + 52;
    else if (c == 0x2b) six = 62;
    else if (c == 0x2f) six = 63;
    if (six < 0) continue;
    bits = (bits << 6) | (six as u32);
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes[length++] = (bits >> (held as u32)) as u8;
    }
  }
  return bytes.buffer.slice(0, length);
}

// Memory for WASI calls: a pointer, a length, and a count.
const io = memory.data(16, 8);

function write(fd: i32, bytes: ArrayBuffer): void {
  let done = 0;
  while (done < bytes.byteLength) {
    store<usize>(io, changetype<usize>(bytes) + done);
    store<i32>(io, bytes.byteLength - done, 4);
    if (fd_write(fd, io, 1, io + 8) != 0) return;
    done += load<i32>(io, 8);
  }
}

// Buffer for results of host calls. If a result does not fit, the call is repeated with a larger
// buffer: the host has kept the result, so the operation runs only once.
let result = new ArrayBuffer(4096);

function at(): usize {
  return changetype<usize>(result);
}

function room(): i32 {
  return result.byteLength;
}

function tooSmall(length: i32): bool {
  if (length <= result.byteLength) return false;
  result = new ArrayBuffer(length);
  return true;
}

function text(length: i32): string {
  return String.UTF8.decodeUnsafe(changetype<usize>(result), length);
}

function ptr(bytes: ArrayBuffer): usize {
  return changetype<usize>(bytes);
}

function resized(buffer: ArrayBuffer, length: i32): ArrayBuffer {
  const larger = new ArrayBuffer(length);
  memory.copy(changetype<usize>(larger), changetype<usize>(buffer), buffer.byteLength);
  return larger;
}

// AssemblyScript allows decorators on functions and TypeScript does not, so editors that parse this
// file as TypeScript would report every import below. The AssemblyScript compiler ignores the
// comments and checks everything.

// @ts-ignore: TypeScript has no decorators on functions, AssemblyScript has
@external("wasi_snapshot_preview1", "fd_read")
declare function fd_read(fd: i32, iovs: usize, count: i32, read: usize): i32;
// @ts-ignore: TypeScript has no decorators on functions, AssemblyScript has
@external("wasi_snapshot_preview1", "fd_write")
declare function fd_write(fd: i32, iovs: usize, count: i32, written: usize): i32;
// @ts-ignore: TypeScript has no decorators on functions, AssemblyScript has
@external("wasi_snapshot_preview1", "proc_exit")
declare function proc_exit(code: i32): void;
// @ts-ignore: TypeScript has no decorators on functions, AssemblyScript has
@external("wasi_snapshot_preview1", "random_get")
declare function random_get(at: usize, length: i32): i32;
// @ts-ignore: TypeScript has no decorators on functions, AssemblyScript has
@external("wasi_snapshot_preview1", "clock_time_get")
declare function clock_time_get(clock: i32, precision: i64, time: usize): i32;
// @ts-ignore: TypeScript has no decorators on functions, AssemblyScript has
@external("env", "get_caller_wallet_into")
declare function get_caller_wallet(out: usize, room: i32): i32;
// @ts-ignore: TypeScript has no decorators on functions, AssemblyScript has
@external("env", "get_request_id_into")
declare function get_request_id(out: usize, room: i32): i32;
// @ts-ignore: TypeScript has no decorators on functions, AssemblyScript has
@external("env", "get_env_into")
declare function get_env(key: usize, keyLength: i32, out: usize, room: i32): i32;
// @ts-ignore: TypeScript has no decorators on functions, AssemblyScript has
@external("env", "get_secret_into")
declare function get_secret(name: usize, nameLength: i32, out: usize, room: i32): i32;
// @ts-ignore: TypeScript has no decorators on functions, AssemblyScript has
@external("env", "db_query_into")
declare function db_query(sql: usize, sqlLength: i32, args: usize, argsLength: i32, out: usize, room: i32): i32;
// @ts-ignore: TypeScript has no decorators on functions, AssemblyScript has
@external("env", "db_execute")
declare function db_execute(sql: usize, sqlLength: i32, args: usize, argsLength: i32): i32;
// @ts-ignore: TypeScript has no decorators on functions, AssemblyScript has
@external("env", "cache_get_into")
declare function cache_get(key: usize, keyLength: i32, out: usize, room: i32): i32;
// @ts-ignore: TypeScript has no decorators on functions, AssemblyScript has
@external("env", "cache_set")
declare function cache_set(key: usize, keyLength: i32, value: usize, valueLength: i32, ttl: i64): void;
// @ts-ignore: TypeScript has no decorators on functions, AssemblyScript has
@external("env", "cache_incr_by")
declare function cache_incr_by(key: usize, keyLength: i32, delta: i64): i64;
// @ts-ignore: TypeScript has no decorators on functions, AssemblyScript has
@external("env", "cache_delete")
declare function cache_delete(key: usize, keyLength: i32): i32;
// @ts-ignore: TypeScript has no decorators on functions, AssemblyScript has
@external("env", "http_fetch_into")
declare function http_fetch(
  method: usize, methodLength: i32, url: usize, urlLength: i32,
  headers: usize, headersLength: i32, body: usize, bodyLength: i32, out: usize, room: i32,
): i32;
// @ts-ignore: TypeScript has no decorators on functions, AssemblyScript has
@external("env", "http_request_into")
declare function http_request(out: usize, room: i32): i32;
// @ts-ignore: TypeScript has no decorators on functions, AssemblyScript has
@external("env", "http_respond")
declare function http_respond(status: i32, headers: usize, headersLength: i32): i32;
// @ts-ignore: TypeScript has no decorators on functions, AssemblyScript has
@external("env", "http_start")
declare function http_start(
  method: usize, methodLength: i32, url: usize, urlLength: i32,
  headers: usize, headersLength: i32, body: usize, bodyLength: i32,
): i32;
// @ts-ignore: TypeScript has no decorators on functions, AssemblyScript has
@external("env", "http_next_into")
declare function http_next(timeoutMs: i32, out: usize, room: i32): i32;
// @ts-ignore: TypeScript has no decorators on functions, AssemblyScript has
@external("env", "pubsub_publish")
declare function pubsub_publish(topic: usize, topicLength: i32, data: usize, dataLength: i32): i32;
// @ts-ignore: TypeScript has no decorators on functions, AssemblyScript has
@external("env", "enqueue_into")
declare function enqueue_into(
  name: usize, nameLength: i32, data: usize, dataLength: i32, delay: i64, out: usize, room: i32,
): i32;
// @ts-ignore: TypeScript has no decorators on functions, AssemblyScript has
@external("env", "storage_put_into")
declare function storage_put(data: usize, dataLength: i32, out: usize, room: i32): i32;
// @ts-ignore: TypeScript has no decorators on functions, AssemblyScript has
@external("env", "storage_get_into")
declare function storage_get(cid: usize, cidLength: i32, out: usize, room: i32): i32;
// @ts-ignore: TypeScript has no decorators on functions, AssemblyScript has
@external("env", "log_debug")
declare function log_debug(message: usize, length: i32): void;
// @ts-ignore: TypeScript has no decorators on functions, AssemblyScript has
@external("env", "log_info")
declare function log_info(message: usize, length: i32): void;
// @ts-ignore: TypeScript has no decorators on functions, AssemblyScript has
@external("env", "log_warn")
declare function log_warn(message: usize, length: i32): void;
// @ts-ignore: TypeScript has no decorators on functions, AssemblyScript has
@external("env", "log_error")
declare function log_error(message: usize, length: i32): void;
