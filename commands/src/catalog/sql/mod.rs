//! Just enough SQL to read the reference catalogue: `INSERT INTO … VALUES …` and the `FOR … LOOP` of a `DO` block. Everything else is
//! passed over. Damage is kept to the row in which it stands: reading goes on at the next row or statement.

mod eval;
mod insert;
mod loops;
mod row;
mod token;

pub(super) use eval::NOW;
pub(super) use row::Row;

use eval::Variables;
use insert::Cursor;

/// Every row that the inserts of a text make, in order.
pub(super) fn rows(text: &str) -> Vec<Row> {
    let tokens = token::tokens(text);
    let mut rows = Vec::new();
    let mut cursor = Cursor::new(&tokens);
    while let Some(token) = cursor.peek() {
        if token.is_word("INSERT") {
            insert::insert(&mut cursor, &Variables::new(), &mut rows);
        } else if token.is_word("FOR") {
            loops::repeat(&mut cursor, &mut rows);
        } else {
            cursor.advance();
        }
    }
    rows
}
