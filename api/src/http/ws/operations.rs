//! The operations under way on one socket.

use std::collections::HashMap;
use std::sync::Arc;

use futures::StreamExt;
use futures::stream::{self, AbortHandle, BoxStream, SelectAll};

use crate::graphql::execute::Answer;

/// What an operation tells.
#[derive(Debug)]
pub(super) enum Told {
    /// An answer; the last one when nothing was executed.
    Answer(Answer),
    /// That there is no other.
    Complete,
}

/// The operations under way, by their ids.
#[derive(Default)]
pub(super) struct Operations {
    running: HashMap<Arc<str>, AbortHandle>,
    answers: SelectAll<BoxStream<'static, (Arc<str>, Told)>>,
}

impl Operations {
    pub(super) fn has(&self, id: &str) -> bool {
        self.running.contains_key(id)
    }

    pub(super) fn len(&self) -> usize {
        self.running.len()
    }

    /// Runs an operation until its answers end or it is stopped.
    pub(super) fn begin(&mut self, id: &str, answers: BoxStream<'static, Answer>) {
        let id: Arc<str> = id.into();
        let named = id.clone();
        let told = answers.map(Told::Answer).chain(stream::once(std::future::ready(Told::Complete)));
        let (told, handle) = stream::abortable(told.map(move |told| (named.clone(), told)));
        self.running.insert(id, handle);
        self.answers.push(told.boxed());
    }

    /// Stops one, if it is under way: it says nothing any more.
    pub(super) fn stop(&mut self, id: &str) {
        if let Some(handle) = self.running.remove(id) {
            handle.abort();
        }
    }

    /// What the next of them tells; none while there is none.
    pub(super) async fn next(&mut self) -> Option<(Arc<str>, Told)> {
        let (id, told) = self.answers.next().await?;
        let is_last = match &told {
            Told::Complete => true,
            Told::Answer(answer) => !answer.has_data(),
        };
        if is_last {
            self.stop(&id);
        }
        Some((id, told))
    }
}
