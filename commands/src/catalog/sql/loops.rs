//! `FOR i IN 1..100 LOOP name := value; … INSERT …; END LOOP;`

use super::eval::{self, Variables};
use super::insert::{self, Cursor};
use super::row::Row;
use super::token::{Kind, Token};

/// Most rounds of a loop.
const ROUNDS_MAX: u64 = 10_000;

/// Runs the loop at which the cursor stands, and leaves the cursor after it. What is no loop of numbers is passed over.
pub(super) fn repeat(cursor: &mut Cursor<'_>, rows: &mut Vec<Row>) {
    let line = cursor.advance().map_or(0, |token| token.line);
    let Some((variable, from, to)) = head(cursor) else { return };
    let body = cursor.until(|token| token.is_word("END"));
    if to.saturating_sub(from) >= ROUNDS_MAX {
        rows.push(Row::damaged(line, "", format!("a loop of more than {ROUNDS_MAX} rounds")));
        return;
    }
    let mut variables = Variables::new();
    for round in from..=to {
        variables.insert(variable.clone(), round.to_string());
        run(body, &mut variables, rows);
    }
}

fn head(cursor: &mut Cursor<'_>) -> Option<(String, u64, u64)> {
    let variable = cursor.name()?;
    if !cursor.take_word("IN") {
        return None;
    }
    let from = number(cursor.advance()?)?;
    if !(cursor.take('.') && cursor.take('.')) {
        return None;
    }
    let to = number(cursor.advance()?)?;
    cursor.take_word("LOOP").then_some((variable, from, to))
}

fn number(token: &Token) -> Option<u64> {
    let Kind::Number(digits) = &token.kind else { return None };
    digits.parse().ok()
}

/// One round: assignments and inserts, in order. A variable that cannot be computed is unknown where it is used.
fn run(body: &[Token], variables: &mut Variables, rows: &mut Vec<Row>) {
    let mut cursor = Cursor::new(body);
    while let Some(token) = cursor.peek() {
        if token.is_word("INSERT") {
            insert::insert(&mut cursor, variables, rows);
        } else if let Some(name) = cursor.name() {
            if cursor.take(':') && cursor.take('=') {
                let expression = cursor.until(|token| token.is(';'));
                variables.remove(&name);
                if let Ok(Some(value)) = eval::value(expression, variables) {
                    variables.insert(name, value);
                }
            }
        } else {
            cursor.advance();
        }
    }
}
