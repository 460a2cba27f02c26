//! SQL text into tokens with their lines. Comments, and the `$$` around a block, are left out.

use std::iter::Peekable;
use std::str::CharIndices;

/// A token and where it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// From 1.
    pub(super) line: u64,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A key word or a name.
    Word(String),
    /// What stands between quotes, each `''` being one.
    Quoted(String),
    /// Digits with at most one point.
    Number(String),
    Symbol(char),
    /// Damage up to the end of its line, and why.
    Damaged(&'static str),
}

impl Token {
    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(&self.kind, Kind::Word(own) if own.eq_ignore_ascii_case(word))
    }

    pub(super) fn is(&self, symbol: char) -> bool {
        self.kind == Kind::Symbol(symbol)
    }
}

/// All tokens.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut reader = Reader { text, rest: text.char_indices().peekable(), line: 1 };
    std::iter::from_fn(|| reader.token()).collect()
}

struct Reader<'a> {
    text: &'a str,
    rest: Peekable<CharIndices<'a>>,
    line: u64,
}

impl Reader<'_> {
    fn token(&mut self) -> Option<Token> {
        loop {
            let line = self.line;
            let (at, first) = self.next()?;
            let kind = match first {
                c if c.is_whitespace() => continue,
                '-' if self.next_is('-') => {
                    self.take_while(|c| c != '\n');
                    continue;
                }
                '$' => {
                    self.take_while(|c| c == '_' || c.is_alphanumeric());
                    if self.next_is('$') {
                        self.next();
                    }
                    continue;
                }
                '\'' => self.quoted(),
                c if c.is_ascii_digit() => Kind::Number(self.number(at)),
                c if c == '_' || c.is_alphabetic() => {
                    Kind::Word(self.text[at..self.take_while(|c| c == '_' || c.is_alphanumeric())].to_owned())
                }
                c => Kind::Symbol(c),
            };
            return Some(Token { line, kind });
        }
    }

    /// After the opening quote. No text of the catalogue spans lines, so a quote left open is damage of one line, not of the rest.
    fn quoted(&mut self) -> Kind {
        let mut value = String::new();
        while let Some(&(_, c)) = self.rest.peek() {
            if c == '\n' {
                break;
            }
            self.next();
            match c {
                '\'' if self.next_is('\'') => {
                    self.next();
                    value.push('\'');
                }
                '\'' if value.contains(char::REPLACEMENT_CHARACTER) => return Kind::Damaged("a text is not UTF-8"),
                '\'' => return Kind::Quoted(value),
                c => value.push(c),
            }
        }
        Kind::Damaged("a quote is not closed on its line")
    }

    /// `1..100` is a number, two points and a number.
    fn number(&mut self, from: usize) -> String {
        let mut end = self.take_while(|c| c.is_ascii_digit());
        let mut after = self.text[end..].chars();
        if after.next() == Some('.') && after.next().is_some_and(|c| c.is_ascii_digit()) {
            self.next();
            end = self.take_while(|c| c.is_ascii_digit());
        }
        self.text[from..end].to_owned()
    }

    fn next(&mut self) -> Option<(usize, char)> {
        let next = self.rest.next()?;
        if next.1 == '\n' {
            self.line += 1;
        }
        Some(next)
    }

    fn next_is(&mut self, expected: char) -> bool {
        self.rest.peek().is_some_and(|(_, c)| *c == expected)
    }

    /// Where the first character stands that does not match.
    fn take_while(&mut self, matches: impl Fn(char) -> bool) -> usize {
        while let Some(&(at, c)) = self.rest.peek() {
            if !matches(c) {
                return at;
            }
            self.next();
        }
        self.text.len()
    }
}
