//! The floor: one row, one commit, at as many connections as there are clients.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::raw::{self, Writer};
use super::{Kind, Left, Side};
use crate::Outcome;
use crate::load::{Client, Slice, drive};
use crate::server::BenchServer;

struct OneRow(Writer);

impl Client for OneRow {
    async fn once(&mut self) -> Outcome<u64> {
        self.0.insert_one("car").await?;
        Ok(1)
    }
}

/// Single-row inserts with commit.
pub(crate) struct Floor {
    scenario: &'static str,
    clients: Vec<OneRow>,
    last: u64,
}

impl Floor {
    /// With so many connections.
    pub(crate) async fn open(server: &BenchServer, scenario: &'static str, clients: u32) -> Outcome<Box<dyn Side>> {
        let writers = raw::writers(server, &format!("{scenario}_floor_{clients}"), clients).await?;
        Ok(Box::new(Self { scenario, clients: writers.into_iter().map(OneRow).collect(), last: 0 }))
    }
}

impl Side for Floor {
    fn name(&self) -> String {
        format!("{}:floor", self.scenario)
    }

    fn kind(&self) -> Kind {
        Kind::Floor
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
