// Host functions of the engine and the WASI functions that the glue uses. A text is a pointer and a
// length. A data result is `pointer << 32 | length`; in the `_into` forms it is the full length, or
// -1 for none.

@external("env", "get_caller_wallet") export declare function get_caller_wallet(): u64;
@external("env", "get_request_id") export declare function get_request_id(): u64;
@external("env", "get_env_into") export declare function get_env_into(key: u32, keyLength: u32, out: u32, capacity: u32): i32;
@external("env", "get_secret_into") export declare function get_secret_into(name: u32, nameLength: u32, out: u32, capacity: u32): i32;
@external("env", "db_query") export declare function db_query(sql: u32, sqlLength: u32, args: u32, argsLength: u32): u64;
@external("env", "db_execute") export declare function db_execute(sql: u32, sqlLength: u32, args: u32, argsLength: u32): i32;
@external("env", "cache_get_into") export declare function cache_get_into(key: u32, keyLength: u32, out: u32, capacity: u32): i32;
@external("env", "cache_set") export declare function cache_set(key: u32, keyLength: u32, value: u32, valueLength: u32, ttl: i64): void;
@external("env", "cache_incr_by") export declare function cache_incr_by(key: u32, keyLength: u32, delta: i64): i64;
@external("env", "cache_delete") export declare function cache_delete(key: u32, keyLength: u32): i32;
@external("env", "http_start") export declare function http_start(method: u32, methodLength: u32, url: u32, urlLength: u32, headers: u32, headersLength: u32, body: u32, bodyLength: u32): i32;
@external("env", "http_next") export declare function http_next(milliseconds: i32): u64;
@external("env", "http_request") export declare function http_request(): u64;
@external("env", "http_respond") export declare function http_respond(status: i32, headers: u32, headersLength: u32): i32;
@external("env", "pubsub_publish") export declare function pubsub_publish(topic: u32, topicLength: u32, data: u32, dataLength: u32): i32;
@external("env", "storage_put") export declare function storage_put(data: u32, dataLength: u32): u64;
@external("env", "storage_get_into") export declare function storage_get_into(cid: u32, cidLength: u32, out: u32, capacity: u32): i32;
@external("env", "enqueue") export declare function enqueue(name: u32, nameLength: u32, payload: u32, payloadLength: u32, delay: i64): u64;
@external("env", "log_debug") export declare function log_debug(message: u32, length: u32): void;
@external("env", "log_info") export declare function log_info(message: u32, length: u32): void;
@external("env", "log_warn") export declare function log_warn(message: u32, length: u32): void;
@external("env", "log_error") export declare function log_error(message: u32, length: u32): void;

@external("wasi_snapshot_preview1", "args_sizes_get") export declare function args_sizes_get(count: u32, bytes: u32): i32;
@external("wasi_snapshot_preview1", "args_get") export declare function args_get(pointers: u32, bytes: u32): i32;
@external("wasi_snapshot_preview1", "clock_time_get") export declare function clock_time_get(clock: i32, precision: i64, result: u32): i32;
@external("wasi_snapshot_preview1", "fd_write") export declare function fd_write(descriptor: i32, vectors: u32, count: i32, written: u32): i32;
@external("wasi_snapshot_preview1", "poll_oneoff") export declare function poll_oneoff(subscriptions: u32, events: u32, count: u32, stored: u32): i32;
@external("wasi_snapshot_preview1", "proc_exit") export declare function proc_exit(code: i32): void;
@external("wasi_snapshot_preview1", "random_get") export declare function random_get(pointer: u32, length: u32): i32;
