mod orama;

use orama::json;

/// Runs once per event, in an instance of its own: stdin is the event, stdout the output.
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let input = String::from_utf8_lossy(&orama::input()?).into_owned();
    let event = json::parse(&input);
    let name = event.as_ref().and_then(|event| event.get("data")?.get("name")?.as_str());
    let (Some(event), Some(name)) = (&event, name) else {
        let got: String = input.chars().take(200).collect();
        orama::log_error(&format!("expected an event whose data has a name, and got: {got}"));
        std::process::exit(65); // 64–78 refuse a retry: bad input stays bad.
    };

    let count = orama::cache_increment(&format!("guests:{name}"), 1);
    let greeting = format!("{}, {name}!", orama::get_env("GREETING").unwrap_or_default());
    let topic = event.get("topic").and_then(json::Value::as_str).unwrap_or_default();
    orama::log_info(&format!("{topic}: {greeting}"));
    // An error ends with exit code 1, which is retried as function.yaml says.
    orama::publish("guests:greeted", &format!("{{\"greeting\":{},\"count\":{count}}}", json::quote(&greeting)))?;
    orama::output(format!("{{\"count\":{count}}}"))?;
    Ok(())
}
