//! The practical ceiling: inserts of many rows, each statement under one order lock.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::raw::{self, Writer};
use super::{Kind, Left, Side};
use crate::Outcome;
use crate::load::{Client, Slice, drive};
use crate::server::BenchServer;

/// Clients that insert.
const CLIENTS: u32 = 8;
/// Rows of one insert.
const ROWS: usize = 500;
/// The order lock.
const LOCK: i64 = 4;

const INSERT_MANY: &str = "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata) \
     SELECT 'car', e.id, 1, 'Happened', '1', e.payload::json, e.metadata::json \
       FROM (SELECT pg_advisory_xact_lock($4)) AS held, unnest($1::text[], $2::text[], $3::text[]) AS e(id, payload, metadata)";

struct ManyRows {
    writer: Writer,
    payloads: Vec<String>,
    metadata: Vec<String>,
}

impl Client for ManyRows {
    async fn once(&mut self) -> Outcome<u64> {
        let writer = &mut self.writer;
        let ids: Vec<String> =
            (0..ROWS as i64).map(|row| format!("car_{}{:010}", writer.name, writer.made + row)).collect();
        writer.made += ROWS as i64;
        sqlx::query(INSERT_MANY)
            .bind(&ids)
            .bind(&self.payloads)
            .bind(&self.metadata)
            .bind(LOCK)
            .execute(&mut writer.connection)
            .await?;
        Ok(ROWS as u64)
    }
}

/// Inserts of many rows.
pub(crate) struct Ceiling {
    scenario: &'static str,
    clients: Vec<ManyRows>,
    last: u64,
}

impl Ceiling {
    /// For a scenario with so many clients; its own clients are always as many.
    pub(crate) async fn open(server: &BenchServer, scenario: &'static str, clients: u32) -> Outcome<Box<dyn Side>> {
        let writers = raw::writers(server, &format!("{scenario}_ceiling_{clients}"), CLIENTS).await?;
        let many = |writer: Writer| ManyRows {
            payloads: vec![writer.payload.clone(); ROWS],
            metadata: vec![writer.metadata.clone(); ROWS],
            writer,
        };
        Ok(Box::new(Self { scenario, clients: writers.into_iter().map(many).collect(), last: 0 }))
    }
}

impl Side for Ceiling {
    fn name(&self) -> String {
        format!("{}:ceiling", self.scenario)
    }

    fn kind(&self) -> Kind {
        Kind::Ceiling
    }

    fn run(&mut self, duration: Duration) -> BoxFuture<'_, Outcome<Slice>> {
        async move {
            let (slice, clients) = drive(std::mem::take(&mut self.clients), duration).await?;
            self.clients = clients;
            self.last = slice.ops;
            Ok(slice)
        }
        .boxed()
    }

    fn settle(&mut self) -> BoxFuture<'_, Outcome<Option<Left>>> {
        let left = Left { events: self.last, commits: self.last / ROWS as u64 };
        async move { Ok(Some(left)) }.boxed()
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Outcome<Vec<String>>> {
        async move {
            raw::close(self.clients.into_iter().map(|client| client.writer).collect()).await?;
            Ok(Vec::new())
        }
        .boxed()
    }
}
