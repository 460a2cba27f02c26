//! A stretch of the log, read in bulk and decoded on several threads, page by page and in order.

use std::sync::Arc;

use futures::StreamExt;
use futures::stream::{FusedStream, FuturesOrdered};
use tokio::task::JoinHandle;
use traveladvisor_domain::id::StreamKind;
use traveladvisor_infra::event_log::{EventLog, LogPages, Position, StoredEvent, Stretch};
use traveladvisor_infra::postgres::own_connection;

use super::Rebuild;
use super::building::Page;
use super::error::RebuildError;
use crate::runtime::projection::Tailed;

/// Pages of the log, decoded.
pub(super) struct Reading {
    pages: LogPages,
    is_over: bool,
    decoding: FuturesOrdered<JoinHandle<Vec<Tailed>>>,
    workers: usize,
}

impl Reading {
    pub(super) async fn begin(
        log: &EventLog,
        stretch: Stretch,
        kinds: &[StreamKind],
        how: Rebuild,
    ) -> Result<Self, RebuildError> {
        let connection = own_connection(log.pool()).await?;
        let pages = log.pages_of(how.rate.page_events(), connection, stretch, kinds);
        Ok(Self { pages, is_over: false, decoding: FuturesOrdered::new(), workers: how.workers.get() })
    }

    /// The next page; none at the end of the stretch.
    pub(super) async fn next(&mut self) -> Result<Option<Page>, RebuildError> {
        while !self.is_over && self.decoding.len() <= self.workers {
            match self.pages.next().await? {
                Some(events) => self.decoding.push_back(decode(events)),
                None => self.is_over = true,
            }
        }
        if self.decoding.is_terminated() {
            return Ok(None);
        }
        let page = self.decoding.next().await.transpose().map_err(|_panic| RebuildError::Panicked)?;
        Ok(page.map(Arc::new))
    }
}

fn decode(events: Vec<StoredEvent>) -> JoinHandle<Vec<Tailed>> {
    tokio::task::spawn_blocking(move || events.iter().map(Tailed::read).collect())
}

/// The last position of a page.
pub(super) fn end_of(page: &[Tailed]) -> Position {
    page.last().map_or(Position::START, |tailed| tailed.position)
}
