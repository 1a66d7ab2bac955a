// Turns QuickJS into a reactor with the exports and imports of a function. Linked with QuickJS by
// scripts/javascript/link-engine.mjs. All memory belongs to QuickJS: AssemblyScript's own allocator
// is not linked, so this file must not create strings or objects.
import * as host from './host.as';
import * as js from './quickjs.as';

// Tags of a JSValue, in its upper half.
const NULL: u64 = 2 << 32;
const UNDEFINED: u64 = 3 << 32;
const EXCEPTION: u64 = 6 << 32;
const TRUE: u64 = (1 << 32) | 1;

/**
 * Added to the memory in use after the start, so that short runs never trigger a garbage
 * collection.
 */
const GC_HEADROOM_BYTES: u32 = 4 << 20;
/**
 * Heap memory reserved for invocations, allocated before the snapshot. An instance whose memory has
 * grown is discarded, so without the reserve a JSON text of 8 KB would cost 1.2 ms after each
 * reply.
 */
const HEAP_RESERVE_BYTES: u32 = 1 << 20;
/** Initial buffer size of `_into` calls, sufficient for most results. */
const RESULT_BYTES: u32 = 4096;

const REALTIME = 0;
const MONOTONIC = 1;
const STDERR = 2;

/** Lengths of the arguments of the current call, and results of small calls. */
const scratch: u32 = memory.data(128, 8) as u32;
const SUBSCRIPTION_BYTES = 48;

let context: u32 = 0;
let runtime: u32 = 0;
/**
 * Functions of the runtime: `begin` begins an invocation, `turn` runs when no job is left,
 * `rejected` receives promise rejections, `failed` ends with an error.
 */
let begin: u64 = UNDEFINED;
let turn: u64 = UNDEFINED;
let rejected: u64 = UNDEFINED;
let failed: u64 = UNDEFINED;
let failing: bool = false;

let input: u32 = 0;
let inputLength: u32 = 0;
let output: u32 = 0;
let outputLength: u32 = 0;
/**
 * True during the start of C code, which reads the time (for a seed that the runtime replaces) and
 * random bytes (for its stack protector). These must not count as calls of the function, which
 * would then be started fresh for each invocation.
 */
let starting: bool = true;
/** True after the start that all invocations share. */
let started: bool = false;

export function _initialize(): void {
  js.startLibc();
  js.relocateUrl();
  js.relocateEncoding();
  js.relocateCrypto();
  if (js.qjs_init() != 0) unreachable();
  context = js.qjs_get_context_ptr();
  runtime = js.qjs_get_runtime_ptr();
  js.JS_SetMaxStackSize(runtime, js.STACK_BYTES);
  if (js.initUrl(context, runtime) != 0) unreachable();
  if (js.initEncoding(context, runtime) != 0) unreachable();
  if (js.initCrypto(context, runtime) != 0) unreachable();
  starting = false;
  js.qjs_set_promise_rejection_handler(1);

  const name: u32 = memory.data<u8>([0x5f, 0x5f, 0x68, 0x6f, 0x73, 0x74, 0]) as u32; // "__host"
  const global = js.JS_GetGlobalObject(context);
  js.JS_SetPropertyStr(context, global, name, js.JS_NewCFunction2(context, callHost.index, name, 5, 0, 0));

  // The program: two lengths, then the bytecode of the runtime and of the function.
  const runtimeLength = load<u32>(js.PROGRAM);
  const functionLength = load<u32>(js.PROGRAM, 4);
  evaluate(js.PROGRAM + 8, runtimeLength);
  evaluate(js.PROGRAM + 8 + runtimeLength, functionLength);
  // The program has been read; zeroed memory need not be stored in the snapshot.
  memory.fill(js.PROGRAM, 0, 8 + runtimeLength + functionLength);
  js.JS_RunGC(runtime);
  // With a low memory limit malloc returns 0, and free does nothing.
  js.free(js.malloc(HEAP_RESERVE_BYTES));
  js.JS_SetGCThreshold(runtime, js.qjs_get_allocated_size() + GC_HEADROOM_BYTES);
  started = true;
}

export function orama_alloc(size: u32): u32 {
  return js.malloc(size);
}

export function handle(pointer: u32, length: u32): u64 {
  input = pointer;
  inputLength = length;
  output = 0;
  outputLength = 0;
  check(js.JS_Call(context, begin, UNDEFINED, 0, 0));
  runToEnd();
  return ((outputLength as u64) << 32) | output;
}

