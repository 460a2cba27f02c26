//! Card numbers where none belong: a text that is stored must not hold one (L8).
//!
//! What counts as one: 12 to 19 digits, written together or in groups with a space, a hyphen, a dash, a dot or an underscore between, that
//! begin as payment cards do and pass the Luhn check. Any whole groups in a row are tried, so that a count before the number hides nothing.
//!
//! Two things are let pass, some of which would be refused by chance otherwise: digits that begin with another digit than 2 to 6, such as a
//! time in milliseconds, and those inside of 32 and more hexadecimal digits, such as a UUID or a hash. Keys have a rule of their own.

use traveladvisor_commands::input::FieldError;

use super::card_in_key;

/// Fewest digits of a card number (ISO/IEC 7812 and what issuers use).
const CARD_DIGITS_MIN: usize = 12;
/// Most digits of a card number.
const CARD_DIGITS_MAX: usize = 19;
/// Fewest digits that are a card number in a telephone's field. Telephone numbers have 15 at most, with their country code, and hardly any has
/// more than 14; a tenth of the shorter ones pass the Luhn check, and their owners could not book.
const CARD_DIGITS_IN_PHONE_MIN: usize = 15;
/// First digits of payment cards: Mastercard 2 and 5, American Express and Diners 3, Visa 4, Discover, Maestro and `UnionPay` 6.
const FIRST_DIGITS: std::ops::RangeInclusive<u32> = 2..=6;
/// Hexadecimal digits that make an identifier of a machine: a UUID's.
const MACHINE_DIGITS_MIN: usize = 32;

/// The text, unless it holds a card number.
pub(crate) fn no_card(text: String) -> Result<String, FieldError> {
    refuse(text, CARD_DIGITS_MIN)
}

/// A telephone number, unless it is rather a card's.
pub(crate) fn no_card_in_phone(text: String) -> Result<String, FieldError> {
    refuse(text, CARD_DIGITS_IN_PHONE_MIN)
}

/// A key that a program made, unless it holds a card number.
pub(crate) fn no_card_in_key(key: String) -> Result<String, FieldError> {
    if card_in_key::holds_card(&key) { Err(refusal()) } else { Ok(key) }
}

/// Whether a text holds a card number.
pub(crate) fn holds_card_number(text: &str) -> bool {
    holds_card_digits(text, CARD_DIGITS_MIN)
}

fn refuse(text: String, digits_min: usize) -> Result<String, FieldError> {
    if holds_card_digits(&text, digits_min) { Err(refusal()) } else { Ok(text) }
}

fn refusal() -> FieldError {
    FieldError::new("looks like it holds a card number: leave it out, only payment.cardNumber takes one")
}

/// Whether a text holds a card number of `digits_min` digits or more.
fn holds_card_digits(text: &str, digits_min: usize) -> bool {
    let plain = without_machine_words(text);
    plain.split(|letter: char| !letter.is_ascii_digit() && !is_separator(letter)).any(|run| {
        let groups: Vec<&str> = run.split(is_separator).filter(|group| !group.is_empty()).collect();
        (0..groups.len()).any(|from| begins_with_card_number(&groups[from..], digits_min))
    })
}

/// Whether the first of some groups, or the first few together, are a card number.
fn begins_with_card_number(groups: &[&str], digits_min: usize) -> bool {
    let mut digits: Vec<u32> = Vec::with_capacity(CARD_DIGITS_MAX);
    for group in groups {
        if digits.len() + group.len() > CARD_DIGITS_MAX {
            return false;
        }
        digits.extend(group.chars().filter_map(|letter| letter.to_digit(10)));
        if digits.len() >= digits_min && FIRST_DIGITS.contains(&digits[0]) && passes_luhn(&digits) {
            return true;
        }
    }
    false
}

pub(super) fn is_separator(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '-' | '.' | '_' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// The check digit of ISO/IEC 7812-1: every second digit from the right counts twice.
pub(super) fn passes_luhn(digits: &[u32]) -> bool {
    let doubled = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let count = |(place, digit): (usize, &u32)| if place % 2 == 1 { doubled(*digit) } else { *digit };
    digits.iter().rev().enumerate().map(count).sum::<u32>().is_multiple_of(10)
}

/// The text with a mark in place of each identifier that a machine made.
pub(super) fn without_machine_words(text: &str) -> String {
    let ends = |letter: char| !letter.is_ascii_hexdigit() && letter != '-';
    text.split_inclusive(ends).map(|word| if is_of_a_machine(word) { "|" } else { word }).collect()
}

/// Digits alone are none: they could be cards one after another.
fn is_of_a_machine(word: &str) -> bool {
    let digits = word.chars().filter(char::is_ascii_hexdigit);
    digits.clone().count() >= MACHINE_DIGITS_MIN && digits.clone().any(|digit| digit.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn card_numbers_are_found_however_they_are_written() {
        for text in [
            "4242424242424242",
            "4242 4242 4242 4242",
            "4242-4242-4242-4242",
            "my card is 4242.4242.4242.4242, thanks",
            "card4242424242424242",
            "4242\u{a0}4242\u{2013}4242_4242",
            "2 rooms: 1 4242  4242 4242 4242 12/30",
            "3782 822463 10005",
            "30569309025904",
            "5555555555554444",
            "2223003122003222",
            "6011111111111117",
            "6304000000000000000",
            "ada4242424242424242@example.com",
        ] {
            assert!(no_card(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn other_numbers_are_let_pass() {
        for text in [
            "",
            "fog",
            "4242424242424241",
            "4242 4242 424",
            "4242 and 4242 and 4242 and 4242",
            "42424242424242424242424242424242",
            "flight 42 on 2024-12-10, room 4242",
            // Pass the Luhn check by chance.
            "trip-1732256681120",
            "6ba7b810-9dad-11d1-80b4-424242424242",
            "trip-6ba7b810-9dad-4111-8111-111111111111",
            "9f86d081884c7d659a2feaa0c55ad0154242424242424242f1b2b0b822cd15d6",
        ] {
            assert_eq!(no_card(text.to_owned()).as_deref(), Ok(text));
        }
        assert!(passes_luhn(&"1732256681120".chars().filter_map(|digit| digit.to_digit(10)).collect::<Vec<_>>()));
    }

    #[test]
    fn a_telephone_number_is_none_unless_it_is_as_long_as_a_card() {
        for phone in ["+44 20 7946 0000", "4000 0000 0002", "30569309025904"] {
            assert!(no_card_in_phone(phone.to_owned()).is_ok(), "{phone}");
        }
        assert!(no_card("4000 0000 0002".to_owned()).is_err());
        for card in ["4242 4242 4242 4242", "378282246310005"] {
            assert!(no_card_in_phone(card.to_owned()).is_err(), "{card}");
        }
    }
}
