mod orama;

use orama::{http, json};

/// Runs once per invocation, in its own instance. stdin contains the body of an HTTP request or the
/// input of any other invocation.
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let input = String::from_utf8_lossy(&orama::input()?).into_owned();
    // None if the body is empty or not JSON.
    let from_body = json::parse(&input).and_then(|body| body.get("name")?.as_str().map(str::to_owned));
    let from_query = http::request().and_then(|request| request.query("name").map(str::to_owned));
    let name = from_body.or(from_query).unwrap_or_else(|| "World".to_owned());

    orama::log_info(&format!("greeting {name}"));
    let greeting = format!("{}, {name}!", orama::get_env("GREETING").unwrap_or_default());
    http::respond(200, &[("content-type", "application/json")])?;
    orama::output(format!("{{\"greeting\":{}}}", json::quote(&greeting)))?;
    Ok(())
}
