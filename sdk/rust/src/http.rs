//! HTTP functions (`http:` in function.yaml) and concurrent requests.

use super::json::{self, quote, Value};
use super::{take, text, Failed};

/// The request of an HTTP function. Its body is the invocation's input.
#[derive(Debug, Clone, Default)]
pub struct Request {
    pub method: String,
    /// The complete URL as the client sees it.
    pub url: String,
    /// The complete path, including the namespace if it is part of the path.
    pub path: String,
    /// All values of each parameter, in order.
    pub query: Vec<(String, Vec<String>)>,
    /// Values of a route's parameters: `{id}`, `{path...}`.
    pub params: Vec<(String, String)>,
    /// Keyed by lower-case name; several values of one name are joined with ", ".
    pub headers: Vec<(String, String)>,
    pub remote_address: String,
    pub namespace: String,
    /// The matched route of function.yaml; `None` for the function's own address.
    pub route: Option<String>,
}

impl Request {
    /// Returns a header by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name).map(String::as_str)
    }

    /// Returns a parameter of the route.
    pub fn param(&self, name: &str) -> Option<&str> {
        find(&self.params, name).map(String::as_str)
    }

    /// Returns the first value of a query parameter.
    pub fn query(&self, name: &str) -> Option<&str> {
        find(&self.query, name).and_then(|values| values.first()).map(String::as_str)
    }
}

/// Returns the HTTP request of this invocation; `None` if it was not triggered by one.
pub fn request() -> Option<Request> {
    let value = json::parse(&text(take(|at, room| unsafe { host::http_request_into(at, room) }))?)?;
    Some(Request {
        method: string(&value, "method"),
        url: string(&value, "url"),
        path: string(&value, "path"),
        query: value
            .get("query")?
            .members()
            .iter()
            .map(|(name, values)| {
                (name.clone(), values.elements().iter().filter_map(Value::as_str).map(str::to_owned).collect())
            })
            .collect(),
        params: pairs(value.get("params")),
        headers: pairs(value.get("headers")),
        remote_address: string(&value, "remote_address"),
        namespace: string(&value, "namespace"),
        route: value.get("route").and_then(Value::as_str).map(str::to_owned),
    })
}

/// Sets the status and headers of the HTTP response; its body is the invocation's output. The last
/// call takes effect. A name that occurs more than once, such as `set-cookie`, is sent as often.
pub fn respond(status: u16, headers: &[(&str, &str)]) -> Result<(), Failed> {
    let list = headers_json(headers);
    let done = unsafe { host::http_respond(i32::from(status), list.as_ptr(), list.len()) };
    if done == 1 { Ok(()) } else { Err(Failed) }
}

/// A request of `fetch_all`.
#[derive(Debug, Clone, Copy)]
pub struct Fetch<'a> {
    pub method: &'a str,
    pub url: &'a str,
    pub headers: &'a [(&'a str, &'a str)],
    pub body: &'a [u8],
}

#[derive(Debug, Clone)]
pub struct Response {
    pub status: u16,
    /// Keyed by lower-case name; `set-cookie` has one entry per value.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// Sends requests concurrently, at most 64 at once, and waits for all of them. Returns results in
/// the order of the requests.
pub fn fetch_all(requests: &[Fetch]) -> Vec<Result<Response, String>> {
    let mut results: Vec<Result<Response, String>> = requests.iter().map(|_| Err(Failed.to_string())).collect();
    let mut waiting: Vec<(i32, usize)> = Vec::new();
    for (index, request) in requests.iter().enumerate() {
        while waiting.len() == MAX_PARALLEL {
            if !next(&mut waiting, &mut results) {
                return results;
            }
        }
        match start(request) {
            handle if handle > 0 => waiting.push((handle, index)),
            _ => {}
        }
    }
    while !waiting.is_empty() && next(&mut waiting, &mut results) {}
    results
}

const MAX_PARALLEL: usize = 64;
/// Longer than the maximum timeout of a function.
const NEXT_TIMEOUT_MS: i32 = 300_000;

fn start(request: &Fetch) -> i32 {
    let headers = headers_json(request.headers);
    unsafe {
        host::http_start(
            request.method.as_ptr(),
            request.method.len(),
            request.url.as_ptr(),
            request.url.len(),
            headers.as_ptr(),
            headers.len(),
            request.body.as_ptr(),
            request.body.len(),
        )
    }
}

/// Waits for the next request to complete; false if there is none.
fn next(waiting: &mut Vec<(i32, usize)>, results: &mut [Result<Response, String>]) -> bool {
    let ended = text(take(|at, room| unsafe { host::http_next_into(NEXT_TIMEOUT_MS, at, room) }));
    let Some(value) = ended.as_deref().and_then(json::parse) else { return false };
    let handle = value.get("handle").and_then(Value::as_i64);
    // A reply to a request of an earlier call that has given up is skipped.
    let Some(place) = waiting.iter().position(|(one, _)| Some(i64::from(*one)) == handle) else { return true };
    let (_, index) = waiting.swap_remove(place);
    results[index] = response_of(&value);
    true
}

fn response_of(value: &Value) -> Result<Response, String> {
    let status = value.get("status").and_then(Value::as_i64).and_then(|n| u16::try_from(n).ok()).unwrap_or(0);
    if status == 0 {
        return Err(string(value, "error"));
    }
    let body = match value.get("body_base64").and_then(Value::as_str) {
        Some(encoded) => from_base64(encoded),
        None => string(value, "body").into_bytes(),
    };
    Ok(Response { status, headers: pairs(value.get("headers")), body })
}

/// Returns the members of an object as pairs; a list gives one pair per element.
fn pairs(object: Option<&Value>) -> Vec<(String, String)> {
    let members = object.map_or(&[][..], Value::members);
    members
        .iter()
        .flat_map(|(name, value)| {
            let values = if value.as_str().is_some() { std::slice::from_ref(value) } else { value.elements() };
            values.iter().filter_map(|one| one.as_str()).map(|one| (name.clone(), one.to_owned()))
        })
        .collect()
}

fn headers_json(headers: &[(&str, &str)]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in headers {
        if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            names.push(name);
        }
    }
    let members: Vec<String> = names
        .iter()
        .map(|name| {
            let values: Vec<String> = headers
                .iter()
                .filter(|(other, _)| other.eq_ignore_ascii_case(name))
                .map(|(_, value)| quote(value))
                .collect();
            match &values[..] {
                [one] => format!("{}:{one}", quote(name)),
                many => format!("{}:[{}]", quote(name), many.join(",")),
            }
        })
        .collect();
    format!("{{{}}}", members.join(","))
}

fn find<'a, T>(list: &'a [(String, T)], name: &str) -> Option<&'a T> {
    list.iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

fn string(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Decodes standard Base64, as the host encodes it.
fn from_base64(encoded: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(encoded.len() / 4 * 3);
    let (mut bits, mut count) = (0u32, 0);
    for byte in encoded.bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => break,
        };
        bits = bits << 6 | u32::from(digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    out
}

mod host {
    #[link(wasm_import_module = "env")]
    extern "C" {
        pub fn http_request_into(out: *mut u8, room: usize) -> i32;
        pub fn http_respond(status: i32, headers: *const u8, headers_len: usize) -> i32;
        pub fn http_start(
            method: *const u8,
            method_len: usize,
            url: *const u8,
            url_len: usize,
            headers: *const u8,
            headers_len: usize,
            body: *const u8,
            body_len: usize,
        ) -> i32;
        pub fn http_next_into(timeout_ms: i32, out: *mut u8, room: usize) -> i32;
    }
}