/** Runs jobs, timers and requests until the runtime reports that nothing is left. */
function runToEnd(): void {
  for (;;) {
    runJobs();
    if (check(js.JS_Call(context, turn, UNDEFINED, 0, 0)) == TRUE) return;
  }
}

function runJobs(): void {
  for (;;) {
    const ran = js.JS_ExecutePendingJob(runtime, scratch);
    if (ran == 0) return;
    if (ran < 0) fail(js.JS_GetException(context));
  }
}

function evaluate(pointer: u32, length: u32): void {
  if (length == 0) return;
  const boxed = js.qjs_eval_bytecode(pointer, length);
  if (boxed == 0) unreachable();
  const result = check(load<u64>(boxed));
  // The result of a module is a promise, which top-level await may keep pending.
  runJobs();
  while (js.JS_PromiseState(context, result) == 0) {
    if (check(js.JS_Call(context, turn, UNDEFINED, 0, 0)) == TRUE) break;
    runJobs();
  }
  if (js.JS_PromiseState(context, result) == 2) fail(js.JS_PromiseResult(context, result));
  js.qjs_free_value(boxed);
}

/**
 * Ends with an uncaught error. An error that the runtime cannot report, for example out of memory,
 * is printed as it is.
 */
function fail(error: u64): void {
  if (failed != UNDEFINED && !failing) {
    failing = true;
    store<u64>(scratch, error, 96);
    js.JS_Call(context, failed, UNDEFINED, 1, scratch + 96);
  }
  const text = js.JS_ToCStringLen2(context, scratch, error, 0);
  if (text != 0) print(text, load<u32>(scratch));
  host.proc_exit(1);
  unreachable();
}

function check(value: u64): u64 {
  if (value >> 32 == EXCEPTION >> 32) fail(js.JS_GetException(context));
  return value;
}

function print(text: u32, length: u32): void {
  store<u32>(scratch, text, 8);
  store<u32>(scratch, length, 12);
  host.fd_write(STDERR, scratch + 8, 1, scratch + 16);
}

// Operations of JavaScript: __host(operation, ...arguments). The numbers are defined in
// runtime/host.ts.

let first: u32 = 0;
let firstLength: u32 = 0;
let second: u32 = 0;
let secondLength: u32 = 0;
let third: u32 = 0;
let thirdLength: u32 = 0;
let fourth: u32 = 0;
let fourthLength: u32 = 0;
/** Bit mask of the four arguments that are copies of strings and must be freed. */
let copied: i32 = 0;

function callHost(_context: u32, _self: u64, count: i32, args: u32): u64 {
  const operation = argument(args, count, 0) as i32;
  const taken = operation >> 8;
  if (taken > 0 && !takeAll(args, count, taken)) return EXCEPTION;
  const result = run(operation & 0xff, args, count);
  release();
  return result;
}

function argument(args: u32, count: i32, index: i32): u64 {
  return index < count ? load<u64>(args + (index << 3)) : UNDEFINED;
}

/** Takes the first arguments after the operation as bytes; a string as UTF-8. */
function takeAll(args: u32, count: i32, taken: i32): bool {
  copied = 0;
  for (let index = 0; index < taken; index++) {
    const value = argument(args, count, index + 1);
    let pointer: u32;
    if (isString(value)) {
      pointer = js.JS_ToCStringLen2(context, scratch, value, 0);
      if (pointer != 0) copied |= 1 << index;
    } else pointer = js.JS_GetUint8Array(context, scratch, value);
    const length = load<u32>(scratch);
    if (index == 0) { first = pointer; firstLength = length; }
    else if (index == 1) { second = pointer; secondLength = length; }
    else if (index == 2) { third = pointer; thirdLength = length; }
    else { fourth = pointer; fourthLength = length; }
    if (pointer == 0 && (isString(value) || length != 0)) {
      release();
      return false;
    }
  }
  return true;
}

function isString(value: u64): bool {
  const tag = (value >> 32) as i32;
  return tag == -7 || tag == -6; // string, or rope of strings
}

function release(): void {
  if (copied == 0) return;
  if (copied & 1) js.JS_FreeCString(context, first);
  if (copied & 2) js.JS_FreeCString(context, second);
  if (copied & 4) js.JS_FreeCString(context, third);
  if (copied & 8) js.JS_FreeCString(context, fourth);
  copied = 0;
}

