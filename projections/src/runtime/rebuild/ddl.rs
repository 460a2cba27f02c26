//! The statements that make a table, taken out of `schema.sql`: what it says of a table holds for every making of its rows.

use traveladvisor_infra::postgres::SCHEMA;

/// What begins a statement that makes a table or an index.
const BEGINNINGS: [&str; 3] = ["CREATE TABLE ", "CREATE INDEX ", "CREATE UNIQUE INDEX "];

/// The statements that make a table and its indexes, in their order; none of a table that the schema does not know.
pub(super) fn statements(table: &str) -> Vec<&'static str> {
    all().into_iter().filter(|statement| makes(statement) == Some(table)).collect()
}

/// Which table a statement makes or indexes.
fn makes(statement: &str) -> Option<&str> {
    let is_table = statement.starts_with(BEGINNINGS[0]);
    let (_, behind) = statement.split_once(if is_table { "TABLE " } else { " ON " })?;
    behind.split([' ', '(']).next()
}

/// All such statements: each begins at the beginning of a line and ends with the first semicolon that ends one.
fn all() -> Vec<&'static str> {
    let mut statements = Vec::new();
    let (mut at, mut begun) = (0, None);
    for line in SCHEMA.split_inclusive('\n') {
        if begun.is_none() && BEGINNINGS.iter().any(|beginning| line.starts_with(beginning)) {
            begun = Some(at);
        }
        at += line.len();
        if let Some(start) = begun.filter(|_| line.trim_end().ends_with(';')) {
            statements.push(&SCHEMA[start..at]);
            begun = None;
        }
    }
    statements
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_comes_with_its_indexes_and_with_nothing_else() {
        let found = statements("bookings");
        assert!(found[0].starts_with("CREATE TABLE bookings (") && found[0].contains("fillfactor"), "{}", found[0]);
        assert_eq!(found.len(), 7);
        assert!(found[1..].iter().all(|statement| statement.contains(" ON bookings (")));
        assert_eq!(statements("hotel_room_types").len(), 1);
        assert!(statements("nowhere").is_empty());
    }
}
