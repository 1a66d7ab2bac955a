mod orama;

/// Runs once per invocation, in an instance of its own: stdin is the input, stdout the output.
fn main() -> std::io::Result<()> {
    let input = String::from_utf8_lossy(&orama::input()?).into_owned();
    orama::log_info(&format!("input of {} bytes", input.len()));
    let name = name_in(&input).unwrap_or("World");
    orama::output(format!("{{\"greeting\":\"Hello, {name}!\"}}"))
}

/// Enough for one plain string; add serde_json for real inputs.
fn name_in(json: &str) -> Option<&str> {
    let (_, rest) = json.split_once("\"name\"")?;
    rest.split_once('"')?.1.split_once('"').map(|(name, _)| name)
}
