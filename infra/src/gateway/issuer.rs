//! Whose a token is. A token over HTTP goes into the log under the gateway's name, so that a program that serves with another gateway does
//! not ask that one about money which it has never seen.

/// Between a gateway's name and its own token.
const SEPARATOR: char = '/';

/// A gateway's own token under the gateway's name, as the log has it.
pub(super) fn under_name(name: &str, token: &str) -> String {
    format!("{name}{SEPARATOR}{token}")
}

/// The gateway's own token of one under this name; none of another's.
pub(super) fn own_token<'t>(name: &str, token: &'t str) -> Option<&'t str> {
    token.strip_prefix(name)?.strip_prefix(SEPARATOR)
}

/// The name of the gateway that issued a token; none: the sandbox.
pub fn issuer_of(token: &str) -> Option<&str> {
    token.split_once(SEPARATOR).map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_its_gateways_own_and_nobody_elses() {
        let token = under_name("pay.example", "tok/1");
        assert_eq!(issuer_of(&token), Some("pay.example"));
        assert_eq!(own_token("pay.example", &token), Some("tok/1"));
        assert_eq!(own_token("pay.example:8443", &token), None);
        assert_eq!(own_token("pay", &token), None);
        assert_eq!((issuer_of("tok_sandbox_approves"), own_token("pay.example", "tok_sandbox_approves")), (None, None));
    }
}
