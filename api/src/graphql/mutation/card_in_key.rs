//! Card numbers in keys that programs make. Unlike what people type, such keys are full of dates and counts, and the digits of several of them
//! together pass for a card's one time in ten. So only what is written as cards are counts here: the digits without anything between, or in
//! the groups that are on the card, as many as its brand has, behind a prefix that is the brand's.

use super::card_digits::{is_separator, passes_luhn, without_machine_words};

/// Groups in which card numbers are written, by their lengths.
const WRITTEN: &[&[usize]] = &[&[4, 4, 4, 4], &[4, 4, 4, 4, 3], &[4, 6, 5], &[4, 6, 4]];

/// Digits that a brand's numbers begin with, from and to, and how many digits they have.
type Brand = (u32, u32, &'static [usize]);

/// The brands, by how many digits of their prefix are known.
const BRANDS: &[(usize, &[Brand])] = &[
    // Visa; Diners, Discover, UnionPay.
    (1, &[(4, 4, &[13, 16, 19])]),
    (2, &[(36, 36, &[14, 16, 19]), (38, 39, &[14, 16, 19]), (34, 34, &[15]), (37, 37, &[15]), (51, 55, &[16])]),
    (2, &[(62, 62, &[16, 17, 18, 19]), (65, 65, &[16, 19]), (81, 82, &[16, 17, 18, 19]), (60, 60, &[16, 19])]),
    (3, &[(300, 305, &[14, 16, 19]), (644, 649, &[16, 19]), (508, 508, &[16])]),
    // Mir; Mastercard; Diners; JCB; Troy.
    (4, &[(2200, 2204, &[16, 17, 18, 19]), (2221, 2720, &[16]), (3095, 3095, &[14, 16, 19])]),
    (4, &[(3528, 3589, &[16, 17, 18, 19]), (9792, 9792, &[16])]),
    // Maestro.
    (4, &[(5018, 5018, MAESTRO), (5020, 5020, MAESTRO), (5038, 5038, MAESTRO), (5893, 5893, MAESTRO)]),
    (4, &[(6304, 6304, MAESTRO), (6759, 6759, MAESTRO), (6761, 6763, MAESTRO)]),
];
const MAESTRO: &[usize] = &[13, 14, 15, 16, 17, 18, 19];

/// Whether a key holds a card number.
pub(super) fn holds_card(key: &str) -> bool {
    let plain = without_machine_words(key);
    plain.split(|letter: char| !letter.is_ascii_digit() && !is_separator(letter)).any(|run| {
        let groups: Vec<&str> = run.split(is_separator).filter(|group| !group.is_empty()).collect();
        let together = groups.iter().any(|group| is_card(group));
        together || WRITTEN.iter().any(|written| groups.windows(written.len()).any(|some| is_written(some, written)))
    })
}

fn is_written(groups: &[&str], lengths: &[usize]) -> bool {
    groups.iter().map(|group| group.len()).eq(lengths.iter().copied()) && is_card(&groups.concat())
}

fn is_card(digits: &str) -> bool {
    let is_of = |(known, brands): &(usize, &[Brand])| {
        let prefix: Option<u32> = digits.get(..*known).and_then(|prefix| prefix.parse().ok());
        let fits = |brand: &Brand| {
            let (from, to, lengths) = *brand;
            prefix.is_some_and(|prefix| (from..=to).contains(&prefix)) && lengths.contains(&digits.len())
        };
        brands.iter().any(fits)
    };
    BRANDS.iter().any(is_of) && passes_luhn(&digits.chars().filter_map(|digit| digit.to_digit(10)).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::super::card_digits::holds_card_number;
    use super::*;

    #[test]
    fn a_card_number_in_a_key_is_found_as_it_is_on_the_card() {
        for key in [
            "4242424242424242",
            "4242 4242 4242 4242",
            "4242-4242-4242-4242",
            "trip-4242.4242.4242.4242-1",
            "card4242424242424242",
            "2024-12-01-5555555555554444",
            "4000056655665556",
            "2223003122003222",
            "378282246310005",
            "3782 822463 10005",
            "6011111111111117",
            "30569309025904",
            "3056 930902 5904",
            "36227206271667",
            "3530111333300000",
            "6304000000000000000",
            "6205 5000 0000 0000 004",
            "2200000000000004",
            "4222222222222",
        ] {
            assert!(holds_card(key), "{key}");
        }
    }

    #[test]
    fn dates_and_counts_make_a_key_however_their_sum_comes_out() {
        for key in [
            "2024-12-01-104523-0007",
            "t2-1795373684.6837-8",
            "20241201021545463",
            "2024-12-01-218928-1600",
            "2024-000123-45-6789",
            "4242 and 4242 and 4242 and 4242",
            "4242424242424241",
            "42-42-42-42-42-42-42-42",
            "6ba7b810-9dad-4111-8111-111111111111",
            "9f86d081884c7d659a2feaa0c55ad0154242424242424242f1b2b0b822cd15d6",
            "k",
        ] {
            assert!(!holds_card(key), "{key}");
        }
        assert!(holds_card_number("20241201021545463"), "by the rule for what people type this is one by chance");
        // Every second of a day: what clocks and counters make is never refused.
        for count in 0..86_400_u32 {
            let time = format!("{:02}{:02}{:02}", count / 3600, count / 60 % 60, count % 60);
            for key in
                [format!("20261122{time}{:03}", count % 1_000), format!("2026-11-22-{time}-{:04}", count % 9_973)]
            {
                assert!(!holds_card(&key), "{key}");
            }
        }
    }
}
