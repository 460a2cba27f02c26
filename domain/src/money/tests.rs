use proptest::prelude::*;

use super::{Currency, MINOR_MAX, Money, MoneyError};

fn currency(code: &str) -> Currency {
    code.parse().expect("known")
}

#[test]
fn amounts_are_read_in_the_places_of_their_currency() {
    assert_eq!(Money::parse("12.5", Currency::GBP).expect("reads").minor, 1250);
    assert_eq!(Money::parse("1200", currency("KRW")).expect("reads").minor, 1200);
    assert_eq!(Money::parse("1.005", currency("KWD")).expect("reads").minor, 1005);
    assert_eq!(Money::parse("12.505", Currency::GBP), Err(MoneyError::TooManyDecimals));
    assert_eq!(Money::parse("1.0", currency("JPY")), Err(MoneyError::TooManyDecimals));
}

#[test]
fn what_is_no_amount_is_refused() {
    for text in ["", ".5", "1.", "-1", "+1", "1e3", "1,5", " 1", "\u{0661}", "NaN"] {
        assert_eq!(Money::parse(text, Currency::GBP), Err(MoneyError::Malformed), "{text:?}");
    }
    assert_eq!(Money::parse("99999999999999999999", Currency::GBP), Err(MoneyError::TooLarge));
}

#[test]
fn currencies_never_mix() {
    let pound = Money::new(1, Currency::GBP);
    assert_eq!(pound.plus(Money::new(1, currency("EUR"))), Err(MoneyError::CurrencyMismatch));
    assert!("XXX".parse::<Currency>().is_err());
    assert!("gbp".parse::<Currency>().is_err());
}

proptest! {
    #[test]
    fn text_and_amount_are_the_same_thing(minor in 0..MINOR_MAX, code in prop::sample::select(vec!["GBP", "KRW", "KWD"])) {
        let money = Money::new(minor, currency(code));
        prop_assert_eq!(Money::parse(&money.decimal_text(), money.currency), Ok(money));
    }

    #[test]
    fn sums_never_overflow(a in -MINOR_MAX..MINOR_MAX, b in -MINOR_MAX..MINOR_MAX, n in 0i64..1_000_000) {
        let (a, b) = (Money::new(a, Currency::GBP), Money::new(b, Currency::GBP));
        if let Ok(sum) = a.plus(b) { prop_assert!(sum.minor.abs() <= MINOR_MAX); }
        if let Ok(product) = a.times(n) { prop_assert!(product.minor.abs() <= MINOR_MAX); }
    }
}
