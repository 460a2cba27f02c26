//! `INSERT INTO table (columns) VALUES (row), (row);`

use super::eval::{self, Variables};
use super::row::Row;
use super::token::{Kind, Token};

/// A place among tokens.
pub(super) struct Cursor<'a> {
    tokens: &'a [Token],
    next: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(tokens: &'a [Token]) -> Self {
        Self { tokens, next: 0 }
    }

    pub(super) fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.next)
    }

    pub(super) fn advance(&mut self) -> Option<&'a Token> {
        let token = self.peek()?;
        self.next += 1;
        Some(token)
    }

    /// Takes the next token if it is this symbol.
    pub(super) fn take(&mut self, symbol: char) -> bool {
        self.take_if(|token| token.is(symbol))
    }

    /// Takes the next token if it is this word.
    pub(super) fn take_word(&mut self, word: &str) -> bool {
        self.take_if(|token| token.is_word(word))
    }

    /// Takes the next token if it is a name.
    pub(super) fn name(&mut self) -> Option<String> {
        let Kind::Word(name) = &self.peek()?.kind else { return None };
        self.advance();
        Some(name.to_ascii_lowercase())
    }

    /// All tokens before the first that matches, or before the end.
    pub(super) fn until(&mut self, matches: impl Fn(&Token) -> bool) -> &'a [Token] {
        let from = self.next;
        while self.peek().is_some_and(|token| !matches(token)) {
            self.next += 1;
        }
        &self.tokens[from..self.next]
    }

    fn take_if(&mut self, matches: impl Fn(&Token) -> bool) -> bool {
        let taken = self.peek().is_some_and(matches);
        self.next += usize::from(taken);
        taken
    }
}

/// Reads the insert at which the cursor stands, and leaves the cursor after it.
pub(super) fn insert(cursor: &mut Cursor<'_>, variables: &Variables, rows: &mut Vec<Row>) {
    let Some(first) = cursor.advance() else { return };
    let Some((table, columns)) = head(cursor) else {
        rows.push(Row::damaged(first.line, "", "an INSERT whose table and columns cannot be read"));
        cursor.until(ends_statement);
        return;
    };
    while cursor.peek().is_some_and(|token| !ends_statement(token)) {
        if cursor.peek().is_some_and(|token| token.is('(')) {
            rows.push(row(cursor, &table, &columns, variables));
        } else if !cursor.take(',') {
            damage(cursor, &table, rows);
        }
    }
}

fn head(cursor: &mut Cursor<'_>) -> Option<(String, Vec<String>)> {
    if !cursor.take_word("INTO") {
        return None;
    }
    let mut table = cursor.name()?;
    while cursor.take('.') {
        table = format!("{table}.{}", cursor.name()?);
    }
    let mut columns = Vec::new();
    if !cursor.take('(') {
        return None;
    }
    loop {
        columns.push(cursor.name()?);
        if cursor.take(')') {
            break;
        }
        if !cursor.take(',') {
            return None;
        }
    }
    cursor.take_word("VALUES").then_some((table, columns))
}

/// What stands between two rows and belongs to none.
fn damage(cursor: &mut Cursor<'_>, table: &str, rows: &mut Vec<Row>) {
    let skipped = cursor.until(|token| token.is('(') || ends_statement(token));
    if let Some(first) = skipped.first() {
        rows.push(Row::damaged(first.line, table, "neither a row nor the end of the statement"));
    }
}

fn row(cursor: &mut Cursor<'_>, table: &str, columns: &[String], variables: &Variables) -> Row {
    let line = cursor.advance().map_or(0, |token| token.line);
    let cells = match cells(cursor) {
        Ok(cells) => cells,
        Err(reason) => return Row::damaged(line, table, reason),
    };
    if cells.len() != columns.len() {
        return Row::damaged(line, table, format!("{} values for {} columns", cells.len(), columns.len()));
    }
    let values = cells.into_iter().map(|tokens| eval::value(tokens, variables));
    Row { line, table: table.to_owned(), cells: Ok(columns.iter().cloned().zip(values).collect()) }
}

/// The values up to the closing parenthesis.
fn cells<'a>(cursor: &mut Cursor<'a>) -> Result<Vec<&'a [Token]>, &'static str> {
    let mut cells = Vec::new();
    loop {
        cells.push(cell(cursor)?);
        if cursor.take(')') {
            return Ok(cells);
        }
        cursor.take(',');
    }
}

/// One value, before the comma or parenthesis that ends it.
fn cell<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [Token], &'static str> {
    let mut depth = 0_usize;
    let from = cursor.next;
    while let Some(token) = cursor.peek() {
        match token.kind {
            Kind::Symbol(',' | ')') if depth == 0 => return Ok(&cursor.tokens[from..cursor.next]),
            Kind::Symbol('(') => depth += 1,
            Kind::Symbol(')') => depth -= 1,
            Kind::Damaged(reason) => {
                cursor.until(|token| token.is('(') || token.is(')') || ends_statement(token));
                cursor.take(')');
                return Err(reason);
            }
            _ if ends_statement(token) => break,
            _ => {}
        }
        cursor.advance();
    }
    Err("the row's parenthesis is not closed")
}

/// A semicolon, or the next statement where one was forgotten.
fn ends_statement(token: &Token) -> bool {
    token.is(';') || token.is_word("INSERT") || token.is_word("END")
}
