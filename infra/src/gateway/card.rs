//! Card numbers as people type them, and the test cards that the sandbox and the simulator know.

use secrecy::{ExposeSecret, SecretString};
use traveladvisor_domain::failure::Code;
use traveladvisor_domain::trip::CardToken;

use super::TokeniseError;
use super::statement::Statement;

/// Digits of a card number (ISO/IEC 7812).
const DIGITS: std::ops::RangeInclusive<usize> = 12..=19;

/// How a test card behaves. Tokens name the behaviour, so they are deterministic and survive a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TestCard {
    Approves,
    Declines,
    InsufficientFunds,
    ProcessingError,
}

impl TestCard {
    const ALL: [Self; 4] = [Self::Approves, Self::Declines, Self::InsufficientFunds, Self::ProcessingError];

    const fn number(self) -> &'static str {
        match self {
            Self::Approves => "4242424242424242",
            Self::Declines => "4000000000000002",
            Self::InsufficientFunds => "4000000000009995",
            Self::ProcessingError => "4000000000000119",
        }
    }

    const fn token(self) -> &'static str {
        match self {
            Self::Approves => "tok_sandbox_approves",
            Self::Declines => "tok_sandbox_declines",
            Self::InsufficientFunds => "tok_sandbox_insufficient_funds",
            Self::ProcessingError => "tok_sandbox_processing_error",
        }
    }

    const fn refusal(self) -> Option<Code> {
        match self {
            Self::Approves | Self::ProcessingError => None,
            Self::Declines => Some(Code::PaymentDeclined),
            Self::InsufficientFunds => Some(Code::InsufficientFunds),
        }
    }
}

/// What a charge with this token comes to; `reference` is the gateway's own of the charge, if it is done.
pub(super) fn charged(token: &str, reference: String) -> Statement {
    match TestCard::ALL.into_iter().find(|card| card.token() == token) {
        None => Statement::refused(Code::PaymentDeclined.as_str()),
        Some(TestCard::ProcessingError) => Statement::faulted(Code::Unavailable.as_str()),
        Some(card) => match card.refusal() {
            Some(code) => Statement::refused(code.as_str()),
            None => Statement::Done { reference },
        },
    }
}

/// The token of a test card.
pub(super) fn tokenise(number: &SecretString) -> Result<CardToken, TokeniseError> {
    let digits = digits(number)?;
    let digits = digits.expose_secret();
    let card = TestCard::ALL.into_iter().find(|card| card.number() == digits).ok_or(TokeniseError::NotATestCard)?;
    let last_four = digits[digits.len() - 4..].to_owned();
    Ok(CardToken { token: card.token().to_owned(), brand: "visa".to_owned(), last_four })
}

/// The digits of a card number whose check digit is right. Spaces and hyphens between them are as people write card numbers.
pub(super) fn digits(number: &SecretString) -> Result<SecretString, TokeniseError> {
    let digits: String = number.expose_secret().chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    if !DIGITS.contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) || !luhn(&digits) {
        return Err(TokeniseError::Malformed);
    }
    Ok(SecretString::from(digits))
}

/// The check digit of ISO/IEC 7812-1.
fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte - b'0');
            if place % 2 == 0 { digit } else { digit * 2 - if digit > 4 { 9 } else { 0 } }
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::{TokeniseError, tokenise};

    #[test]
    fn test_cards_get_the_same_token_every_time_and_other_numbers_none() {
        let tokenise = |number: &str| tokenise(&number.into());
        let card = tokenise("4242 4242 4242 4242").expect("a test card");
        assert_eq!((card.brand.as_str(), card.last_four.as_str()), ("visa", "4242"));
        assert_eq!(tokenise("4242424242424242"), Ok(card));
        assert_eq!(tokenise("4242424242424241"), Err(TokeniseError::Malformed));
        assert_eq!(tokenise("5555555555554444"), Err(TokeniseError::NotATestCard));
        for text in ["", "4242", "424242424242424a", "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢", "42424242424242424242"] {
            assert_eq!(tokenise(text), Err(TokeniseError::Malformed), "{text:?}");
        }
    }
}
