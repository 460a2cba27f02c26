//! The operations under way on one socket.

use std::future::poll_fn;
use std::task::{Context, Poll};

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::Instrument;

use crate::graphql::execute::Answer;

/// What an operation tells.
#[derive(Debug)]
pub(super) enum Told {
    /// An answer; the last one when nothing was executed.
    Answer(Answer),
    /// That there is no other.
    Complete,
}

impl Told {
    const fn is_last(&self) -> bool {
        match self {
            Self::Complete => true,
            Self::Answer(answer) => !answer.has_data(),
        }
    }
}

/// One operation under way, in a task of its own: while the socket waits for a slow reader nothing stands still in the middle of a
/// statement, which would keep a connection of the database from everybody else.
struct Running {
    id: String,
    /// One answer at most waits here; the task goes on when it has been taken.
    tells: mpsc::Receiver<Told>,
    /// Dropped, the task is aborted.
    _task: JoinSet<()>,
}

/// The operations under way, few enough ([`crate::limits::SOCKET_OPERATIONS_MAX`]) to look at one after the other.
///
/// What is not in here holds nothing: an operation goes with all that it watches, reads and keeps when it is stopped.
#[derive(Default)]
pub(super) struct Operations {
    running: Vec<Running>,
    /// Which of them is asked first: each in turn, so that one that always has something to tell does not silence the others.
    first: usize,
}

impl Operations {
    pub(super) fn has(&self, id: &str) -> bool {
        self.place(id).is_some()
    }

    pub(super) const fn len(&self) -> usize {
        self.running.len()
    }

    /// Runs an operation until its answers end or it is stopped.
    pub(super) fn begin(&mut self, id: String, answers: BoxStream<'static, Answer>) {
        let mut told = answers.map(Told::Answer).chain(stream::once(std::future::ready(Told::Complete)));
        let (tell, tells) = mpsc::channel(1);
        let mut task = JoinSet::new();
        let telling = async move {
            while let Some(told) = told.next().await {
                if tell.send(told).await.is_err() {
                    return;
                }
            }
        };
        task.spawn(telling.in_current_span());
        self.running.push(Running { id, tells, _task: task });
    }

    /// Stops one, if it is under way: it says nothing any more and is gone.
    pub(super) fn stop(&mut self, id: &str) {
        if let Some(place) = self.place(id) {
            self.running.swap_remove(place);
        }
    }

    /// What the next of them tells; waits for ever while there is none.
    pub(super) async fn next(&mut self) -> (String, Told) {
        poll_fn(|context| self.poll_next(context)).await
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<(String, Told)> {
        let count = self.running.len();
        for step in 0..count {
            let place = (self.first + step) % count;
            let Running { id, tells, .. } = &mut self.running[place];
            if let Poll::Ready(told) = tells.poll_recv(context) {
                // Behind `Complete` there is nothing, and nobody asks for it.
                let told = told.unwrap_or(Told::Complete);
                let id = id.clone();
                self.first = place + 1;
                if told.is_last() {
                    self.running.swap_remove(place);
                }
                return Poll::Ready((id, told));
            }
        }
        Poll::Pending
    }

    fn place(&self, id: &str) -> Option<usize> {
        self.running.iter().position(|running| running.id == id)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use async_graphql::{Response, Value};

    use super::*;
    use crate::graphql::execute::{Stage, streamed};
    use crate::graphql::types::ErrorCode;

    /// A generous limit for anything that must happen at last.
    const AT_LAST: Duration = Duration::from_secs(30);

    /// Never tells anything, and holds something as long as it is there.
    fn silent(held: &Arc<()>) -> BoxStream<'static, Answer> {
        let held = held.clone();
        stream::once(async move {
            std::future::pending::<()>().await;
            drop(held);
            Answer::of(Stage::Rejected, ErrorCode::Internal, "Nobody waits so long.")
        })
        .boxed()
    }

    #[tokio::test]
    async fn what_is_stopped_holds_nothing_though_nobody_asks_for_answers() {
        let held = Arc::new(());
        let mut operations = Operations::default();
        for number in 0..10_000 {
            let id = number.to_string();
            operations.begin(id.clone(), silent(&held));
            assert!(operations.has(&id));
            operations.stop(&id);
            assert!(!operations.has(&id));
            assert_eq!(operations.len(), 0, "after {number}");
        }
        let gone = async {
            while Arc::strong_count(&held) > 1 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(AT_LAST, gone).await.expect("what was stopped is dropped");
    }

    #[tokio::test]
    async fn each_is_heard_though_others_always_have_something_to_tell() {
        let answer = || streamed(Some(Response::new(Value::Boolean(true))), true, "", None);
        let refused = || Answer::of(Stage::Rejected, ErrorCode::InvalidInput, "No.");
        let mut operations = Operations::default();
        for id in ["a", "b", "c"] {
            let endless = stream::repeat_with(answer).boxed();
            operations.begin(id.to_owned(), endless);
        }
        let mut heard = Vec::new();
        for _ in 0..6 {
            heard.push(operations.next().await.0);
        }
        assert_eq!(heard, ["a", "b", "c", "a", "b", "c"]);
        operations.begin("d".to_owned(), stream::repeat_with(refused).boxed());
        for _ in 0..4 {
            heard.push(operations.next().await.0);
        }
        assert!(heard.contains(&"d".to_owned()) && !operations.has("d"), "it ended with what rejected it: {heard:?}");
    }
}
