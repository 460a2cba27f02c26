//! Rows on their way into a table, in Postgres' own binary form: a `COPY` takes them as they are, a statement takes them by columns.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo};
use sqlx::{Encode, Postgres, Type};
use uuid::Uuid;

use super::table::{Column, Holds, Table};

/// Postgres counts days and microseconds from here.
const EPOCH: NaiveDate = NaiveDate::from_ymd_opt(2000, 1, 1).expect("a day");
/// The same in microseconds since 1970.
const EPOCH_MICROS: i64 = 946_684_800_000_000;

/// Before each value stands its length, in so many bytes.
const LENGTH_BYTES: usize = 4;
/// Bytes of a value with its length, about: room is made for so many before they come.
const VALUE_BYTES_ABOUT: usize = 20;

/// Rows of one table.
#[derive(Debug)]
pub struct Rows {
    table: &'static Table,
    count: usize,
    /// For each row the number of its values, then for each value its length and its bytes.
    bytes: Vec<u8>,
}

impl Rows {
    /// None yet.
    pub const fn new(table: &'static Table) -> Self {
        Self { table, count: 0, bytes: Vec::new() }
    }

    /// Where they go.
    pub const fn table(&self) -> &'static Table {
        self.table
    }

    /// How many there are.
    pub const fn count(&self) -> usize {
        self.count
    }

    /// As a `COPY` in binary form takes them, without its beginning and its end.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// One more row: its values follow in the order of the table's columns.
    pub fn row(&mut self) -> Row<'_> {
        self.count += 1;
        let count = i16::try_from(self.table.columns.len()).unwrap_or(i16::MAX);
        self.bytes.extend_from_slice(&count.to_be_bytes());
        Row { bytes: &mut self.bytes, left: self.table.columns }
    }

    /// The values of each column, as an array.
    pub(super) fn arrays(&self) -> Vec<ColumnArray> {
        let mut arrays: Vec<_> =
            self.table.columns.iter().map(|column| ColumnArray::new(column.holds, self.count)).collect();
        let mut rest = self.bytes.as_slice();
        for _row in 0..self.count {
            rest = &rest[2..];
            for array in &mut arrays {
                let (length, _) = rest.split_first_chunk::<LENGTH_BYTES>().expect("a value begins with its length");
                let length = usize::try_from(i32::from_be_bytes(*length)).unwrap_or(0);
                let (value, behind) = rest.split_at(LENGTH_BYTES + length);
                array.bytes.extend_from_slice(value);
                rest = behind;
            }
        }
        arrays
    }
}

/// A row in the making. A value of another type than its column's is a defect, and so is one too few or too many.
#[derive(Debug)]
pub struct Row<'a> {
    bytes: &'a mut Vec<u8>,
    left: &'static [Column],
}

macro_rules! values {
    ($($name:ident $optional:ident $type:ty, $holds:ident, $meaning:literal, $bytes:expr;)+) => {
        impl Row<'_> {
            $(
                #[doc = $meaning]
                pub fn $name(&mut self, value: $type) -> &mut Self {
                    let bytes: fn(&mut Vec<u8>, $type) = $bytes;
                    self.value(Holds::$holds, |buffer| bytes(buffer, value))
                }

                #[doc = concat!($meaning, ", or nothing")]
                pub fn $optional(&mut self, value: Option<$type>) -> &mut Self {
                    match value {
                        Some(value) => self.$name(value),
                        None => self.nothing(Holds::$holds),
                    }
                }
            )+
        }
    };
}

values! {
    uuid uuid_if_any Uuid, Uuid, "An id", |buffer, value| buffer.extend_from_slice(value.as_bytes());
    text text_if_any &str, Text, "A text", |buffer, value| buffer.extend_from_slice(value.as_bytes());
    int int_if_any i64, Int, "A number", |buffer, value| buffer.extend_from_slice(&value.to_be_bytes());
    instant instant_if_any DateTime<Utc>, Instant, "An instant",
        |buffer, value| buffer.extend_from_slice(&(value.timestamp_micros() - EPOCH_MICROS).to_be_bytes());
    date date_if_any NaiveDate, Date, "A day",
        |buffer, value| buffer.extend_from_slice(&days(value).to_be_bytes());
    flag flag_if_any bool, Flag, "Yes or no", |buffer, value| buffer.push(u8::from(value));
    float float_if_any f64, Float, "A number with a fraction",
        |buffer, value| buffer.extend_from_slice(&value.to_be_bytes());
}

impl Row<'_> {
    /// A value as JSON.
    ///
    /// # Panics
    ///
    /// When it is none; the fold's own types always are.
    pub fn json(&mut self, value: &impl Serialize) -> &mut Self {
        self.value(Holds::Json, |buffer| serde_json::to_writer(buffer, value).expect("a state is JSON"))
    }

    /// A value as JSON, or nothing.
    ///
    /// # Panics
    ///
    /// As [`Self::json`].
    pub fn json_if_any(&mut self, value: Option<&impl Serialize>) -> &mut Self {
        match value {
            Some(value) => self.json(value),
            None => self.nothing(Holds::Json),
        }
    }

    fn nothing(&mut self, holds: Holds) -> &mut Self {
        self.next(holds);
        self.bytes.extend_from_slice(&(-1_i32).to_be_bytes());
        self
    }

    fn value(&mut self, holds: Holds, write: impl FnOnce(&mut Vec<u8>)) -> &mut Self {
        self.next(holds);
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; LENGTH_BYTES]);
        write(self.bytes);
        let length = i32::try_from(self.bytes.len() - start - LENGTH_BYTES).expect("a value of less than 2 GiB");
        self.bytes[start..start + LENGTH_BYTES].copy_from_slice(&length.to_be_bytes());
        self
    }

    fn next(&mut self, holds: Holds) {
        let (column, left) = self.left.split_first().expect("no more values than columns");
        assert_eq!(column.holds, holds, "a value of column {}", column.name);
        self.left = left;
    }
}

impl Drop for Row<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(self.left.is_empty(), "a row lacks {} and what follows", self.left[0].name);
        }
    }
}

fn days(day: NaiveDate) -> i32 {
    i32::try_from((day - EPOCH).num_days()).unwrap_or(i32::MAX)
}

/// The values of one column as a one-dimensional array.
#[derive(Debug)]
pub(super) struct ColumnArray {
    holds: Holds,
    count: usize,
    bytes: Vec<u8>,
}

impl ColumnArray {
    fn new(holds: Holds, count: usize) -> Self {
        Self { holds, count, bytes: Vec::with_capacity(count * VALUE_BYTES_ABOUT) }
    }
}

impl Type<Postgres> for ColumnArray {
    fn type_info() -> PgTypeInfo {
        Holds::Text.array()
    }
}

impl Encode<'_, Postgres> for ColumnArray {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let [dimensions, has_nulls, first] = [1_i32, 1, 1];
        for word in [dimensions, has_nulls, self.holds.oid(), i32::try_from(self.count)?, first] {
            buffer.extend_from_slice(&word.to_be_bytes());
        }
        buffer.extend_from_slice(&self.bytes);
        Ok(IsNull::No)
    }

    fn produces(&self) -> Option<PgTypeInfo> {
        Some(self.holds.array())
    }
}
