//! What the queries of all read models share: conditions, reading of columns, failures.

use std::ops::RangeInclusive;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use chrono_tz::Tz;
use sqlx::postgres::PgRow;
use sqlx::{Postgres, QueryBuilder, Row};
use traveladvisor_domain::money::Money;
use traveladvisor_infra::event_log::LogError;

use crate::reads::ReadError;
use crate::views::{BookingStatus, MemberStatus, PointsEntryType, SagaStatus};

/// A statement with conditions that must all hold.
pub(crate) struct Conditions<'a> {
    builder: QueryBuilder<'a, Postgres>,
    any: bool,
}

impl<'a> Conditions<'a> {
    /// Conditions after the beginning of a statement.
    pub(crate) fn after(beginning: &str) -> Self {
        Self { builder: QueryBuilder::new(beginning), any: false }
    }

    /// One more condition, to which its values are pushed.
    pub(crate) fn and(&mut self, condition: &str) -> &mut QueryBuilder<'a, Postgres> {
        let word = if self.any { " AND " } else { " WHERE " };
        self.any = true;
        self.builder.push(word).push(condition)
    }

    /// The statement so far, for what is no condition.
    pub(crate) const fn builder(&mut self) -> &mut QueryBuilder<'a, Postgres> {
        &mut self.builder
    }

    /// The statement with all its conditions.
    pub(crate) fn into_builder(self) -> QueryBuilder<'a, Postgres> {
        self.builder
    }
}

/// Postgres cannot store U+0000, so nothing that was stored can equal a text that has it.
pub(crate) fn is_storable<'a>(texts: impl IntoIterator<Item = Option<&'a str>>) -> bool {
    texts.into_iter().flatten().all(|text| !text.contains('\0'))
}

/// Years that Postgres can store and compare; nothing that is on sale lies outside.
const YEARS: RangeInclusive<i32> = 1..=9_999;

/// Whether a date can be compared with stored ones.
pub(crate) fn is_storable_date(date: NaiveDate) -> bool {
    YEARS.contains(&date.year())
}

/// Whether an instant can be compared with stored ones.
pub(crate) fn is_storable_instant(instant: DateTime<Utc>) -> bool {
    YEARS.contains(&instant.year())
}

/// A public word of the database.
pub(crate) trait Word: Sized {
    fn of(word: &str) -> Option<Self>;
}

impl Word for BookingStatus {
    fn of(word: &str) -> Option<Self> {
        Self::from_word(word)
    }
}

impl Word for SagaStatus {
    fn of(word: &str) -> Option<Self> {
        Self::from_word(word)
    }
}

impl Word for MemberStatus {
    fn of(word: &str) -> Option<Self> {
        Self::from_word(word)
    }
}

impl Word for PointsEntryType {
    fn of(word: &str) -> Option<Self> {
        Self::from_word(word)
    }
}

pub(crate) fn word<W: Word>(row: &PgRow, column: &'static str) -> Result<W, ReadError> {
    W::of(row.try_get(column)?).ok_or_else(|| damaged(column))
}

pub(crate) fn word_if_any<W: Word>(row: &PgRow, column: &'static str) -> Result<Option<W>, ReadError> {
    let found: Option<&str> = row.try_get(column)?;
    found.map(|found| W::of(found).ok_or_else(|| damaged(column))).transpose()
}

/// A number that is never below zero.
pub(crate) fn number(row: &PgRow, column: &'static str) -> Result<u64, ReadError> {
    u64::try_from(row.try_get::<i64, _>(column)?).map_err(|_| damaged(column))
}

/// A count of rooms, seats or vehicles.
pub(crate) fn count(row: &PgRow, column: &'static str) -> Result<u32, ReadError> {
    u32::try_from(row.try_get::<i64, _>(column)?).map_err(|_| damaged(column))
}

/// A count that may be absent.
pub(crate) fn count_if_any(row: &PgRow, column: &'static str) -> Result<Option<u32>, ReadError> {
    let found: Option<i64> = row.try_get(column)?;
    found.map(|found| u32::try_from(found).map_err(|_| damaged(column))).transpose()
}

pub(crate) fn money(row: &PgRow, minor: &'static str) -> Result<Money, ReadError> {
    let currency = row.try_get::<&str, _>("currency")?.parse().map_err(|_| damaged("currency"))?;
    Ok(Money::new(row.try_get(minor)?, currency))
}

/// An amount that may be absent, with its currency.
pub(crate) fn money_if_any(row: &PgRow, minor: &'static str) -> Result<Option<Money>, ReadError> {
    let is_there = row.try_get::<Option<i64>, _>(minor)?.is_some();
    is_there.then(|| money(row, minor)).transpose()
}

pub(crate) fn zone(row: &PgRow, column: &'static str) -> Result<Tz, ReadError> {
    row.try_get::<&str, _>(column)?.parse().map_err(|_| damaged(column))
}

fn damaged(column: &str) -> ReadError {
    ReadError::Damaged(format!("column {column}"))
}

impl From<sqlx::Error> for ReadError {
    /// The server's own words may quote values: they are not passed on.
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::ColumnDecode { index, .. } => damaged(&index),
            sqlx::Error::Decode(_) | sqlx::Error::ColumnNotFound(_) => damaged("of an unknown shape"),
            error => LogError::from(error).into(),
        }
    }
}

impl From<LogError> for ReadError {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Unavailable(reason) | LogError::Refused(reason) => Self::Unavailable(reason),
            error @ (LogError::UnknownKind { .. } | LogError::Undecodable(_)) => Self::Damaged(error.to_string()),
        }
    }
}
