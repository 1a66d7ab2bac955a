//! Functions of the engine. No dependencies: JSON is passed as text, for any JSON crate or for
//! `json`. Use it as a crate, or copy `lib.rs` to `src/orama/mod.rs`, the other files beside it,
//! and add `mod orama;`.
//!
//! A failed call returns `None` or `Err`, and its reason is written to the invocation's log.
#![allow(dead_code, unexpected_cfgs)]

pub mod http;
/// Needs the crate `http`; see http_types.rs.
#[cfg(feature = "http-types")]
pub mod http_types;
pub mod json;

use std::io::{Read, Write};

/// A host call that failed. The reason is in the invocation's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failed;

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the host call failed; the invocation's log says why")
    }
}

impl std::error::Error for Failed {}

/// Reads the invocation's whole input.
pub fn input() -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Writes to the invocation's output.
pub fn output(bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
    let mut stdout = std::io::stdout();
    stdout.write_all(bytes.as_ref())?;
    stdout.flush()
}

/// Returns the wallet of the caller's JWT; empty for API keys, public calls and events.
pub fn caller_wallet() -> String {
    text(take(|at, room| unsafe { host::get_caller_wallet_into(at, room) })).unwrap_or_default()
}

/// Returns the id of this invocation.
pub fn request_id() -> String {
    text(take(|at, room| unsafe { host::get_request_id_into(at, room) })).unwrap_or_default()
}

/// Returns a value of `env` in function.yaml.
pub fn get_env(key: &str) -> Option<String> {
    text(take(|at, room| unsafe { host::get_env_into(key.as_ptr(), key.len(), at, room) }))
}

/// Returns a secret of the function's namespace.
pub fn get_secret(name: &str) -> Option<String> {
    text(take(|at, room| unsafe { host::get_secret_into(name.as_ptr(), name.len(), at, room) }))
}

/// Runs a SELECT. Returns the rows as a JSON array of objects; `args` is a JSON array.
pub fn db_query(sql: &str, args: &str) -> Result<String, Failed> {
    text(take(|at, room| unsafe {
        host::db_query_into(sql.as_ptr(), sql.len(), args.as_ptr(), args.len(), at, room)
    }))
    .filter(|rows| !rows.is_empty())
    .ok_or(Failed)
}

/// Runs INSERT, UPDATE, DELETE or DDL. Returns the number of affected rows.
pub fn db_execute(sql: &str, args: &str) -> Result<u32, Failed> {
    let affected = unsafe { host::db_execute(sql.as_ptr(), sql.len(), args.as_ptr(), args.len()) };
    u32::try_from(affected).map_err(|_| Failed)
}

/// Returns the value of a key; `None` on a miss.
pub fn cache_get(key: &str) -> Option<Vec<u8>> {
    take(|at, room| unsafe { host::cache_get_into(key.as_ptr(), key.len(), at, room) })
}

/// Stores a value for `ttl_seconds` seconds; 0 means no expiry, until it is evicted.
pub fn cache_set(key: &str, value: &[u8], ttl_seconds: u32) {
    let ttl = i64::from(ttl_seconds);
    unsafe { host::cache_set(key.as_ptr(), key.len(), value.as_ptr(), value.len(), ttl) }
}

/// Adds to a counter atomically and returns the new value. A missing key counts as 0.
pub fn cache_increment(key: &str, delta: i64) -> i64 {
    unsafe { host::cache_incr_by(key.as_ptr(), key.len(), delta) }
}

/// Deletes a key. Returns true if it existed.
pub fn cache_delete(key: &str) -> bool {
    unsafe { host::cache_delete(key.as_ptr(), key.len()) == 1 }
}

/// Sends an HTTP request. Returns `{"status":200,"headers":{..},"body":".."}`, or
/// `{"error":"..","status":0}`. Use `response_body` to get the body as bytes.
pub fn http_fetch(method: &str, url: &str, headers: &str, body: &[u8]) -> Result<String, Failed> {
    text(take(|at, room| unsafe {
        host::http_fetch_into(
            method.as_ptr(),
            method.len(),
            url.as_ptr(),
            url.len(),
            headers.as_ptr(),
            headers.len(),
            body.as_ptr(),
            body.len(),
            at,
            room,
        )
    }))
    .ok_or(Failed)
}

/// Returns the body of a response of `http_fetch` as bytes. Decodes Base64, which is used for
/// bodies that are not UTF-8.
pub fn response_body(answer: &str) -> Vec<u8> {
    match string_member(answer, "body_base64") {
        Some(literal) => from_base64(literal),
        None => string_member(answer, "body").and_then(unescape).unwrap_or_default().into_bytes(),
    }
}

/// Publishes JSON to a topic of the namespace; it is durable when this returns `Ok`.
pub fn publish(topic: &str, json: &str) -> Result<(), Failed> {
    let done = unsafe { host::pubsub_publish(topic.as_ptr(), topic.len(), json.as_ptr(), json.len()) };
    if done == 1 { Ok(()) } else { Err(Failed) }
}

