//! Pages by sort key: a cursor names a place in the order, so that rows which come and go meanwhile neither repeat nor skip others.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::cursor::{self, List};
use crate::reads::ReadError;
use crate::search::{CursorEnd, Page, Slice, Take};
use crate::sql::Conditions;

/// Which way something goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Ascending,
    Descending,
}

/// The order of a list: columns that together name one row, all of them the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) list: List,
    pub(crate) columns: &'static [&'static str],
    pub(crate) way: Way,
}

/// The values of an order's columns in one row.
pub(crate) trait Key: Clone + Send + Sync + Serialize + DeserializeOwned {
    /// Pushes them, in the order of the columns.
    fn push(self, query: &mut QueryBuilder<'_, Postgres>);
}

impl Key for (DateTime<Utc>, Uuid) {
    fn push(self, query: &mut QueryBuilder<'_, Postgres>) {
        query.push_bind(self.0).push(", ").push_bind(self.1);
    }
}

impl Key for (i64,) {
    fn push(self, query: &mut QueryBuilder<'_, Postgres>) {
        query.push_bind(self.0);
    }
}

impl Key for (String, Uuid) {
    fn push(self, query: &mut QueryBuilder<'_, Postgres>) {
        query.push_bind(self.0).push(", ").push_bind(self.1);
    }
}

impl Key for (String, i64, Uuid) {
    fn push(self, query: &mut QueryBuilder<'_, Postgres>) {
        query.push_bind(self.0).push(", ").push_bind(self.1).push(", ").push_bind(self.2);
    }
}

/// A page of a list, its cursors read.
#[derive(Debug)]
pub(crate) struct Window<'a, K> {
    order: Order,
    page: &'a Page,
    after: Option<K>,
    before: Option<K>,
}

/// What there is beyond the cursors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Beyond {
    /// At the place of the cursor `after`, or before it.
    before: bool,
    /// At the place of the cursor `before`, or after it.
    after: bool,
}

impl<'a, K: Key> Window<'a, K> {
    /// Errors: a cursor is of another list, or of none.
    pub(crate) fn of(order: Order, page: &'a Page) -> Result<Self, ReadError> {
        let read = |end| cursor::read(order.list, page, end);
        Ok(Self { order, page, after: read(CursorEnd::After)?, before: read(CursorEnd::Before)? })
    }

    /// The cursor at a place.
    pub(crate) fn cursor(&self, key: &impl Serialize) -> String {
        cursor::write(self.order.list, key)
    }

    /// The statement of the page's rows, and of one more if there is one. They come in the order of the list, or of its end backwards.
    pub(crate) fn statement<'q>(&self, mut select: Conditions<'q>) -> QueryBuilder<'q, Postgres> {
        if let Some(key) = &self.after {
            self.order.bound(&mut select, [" > ", " < "], key);
        }
        if let Some(key) = &self.before {
            self.order.bound(&mut select, [" < ", " > "], key);
        }
        let mut query = select.into_builder();
        self.order.sort(&mut query, self.is_backward());
        query.push(" LIMIT ").push_bind(self.page.rows_to_read());
        query
    }

    /// The page's rows in the order of the list, and one more on its far side if there is one.
    pub(crate) async fn rows(&self, pool: &PgPool, select: Conditions<'_>) -> Result<Vec<PgRow>, ReadError> {
        let mut rows = self.statement(select).build().fetch_all(pool).await?;
        if self.is_backward() {
            rows.reverse();
        }
        Ok(rows)
    }

    /// Looks beyond each cursor for one row that belongs to the list.
    pub(crate) async fn beyond<'q>(
        &self,
        pool: &PgPool,
        select: impl Fn() -> Conditions<'q>,
    ) -> Result<Beyond, ReadError> {
        let mut beyond = Beyond { before: false, after: false };
        if let Some(key) = &self.after {
            let mut select = select();
            self.order.bound(&mut select, [" <= ", " >= "], key);
            beyond.before = self.order.any(pool, select, true).await?;
        }
        if let Some(key) = &self.before {
            let mut select = select();
            self.order.bound(&mut select, [" >= ", " <= "], key);
            beyond.after = self.order.any(pool, select, false).await?;
        }
        Ok(beyond)
    }

    /// The page of the rows that were read for it.
    pub(crate) fn cut<T>(&self, mut items: Vec<(String, T)>, beyond: Beyond) -> Slice<T> {
        let spare = items.len().saturating_sub(self.page.items_max());
        match self.page.take {
            Take::First(_) => {
                items.truncate(self.page.items_max());
                Slice { items, has_next: spare > 0 || beyond.after, has_previous: beyond.before }
            }
            Take::Last(_) => {
                items.drain(..spare);
                Slice { items, has_next: beyond.after, has_previous: spare > 0 || beyond.before }
            }
        }
    }

    const fn is_backward(&self) -> bool {
        matches!(self.page.take, Take::Last(_))
    }
}

impl Order {
    /// Only what stands on one side of a place; the sign that says so for either way.
    fn bound<K: Key>(self, select: &mut Conditions<'_>, [ascending, descending]: [&str; 2], key: &K) {
        let sign = if self.way == Way::Ascending { ascending } else { descending };
        let query = select.and("(");
        query.push(self.columns.join(", ")).push(")").push(sign).push("(");
        key.clone().push(query);
        query.push(")");
    }

    fn sort(self, query: &mut QueryBuilder<'_, Postgres>, is_backward: bool) {
        let is_descending = (self.way == Way::Descending) != is_backward;
        let way = if is_descending { " DESC" } else { "" };
        for (place, column) in self.columns.iter().enumerate() {
            query.push(if place == 0 { " ORDER BY " } else { ", " }).push(column).push(way);
        }
    }

    async fn any(self, pool: &PgPool, select: Conditions<'_>, is_backward: bool) -> Result<bool, ReadError> {
        let mut query = select.into_builder();
        self.sort(&mut query, is_backward);
        Ok(query.push(" LIMIT 1").build().fetch_optional(pool).await?.is_some())
    }
}
