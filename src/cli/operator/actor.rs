//! Who decides: an opaque name, kept for ever beside the event (its metadata never holds personal values).

use crate::cli::failure::Failure;

/// Where an operator of the command line comes from, in the events' metadata.
const PREFIX: &str = "cli:";
/// Most characters of an operator's name.
const NAME_CHARS_MAX: usize = 64;
/// Where the user's name is looked for.
const USER_VARIABLES: [&str; 2] = ["USER", "LOGNAME"];
/// Who decides when nobody says so.
const NOBODY: &str = "unknown";

/// The operator named, else the user of this program.
pub(in crate::cli) fn actor(named: Option<&str>) -> Result<String, Failure> {
    let name = match named {
        Some(name) if is_account_name(name) => name.to_owned(),
        Some(_) => return Err(refused()),
        None => USER_VARIABLES
            .iter()
            .find_map(|variable| std::env::var(variable).ok().and_then(|user| account_name(&user)))
            .unwrap_or_else(|| NOBODY.to_owned()),
    };
    Ok(format!("{PREFIX}{name}"))
}

fn refused() -> Failure {
    Failure::usage(format!(
        "--actor: give the name of an account, 1 to {NAME_CHARS_MAX} letters, digits or any of . _ - : (no e-mail address, no full name: \
         it is kept for ever)"
    ))
}

fn is_account_name(name: &str) -> bool {
    (1..=NAME_CHARS_MAX).contains(&name.len()) && name.chars().all(is_allowed)
}

/// The account that a user's name is of: without what stands behind an `@`, other characters replaced; absent when nothing is left.
fn account_name(user: &str) -> Option<String> {
    let local = user.split('@').next().unwrap_or_default();
    let name: String =
        local.chars().map(|char| if is_allowed(char) { char } else { '-' }).take(NAME_CHARS_MAX).collect();
    (!name.is_empty()).then_some(name)
}

const fn is_allowed(char: char) -> bool {
    char.is_ascii_alphanumeric() || matches!(char, '.' | '_' | '-' | ':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_is_named_by_an_account_never_by_an_address_or_a_sentence() {
        for name in ["nightshift", "a", "ada.l_2", "team:pay-1", &"a".repeat(NAME_CHARS_MAX)] {
            assert_eq!(actor(Some(name)).expect("a name"), format!("cli:{name}"));
        }
        let long = "a".repeat(NAME_CHARS_MAX + 1);
        for name in ["", " ", "ada@example.org", "Ada Lovelace", "+44 20 1", "a\n", "café", &long] {
            let refused = actor(Some(name)).expect_err("not a name");
            assert!(refused.message.is_some_and(|why| why.contains("give the name of an account")), "{name:?}");
        }
    }

    #[test]
    fn a_user_of_any_name_can_decide_without_naming_herself() {
        let long = "a".repeat(NAME_CHARS_MAX + 1);
        let cut = &long[1..];
        for (user, name) in [
            ("ada", Some("ada")),
            ("ada@example.org", Some("ada")),
            ("CORP\\ada l", Some("CORP-ada-l")),
            ("@", None),
            ("", None),
            (&long, Some(cut)),
        ] {
            assert_eq!(account_name(user).as_deref(), name, "{user:?}");
        }
    }
}
