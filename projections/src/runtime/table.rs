//! Tables of read models as data: what a projection writes into, and what becomes of a row that is there already.

use sqlx::postgres::PgTypeInfo;
use sqlx::{Postgres, Type};

/// A table of a read model.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name, unqualified: the search path says whether it is the live one.
    pub name: &'static str,
    /// The columns that are written, in the order of their values.
    pub columns: &'static [Column],
    /// What becomes of a row that is there already.
    pub meeting: Meeting,
}

/// A column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub holds: Holds,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// `uuid`.
    Uuid,
    /// `text`.
    Text,
    /// `bigint`.
    Int,
    /// `timestamptz`.
    Instant,
    /// `date`.
    Date,
    /// `json`.
    Json,
    /// `boolean`.
    Flag,
    /// `double precision`.
    Float,
}

/// What a written row does when one of the same key is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meeting {
    /// It never meets one.
    Never,
    /// What stands behind `ON CONFLICT`; the row that is there is called `known`.
    Merges(&'static str),
}

/// A column; shorter than its literal.
pub const fn column(name: &'static str, holds: Holds) -> Column {
    Column { name, holds }
}

impl Holds {
    /// The array that a statement takes of it.
    pub(super) fn array(self) -> PgTypeInfo {
        match self {
            Self::Uuid => <Vec<uuid::Uuid> as Type<Postgres>>::type_info(),
            Self::Text => <Vec<String> as Type<Postgres>>::type_info(),
            Self::Int => <Vec<i64> as Type<Postgres>>::type_info(),
            Self::Instant => <Vec<chrono::DateTime<chrono::Utc>> as Type<Postgres>>::type_info(),
            Self::Date => <Vec<chrono::NaiveDate> as Type<Postgres>>::type_info(),
            Self::Json => PgTypeInfo::with_oid(JSON_ARRAY),
            Self::Flag => <Vec<bool> as Type<Postgres>>::type_info(),
            Self::Float => <Vec<f64> as Type<Postgres>>::type_info(),
        }
    }

    /// The server's number of its type.
    pub(super) const fn oid(self) -> i32 {
        match self {
            Self::Uuid => 2950,
            Self::Text => 25,
            Self::Int => 20,
            Self::Instant => 1184,
            Self::Date => 1082,
            Self::Json => 114,
            Self::Flag => 16,
            Self::Float => 701,
        }
    }

    /// Its name in statements.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Uuid => "uuid",
            Self::Text => "text",
            Self::Int => "bigint",
            Self::Instant => "timestamptz",
            Self::Date => "date",
            Self::Json => "json",
            Self::Flag => "boolean",
            Self::Float => "float8",
        }
    }
}

/// `json[]`: sqlx only knows that of `jsonb`.
const JSON_ARRAY: sqlx::postgres::types::Oid = sqlx::postgres::types::Oid(199);

impl Table {
    /// The names of its written columns, with commas between.
    pub(super) fn column_list(&self) -> String {
        self.columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ")
    }

    /// The statement that writes rows, one array for each column.
    pub(super) fn write_statement(&self) -> String {
        let columns = self.column_list();
        let meeting = match self.meeting {
            Meeting::Never => String::new(),
            Meeting::Merges(merge) => format!(" ON CONFLICT {merge}"),
        };
        format!("INSERT INTO {} AS known ({columns}) SELECT * FROM unnest({}){meeting}", self.name, self.arrays())
    }

    /// The statement that deletes the rows of which these columns are so.
    pub(super) fn delete_statement(&self) -> String {
        let same: Vec<_> = self.columns.iter().map(|column| format!("known.{0} = gone.{0}", column.name)).collect();
        let (name, columns, arrays, same) = (self.name, self.column_list(), self.arrays(), same.join(" AND "));
        format!("DELETE FROM {name} known USING unnest({arrays}) AS gone({columns}) WHERE {same}")
    }

    fn arrays(&self) -> String {
        let arrays = (1..).zip(self.columns).map(|(place, column)| format!("${place}::{}[]", column.holds.as_str()));
        arrays.collect::<Vec<_>>().join(", ")
    }
}