function run(operation: i32, args: u32, count: i32): u64 {
  switch (operation) {
    case 0: return register(args, count);
    case 1: return js.JS_NewStringLen(context, input, inputLength);
    case 2: return js.JS_NewUint8ArrayCopy(context, input, inputLength);
    case 3: return setOutput();
    case 4: return log(number(args, count, 2) as i32);
    case 5: print(first, firstLength); return UNDEFINED;
    case 6: host.proc_exit(number(args, count, 1) as i32); return UNDEFINED;
    case 7: sleep(number(args, count, 1)); return UNDEFINED;
    case 8: return js.JS_NewNumber(context, milliseconds(number(args, count, 1) as i32));
    case 9: return functionName();
    case 10: return text(host.get_request_id());
    case 11: return text(host.get_caller_wallet());
    case 12: return into(0, false);
    case 13: return into(1, false);
    case 14: return text(host.db_query(first, firstLength, second, secondLength));
    case 15: return js.JS_NewNumber(context, host.db_execute(first, firstLength, second, secondLength));
    case 16: return into(2, true);
    case 17: host.cache_set(first, firstLength, second, secondLength, number(args, count, 3) as i64); return UNDEFINED;
    case 18: return whole(host.cache_incr_by(first, firstLength, number(args, count, 2) as i64));
    case 19: return js.JS_NewNumber(context, host.cache_delete(first, firstLength));
    case 20: return js.JS_NewNumber(context, host.http_start(first, firstLength, second, secondLength, third, thirdLength, fourth, fourthLength));
    case 21: return js.JS_NewNumber(context, host.pubsub_publish(first, firstLength, second, secondLength));
    case 22: return text(host.storage_put(first, firstLength));
    case 23: return into(3, true);
    case 24: return text(host.enqueue(first, firstLength, second, secondLength, number(args, count, 3) as i64));
    case 25: return text(host.http_next(number(args, count, 1) as i32));
    case 26: return text(host.http_request());
    case 27: return js.JS_NewNumber(context, host.http_respond(number(args, count, 2) as i32, first, firstLength));
    case 28: return js.JS_NewNumber(context, jsonDepth());
    default: return UNDEFINED;
  }
}

/** Returns the nesting depth of brackets outside of strings. */
function jsonDepth(): u32 {
  let depth: u32 = 0;
  let deepest: u32 = 0;
  let inString = false;
  for (let at = first, end = first + firstLength; at < end; at++) {
    const char = load<u8>(at);
    if (inString) {
      if (char == 0x5c) at++; // backslash
      else if (char == 0x22) inString = false;
    } else if (char == 0x22) inString = true;
    else if (char == 0x5b || char == 0x7b) {
      depth++;
      if (depth > deepest) deepest = depth;
    } else if ((char == 0x5d || char == 0x7d) && depth > 0) depth--;
  }
  return deepest;
}

function register(args: u32, count: i32): u64 {
  begin = js.JS_DupValue(context, argument(args, count, 1));
  turn = js.JS_DupValue(context, argument(args, count, 2));
  rejected = js.JS_DupValue(context, argument(args, count, 3));
  failed = js.JS_DupValue(context, argument(args, count, 4));
  return UNDEFINED;
}

/**
 * The bytes belong to QuickJS, which does not move them; the runtime keeps a reference to the
 * value.
 */
function setOutput(): u64 {
  output = first;
  outputLength = firstLength;
  // The copy of a string stays allocated until the instance is reset.
  copied = 0;
  return UNDEFINED;
}

function log(level: i32): u64 {
  if (level == 0) host.log_debug(first, firstLength);
  else if (level == 1) host.log_info(first, firstLength);
  else if (level == 2) host.log_warn(first, firstLength);
  else host.log_error(first, firstLength);
  return UNDEFINED;
}

/** Sleeps with poll_oneoff and a subscription to the monotonic clock. */
function sleep(ms: f64): void {
  const subscription = js.malloc(SUBSCRIPTION_BYTES + 32 + 8);
  if (subscription == 0) return;
  memory.fill(subscription, 0, SUBSCRIPTION_BYTES + 32 + 8);
  store<u32>(subscription, MONOTONIC, 16);
  store<u64>(subscription, (ms * 1e6) as u64, 24);
  host.poll_oneoff(subscription, subscription + SUBSCRIPTION_BYTES, 1, subscription + SUBSCRIPTION_BYTES + 32);
  js.free(subscription);
}