/// Enqueues an invocation of a function of the namespace. Returns its id.
pub fn enqueue(function: &str, json: &str, delay_seconds: u32) -> Result<String, Failed> {
    let delay = i64::from(delay_seconds);
    text(take(|at, room| unsafe {
        host::enqueue_into(function.as_ptr(), function.len(), json.as_ptr(), json.len(), delay, at, room)
    }))
    .ok_or(Failed)
}

/// Stores a blob. Returns its CID.
pub fn storage_put(data: &[u8]) -> Result<String, Failed> {
    text(take(|at, room| unsafe { host::storage_put_into(data.as_ptr(), data.len(), at, room) })).ok_or(Failed)
}

/// Returns a blob that this namespace has stored.
pub fn storage_get(cid: &str) -> Option<Vec<u8>> {
    take(|at, room| unsafe { host::storage_get_into(cid.as_ptr(), cid.len(), at, room) })
}

pub fn log_debug(message: &str) {
    unsafe { host::log_debug(message.as_ptr(), message.len()) }
}

pub fn log_info(message: &str) {
    unsafe { host::log_info(message.as_ptr(), message.len()) }
}

pub fn log_warn(message: &str) {
    unsafe { host::log_warn(message.as_ptr(), message.len()) }
}

pub fn log_error(message: &str) {
    unsafe { host::log_error(message.as_ptr(), message.len()) }
}

/// Calls the `_into` form of a host function, so that a module need not export an allocator. If the
/// result does not fit, the call is repeated with a larger buffer: the host has kept the result, so
/// the operation runs only once.
fn take(mut call: impl FnMut(*mut u8, usize) -> i32) -> Option<Vec<u8>> {
    let mut buffer = vec![0; 4096];
    loop {
        let length = usize::try_from(call(buffer.as_mut_ptr(), buffer.len())).ok()?;
        if length <= buffer.len() {
            buffer.truncate(length);
            return Some(buffer);
        }
        buffer.resize(length, 0);
    }
}

/// Finds a string member of a JSON object. Returns its text without quotes, with escapes.
fn string_member<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    let bytes = json.as_bytes();
    let (mut depth, mut at) = (0, 0);
    let (mut last, mut key) = ("", None);
    while at < bytes.len() {
        match bytes[at] {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            b':' if depth == 1 => key = Some(last),
            b',' if depth == 1 => key = None,
            b'"' => {
                let start = at + 1;
                at = start;
                while at < bytes.len() && bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                let literal = json.get(start..at)?;
                if depth == 1 && key == Some(name) {
                    return Some(literal);
                }
                if depth == 1 {
                    last = literal;
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

fn unescape(literal: &str) -> Option<String> {
    match json::parse(&format!("\"{literal}\""))? {
        json::Value::String(text) => Some(text),
        _ => None,
    }
}

fn from_base64(literal: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(literal.len() / 4 * 3);
    let (mut bits, mut held) = (0u32, 0);
    for byte in literal.bytes() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => continue,
        };
        bits = bits << 6 | u32::from(six);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    bytes
}

fn text(bytes: Option<Vec<u8>>) -> Option<String> {
    bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

mod host {
    #[link(wasm_import_module = "env")]
    extern "C" {
        pub fn get_caller_wallet_into(out: *mut u8, room: usize) -> i32;
        pub fn get_request_id_into(out: *mut u8, room: usize) -> i32;
        pub fn get_env_into(key: *const u8, key_len: usize, out: *mut u8, room: usize) -> i32;
        pub fn get_secret_into(name: *const u8, name_len: usize, out: *mut u8, room: usize) -> i32;
        pub fn db_query_into(
            sql: *const u8,
            sql_len: usize,
            args: *const u8,
            args_len: usize,
            out: *mut u8,
            room: usize,
        ) -> i32;
        pub fn db_execute(sql: *const u8, sql_len: usize, args: *const u8, args_len: usize) -> i32;
        pub fn cache_get_into(key: *const u8, key_len: usize, out: *mut u8, room: usize) -> i32;
        pub fn cache_set(key: *const u8, key_len: usize, value: *const u8, value_len: usize, ttl: i64);
        pub fn cache_incr_by(key: *const u8, key_len: usize, delta: i64) -> i64;
        pub fn cache_delete(key: *const u8, key_len: usize) -> i32;
        pub fn http_fetch_into(
            method: *const u8,
            method_len: usize,
            url: *const u8,
            url_len: usize,
            headers: *const u8,
            headers_len: usize,
            body: *const u8,
            body_len: usize,
            out: *mut u8,
            room: usize,
        ) -> i32;
        pub fn pubsub_publish(topic: *const u8, topic_len: usize, data: *const u8, data_len: usize) -> i32;
        pub fn enqueue_into(
            function: *const u8,
            function_len: usize,
            payload: *const u8,
            payload_len: usize,
            delay: i64,
            out: *mut u8,
            room: usize,
        ) -> i32;
        pub fn storage_put_into(data: *const u8, data_len: usize, out: *mut u8, room: usize) -> i32;
        pub fn storage_get_into(cid: *const u8, cid_len: usize, out: *mut u8, room: usize) -> i32;
        pub fn log_debug(message: *const u8, message_len: usize);
        pub fn log_info(message: *const u8, message_len: usize);
        pub fn log_warn(message: *const u8, message_len: usize);
        pub fn log_error(message: *const u8, message_len: usize);
    }
}
