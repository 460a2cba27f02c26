//! A connection lent for one statement.
//!
//! One whose statement was given up is closed. Back in the pool it would be asked for a sign of life without any limit of time, and a
//! server or a network that says nothing would cost the pool one place after the other.

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgQueryResult, PgRow, PgStatement, PgTypeInfo};
use sqlx::{Describe, Either, Error, Execute, Executor, PgConnection, PgPool, Postgres};

use crate::fail_points::{Point, outgoing};

/// Runs one statement on a connection of the pool.
#[derive(Debug)]
pub(super) struct OnLent<'l>(pub(super) &'l PgPool);

/// Closes the connection unless the statement has come to its end.
struct Lent(Option<PoolConnection<Postgres>>);

impl Lent {
    async fn from(pool: &PgPool) -> Result<Self, Error> {
        outgoing(Point::Connection, pool.acquire()).await.map(|connection| Self(Some(connection)))
    }

    fn connection(&mut self) -> Result<&mut PgConnection, Error> {
        self.0.as_deref_mut().ok_or(Error::PoolClosed)
    }

    /// The statement was answered, be it by an error: the pool may have the connection back.
    fn answered(mut self) {
        drop(self.0.take());
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(connection.detach());
        }
    }
}

impl<'l> Executor<'l> for OnLent<'l> {
    type Database = Postgres;

    /// Pages are bounded, so an answer is taken whole.
    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Either<PgQueryResult, PgRow>, Error>>
    where
        'l: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let answer = async move {
            let mut lent = Lent::from(self.0).await?;
            let answer: Result<Vec<_>, Error> = lent.connection()?.fetch_many(query).try_collect().await;
            lent.answered();
            answer.map(|steps| stream::iter(steps.into_iter().map(Ok)))
        };
        stream::once(answer).try_flatten().boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<PgRow>, Error>>
    where
        'l: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        Box::pin(async move {
            let mut lent = Lent::from(self.0).await?;
            let answer = lent.connection()?.fetch_optional(query).await;
            lent.answered();
            answer
        })
    }

    fn prepare_with<'e, 'q: 'e>(
        self,
        sql: &'q str,
        parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, Result<PgStatement<'q>, Error>>
    where
        'l: 'e,
    {
        Executor::prepare_with(self.0, sql, parameters)
    }

    fn describe<'e, 'q: 'e>(self, sql: &'q str) -> BoxFuture<'e, Result<Describe<Postgres>, Error>>
    where
        'l: 'e,
    {
        Executor::describe(self.0, sql)
    }
}
