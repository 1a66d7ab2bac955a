mod orama;

use orama::json;

/// Runs once per scheduled run, in its own instance: stdin contains the run, stdout is the output.
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let input = String::from_utf8_lossy(&orama::input()?).into_owned();
    let run = json::parse(&input);
    let Some(due) = run.as_ref().and_then(|run| run.get("scheduled_at")?.as_str()) else {
        let got: String = input.chars().take(200).collect();
        orama::log_error(&format!("expected a scheduled run, and got: {got}"));
        std::process::exit(65); // exit codes 64–78 are not retried: the input is invalid
    };
    let runs = orama::cache_increment("runs", 1);
    orama::log_info(&format!("{}, due at {due}", orama::get_env("GREETING").unwrap_or_default()));
    orama::output(format!("{{\"runs\":{runs}}}"))?;
    Ok(())
}
