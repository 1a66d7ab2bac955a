mod orama;

use orama::json;

/// Runs once per event, in its own instance: stdin contains the event, stdout is the output.
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let input = String::from_utf8_lossy(&orama::input()?).into_owned();
    let event = json::parse(&input);
    let name = event.as_ref().and_then(|event| event.get("data")?.get("name")?.as_str());
    let (Some(event), Some(name)) = (&event, name) else {
        let got: String = input.chars().take(200).collect();
        orama::log_error(&format!("expected an event whose data has a name, and got: {got}"));
        std::process::exit(65); // exit codes 64–78 are not retried: the input is invalid
    };

    let count = orama::cache_increment(&format!("guests:{name}"), 1);
    let greeting = format!("{}, {name}!", orama::get_env("GREETING").unwrap_or_default());
    let topic = event.get("topic").and_then(json::Value::as_str).unwrap_or_default();
    orama::log_info(&format!("{topic}: {greeting}"));
    // An error exits with code 1, which is retried as configured in function.yaml.
    orama::publish("guests:greeted", &format!("{{\"greeting\":{},\"count\":{count}}}", json::quote(&greeting)))?;
    orama::output(format!("{{\"count\":{count}}}"))?;
    Ok(())
}
