//! Values: literals with casts, variables of a loop, sums and joined texts of these, and the present moment.

use std::collections::HashMap;

use super::token::{Kind, Token};

/// What the variables of a block hold.
pub(super) type Variables = HashMap<String, String>;

/// What stands for the present moment, which a file does not know.
pub(in crate::catalog) const NOW: &str = "NOW()";

/// The value of an expression; `None` is NULL. Numbers stay the decimal text they are.
pub(super) fn value(tokens: &[Token], variables: &Variables) -> Result<Option<String>, String> {
    let (mut sum, mut rest) = term(tokens, variables)?;
    while let Some(operator) = rest.first() {
        let (joins, after) = match (&operator.kind, rest.get(1)) {
            (Kind::Symbol('+'), _) => (false, &rest[1..]),
            (Kind::Symbol('|'), Some(second)) if second.is('|') => (true, &rest[2..]),
            _ => return Err("an expression that is not understood".to_owned()),
        };
        let (right, after) = term(after, variables)?;
        sum = match (sum, right) {
            (Some(left), Some(right)) if joins => Some(left + &right),
            (Some(left), Some(right)) => Some(plus(&left, &right)?),
            _ => None,
        };
        rest = after;
    }
    Ok(sum)
}

type Term<'a> = (Option<String>, &'a [Token]);

fn term<'a>(tokens: &'a [Token], variables: &Variables) -> Result<Term<'a>, String> {
    let (first, rest) = tokens.split_first().ok_or("a value is missing")?;
    let (value, rest) = match &first.kind {
        Kind::Quoted(text) => (Some(text.clone()), rest),
        Kind::Number(digits) => (Some(digits.clone()), rest),
        Kind::Symbol('-') => match rest.split_first() {
            Some((Token { kind: Kind::Number(digits), .. }, rest)) => (Some(format!("-{digits}")), rest),
            _ => return Err("a minus without a number".to_owned()),
        },
        Kind::Word(word) => match (word.to_ascii_lowercase().as_str(), rest.split_first()) {
            ("interval", Some((Token { kind: Kind::Quoted(text), .. }, rest))) => (Some(text.clone()), rest),
            ("now", _) => match rest {
                [open, close, rest @ ..] if open.is('(') && close.is(')') => (Some(NOW.to_owned()), rest),
                _ => return Err("an unknown word".to_owned()),
            },
            ("null", _) => (None, rest),
            (flag @ ("true" | "false"), _) => (Some(flag.to_owned()), rest),
            (name, _) => (Some(variables.get(name).cloned().ok_or("an unknown word")?), rest),
        },
        Kind::Symbol(_) => return Err("an expression that is not understood".to_owned()),
        Kind::Damaged(reason) => return Err((*reason).to_owned()),
    };
    Ok((value, without_casts(rest)))
}

/// `::type` says nothing that is not known from the column.
fn without_casts(mut tokens: &[Token]) -> &[Token] {
    while let [first, second, Token { kind: Kind::Word(_), .. }, rest @ ..] = tokens {
        if !(first.is(':') && second.is(':')) {
            break;
        }
        tokens = rest;
    }
    tokens
}

/// The exact sum of two decimal texts, with the places of the longer one.
fn plus(left: &str, right: &str) -> Result<String, String> {
    let places = fraction(left).len().max(fraction(right).len());
    let sum = scaled(left, places).zip(scaled(right, places)).and_then(|(left, right)| left.checked_add(right));
    let sum = sum.ok_or("a sum of what are no numbers")?;
    if places == 0 {
        return Ok(sum.to_string());
    }
    let digits = format!("{:0>width$}", sum.unsigned_abs(), width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    Ok(format!("{}{whole}.{fraction}", if sum < 0 { "-" } else { "" }))
}

fn fraction(number: &str) -> &str {
    number.split_once('.').map_or("", |(_, fraction)| fraction)
}

fn scaled(number: &str, places: usize) -> Option<i64> {
    let whole = number.split_once('.').map_or(number, |(whole, _)| whole);
    format!("{whole}{:0<places$}", fraction(number)).parse().ok()
}