function milliseconds(clock: i32): f64 {
  // Reading only the monotonic clock does not mark the module as time-dependent, but a value read
  // during the start would be wrong in every invocation; so read the realtime clock, too.
  if (!started) host.clock_time_get(REALTIME, 1, scratch);
  host.clock_time_get(clock, 1, scratch);
  return (load<u64>(scratch) as f64) / 1e6;
}

/** argv[0] */
function functionName(): u64 {
  host.args_sizes_get(scratch, scratch + 4);
  const size = load<u32>(scratch, 4);
  const pointers = js.malloc(4 * load<u32>(scratch) + size);
  if (pointers == 0 || size == 0) return NULL;
  const bytes = pointers + 4 * load<u32>(scratch);
  host.args_get(pointers, bytes);
  const name = js.JS_NewStringLen(context, bytes, size - 1);
  js.free(pointers);
  return name;
}

function number(args: u32, count: i32, index: i32): f64 {
  if (js.JS_ToFloat64(context, scratch, argument(args, count, index)) != 0) return 0;
  return load<f64>(scratch);
}

function whole(value: i64): u64 {
  const near = value as f64;
  return near >= -9007199254740991 && near <= 9007199254740991
    ? js.JS_NewNumber(context, near)
    : js.JS_NewBigInt64(context, value);
}

/** Converts a packed result to a string; null if it is empty or failed. */
function text(packed: u64): u64 {
  if (packed == 0) return NULL;
  const pointer = (packed >> 32) as u32;
  const value = js.JS_NewStringLen(context, pointer, packed as u32);
  js.free(pointer);
  return value;
}

/** Returns the result of an `_into` call, which distinguishes an empty result from none. */
function into(which: i32, bytes: bool): u64 {
  let buffer = js.malloc(RESULT_BYTES);
  if (buffer == 0) return NULL;
  let length = callInto(which, buffer, RESULT_BYTES);
  if (length > (RESULT_BYTES as i32)) {
    js.free(buffer);
    buffer = js.malloc(length);
    if (buffer == 0) return NULL;
    length = callInto(which, buffer, length);
  }
  let value = NULL;
  if (length >= 0) {
    value = bytes
      ? js.JS_NewUint8ArrayCopy(context, buffer, length)
      : js.JS_NewStringLen(context, buffer, length);
  }
  js.free(buffer);
  return value;
}

function callInto(which: i32, buffer: u32, capacity: u32): i32 {
  if (which == 0) return host.get_env_into(first, firstLength, buffer, capacity);
  if (which == 1) return host.get_secret_into(first, firstLength, buffer, capacity);
  if (which == 2) return host.cache_get_into(first, firstLength, buffer, capacity);
  return host.storage_get_into(first, firstLength, buffer, capacity);
}

// Imports of QuickJS that are implemented here.

export function host_get_timezone_offset(_high: i32, _low: i32): i32 {
  return 0; // UTC
}

export function host_interrupt(): i32 {
  return 0;
}

/** The pointers refer to values that this function must free. */
export function host_promise_rejection(promise: u32, reason: u32, handled: i32): void {
  store<u64>(scratch + 64, load<u64>(promise));
  store<u64>(scratch + 72, load<u64>(reason));
  store<u64>(scratch + 80, handled != 0 ? TRUE : UNDEFINED);
  if (rejected != UNDEFINED) js.JS_FreeValue(context, js.JS_Call(context, rejected, UNDEFINED, 3, scratch + 64));
  js.qjs_free_value(promise);
  js.qjs_free_value(reason);
}

export function host_module_normalize(_base: i32, _name: i32): i32 {
  return 0;
}

export function host_module_load(_name: i32, _length: i32): i32 {
  return 0;
}

export function host_call(_name: i32, _nameLength: i32, _self: i32, _count: i32, _args: i32): i32 {
  return 0;
}

export function clock_time_get(clock: i32, precision: i64, result: u32): i32 {
  if (starting) {
    store<u64>(result, 0);
    return 0;
  }
  return host.clock_time_get(clock, precision, result);
}

export function random_get(pointer: u32, length: u32): i32 {
  if (!starting) return host.random_get(pointer, length);
  memory.fill(pointer, 0x5a, length);
  return 0;
}
