//! What the program says about itself, on standard error.

use std::io::IsTerminal;

use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::time::SystemTime;

/// Environment variable with the filter, such as `info` or `traveladvisor_infra=debug,warn`. It goes before every
/// other setting.
pub const FILTER_VARIABLE: &str = "TRAVELADVISOR_LOG";
/// The filter when nobody says anything.
pub const DEFAULT_FILTER: &str = "warn";

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for collectors.
    Json,
}

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verbosity {
    /// What the filter lets through.
    #[default]
    Normal,
    /// Errors only, unless the environment asks for more.
    Quiet,
}

/// Sends log lines to standard error from now on. A second call changes nothing.
///
/// # Errors
///
/// A sentence when a filter cannot be understood.
pub fn init(filter: &str, format: LogFormat, verbosity: Verbosity) -> Result<(), String> {
    let filter = choose_filter(std::env::var(FILTER_VARIABLE).ok(), filter, verbosity)?;
    let colour = std::io::stderr().is_terminal() && colour_wanted();
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_timer(SystemTime)
        .with_ansi(colour);
    // An error means that a subscriber is there already, as in tests.
    let _ = match format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
    Ok(())
}

/// Whether the user lets us use colour: <https://no-color.org> says that any value but the empty one forbids it.
pub fn colour_wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

fn choose_filter(environment: Option<String>, configured: &str, verbosity: Verbosity) -> Result<EnvFilter, String> {
    let text = match (environment.filter(|text| !text.is_empty()), verbosity) {
        (Some(text), _) => text,
        (None, Verbosity::Quiet) => "error".to_owned(),
        (None, Verbosity::Normal) => configured.to_owned(),
    };
    EnvFilter::try_new(&text)
        .map_err(|error| format!("{text:?} is no log filter ({error}); write a level such as info, or module=level,…"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(environment: Option<&str>, verbosity: Verbosity) -> String {
        choose_filter(environment.map(str::to_owned), DEFAULT_FILTER, verbosity).expect("a filter").to_string()
    }

    #[test]
    fn the_environment_goes_before_quiet_before_the_configuration() {
        assert_eq!(chosen(None, Verbosity::Normal), "warn");
        assert_eq!(chosen(None, Verbosity::Quiet), "error");
        assert_eq!(chosen(Some("debug"), Verbosity::Quiet), "debug");
        assert_eq!(chosen(Some(""), Verbosity::Normal), "warn");
    }

    #[test]
    fn a_filter_that_cannot_be_understood_is_named() {
        let error = choose_filter(None, "a=b=c", Verbosity::Normal).expect_err("no filter");
        assert!(error.contains("a=b=c"), "{error}");
    }
}
