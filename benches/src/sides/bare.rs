//! A trip's four local writes with four commits and no engine.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::raw::{self, Writer};
use super::{Kind, Left, Side};
use crate::Outcome;
use crate::load::{Client, Slice, drive};
use crate::server::BenchServer;

/// The writes of a trip.
const WRITES: [&str; 4] = ["hotel", "flight", "car", "payment"];

struct FourWrites(Writer);

impl Client for FourWrites {
    async fn once(&mut self) -> Outcome<u64> {
        for kind in WRITES {
            self.0.insert_one(kind).await?;
        }
        Ok(1)
    }
}

/// Four single-row inserts, one after the other, each with its commit.
pub(crate) struct Bare {
    clients: Vec<FourWrites>,
    last: u64,
}

impl Bare {
    /// With so many connections.
    pub(crate) async fn open(server: &BenchServer, clients: u32) -> Outcome<Box<dyn Side>> {
        let writers = raw::writers(server, &format!("trips_bare_{clients}"), clients).await?;
        Ok(Box::new(Self { clients: writers.into_iter().map(FourWrites).collect(), last: 0 }))
    }
}

impl Side for Bare {
    fn name(&self) -> String {
        "trips:bare".to_owned()
    }

    fn kind(&self) -> Kind {
        Kind::Bare
    }

    fn run(&mut self, duration: Duration) -> BoxFuture<'_, Outcome<Slice>> {
        async move {
            let (slice, clients) = drive(std::mem::take(&mut self.clients), duration).await?;
            self.clients = clients;
            self.last = slice.ops * WRITES.len() as u64;
            Ok(slice)
        }
        .boxed()
    }

    fn settle(&mut self) -> BoxFuture<'_, Outcome<Option<Left>>> {
        let left = Left { events: self.last, commits: self.last };
        async move { Ok(Some(left)) }.boxed()
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Outcome<Vec<String>>> {
        async move {
            raw::close(self.clients.into_iter().map(|client| client.0).collect()).await?;
            Ok(Vec::new())
        }
        .boxed()
    }
}
