//! HTTP functions with the types of the `http` crate, for code that shares them with other programs.
//! Needs the crate `http` and the feature `http-types` in Cargo.toml.

use ::http::header::{HeaderMap, HeaderName, HeaderValue};
use ::http::{Method, Request, Response, Uri};

use super::{http, input, output};

/// The engine's view of a request, in its extensions.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// Values of the route's parameters: `{id}`, `{path...}`.
    pub params: Vec<(String, String)>,
    pub remote_address: String,
    pub namespace: String,
    /// The matched route of function.yaml; `None` for the function's own address.
    pub route: Option<String>,
}

type Error = Box<dyn std::error::Error>;

/// Returns the HTTP request of this invocation with its body, and `Context` as an extension; `None`
/// if the invocation was not triggered by one.
pub fn request() -> Result<Option<Request<Vec<u8>>>, Error> {
    let Some(received) = http::request() else { return Ok(None) };
    let mut headers = HeaderMap::new();
    for (name, value) in &received.headers {
        headers.append(HeaderName::from_bytes(name.as_bytes())?, HeaderValue::from_str(value)?);
    }
    let mut request = Request::new(input()?);
    *request.method_mut() = Method::from_bytes(received.method.as_bytes())?;
    *request.uri_mut() = received.url.parse::<Uri>()?;
    *request.headers_mut() = headers;
    request.extensions_mut().insert(Context {
        params: received.params,
        remote_address: received.remote_address,
        namespace: received.namespace,
        route: received.route,
    });
    Ok(Some(request))
}

/// Sets status and headers of the HTTP response, and writes its body.
pub fn respond(response: Response<impl AsRef<[u8]>>) -> Result<(), Error> {
    let mut headers = Vec::new();
    for (name, value) in response.headers() {
        headers.push((name.as_str(), value.to_str()?));
    }
    http::respond(response.status().as_u16(), &headers)?;
    output(response.body())?;
    Ok(())
}
