//! Whether trips have ended, asked by many at once.
//!
//! Everyone who waits for the end of a trip asks again whenever trips may have changed. What they ask is gathered: one query is under way
//! at a time, and it answers all who asked before it began. A lone question goes out at once.

use std::collections::HashSet;
use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sqlx::PgPool;
use tokio::sync::oneshot::{self, error::TryRecvError};
use traveladvisor_domain::id::BookingId;
use uuid::Uuid;

use crate::reads::ReadError;
use crate::views::{BookingStatus, SETTLED_BOOKING, SETTLED_SAGA, SagaStatus};

/// Most trips that one query is asked about.
pub(crate) const QUESTIONS_MAX: usize = 1_000;

/// Questions that wait to be asked together.
#[derive(Debug, Default)]
pub(crate) struct Questions {
    waiting: Mutex<Vec<Question>>,
    /// Whoever has it asks for all who wait.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Question {
    booking: BookingId,
    answer: oneshot::Sender<Result<bool, ReadError>>,
}

type Answers = Result<HashSet<BookingId>, ReadError>;

impl Questions {
    /// Whether a trip has ended, as it stands after this call was made. `fetch` tells which of some trips have.
    pub(crate) async fn ask<F>(
        &self,
        booking: BookingId,
        fetch: impl Fn(Vec<BookingId>) -> F,
    ) -> Result<bool, ReadError>
    where
        F: Future<Output = Answers>,
    {
        loop {
            let (answer, mut heard) = oneshot::channel();
            self.waiting().push(Question { booking, answer });
            let turn = tokio::select! {
                biased;
                heard = &mut heard => match heard {
                    Ok(answer) => return answer,
                    // Whoever asked for us gave up.
                    Err(_) => continue,
                },
                turn = self.turn.lock() => turn,
            };
            match heard.try_recv() {
                Ok(answer) => return answer,
                Err(TryRecvError::Closed) => continue,
                Err(TryRecvError::Empty) => self.ask_for_all(&fetch).await,
            }
            drop(turn);
            if let Ok(answer) = heard.try_recv() {
                return answer;
            }
        }
    }

    async fn ask_for_all<F: Future<Output = Answers>>(&self, fetch: &impl Fn(Vec<BookingId>) -> F) {
        let mut questions = std::mem::take(&mut *self.waiting());
        questions.retain(|question| !question.answer.is_closed());
        while !questions.is_empty() {
            let rest = questions.split_off(questions.len().min(QUESTIONS_MAX));
            let ended = fetch(questions.iter().map(|question| question.booking).collect()).await;
            for Question { booking, answer } in questions {
                // Who does not listen any more needs no answer.
                answer.send(ended.as_ref().map(|ended| ended.contains(&booking)).map_err(Clone::clone)).ok();
            }
            questions = rest;
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Question>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Those of some trips that have ended.
pub(crate) async fn settled_among(pool: PgPool, bookings: Vec<BookingId>) -> Answers {
    let ended: Vec<Uuid> =
        sqlx::query_scalar("SELECT id FROM bookings WHERE id = ANY($1) AND saga_status = ANY($2) AND status = ANY($3)")
            .bind(bookings.iter().map(|booking| booking.0).collect::<Vec<_>>())
            .bind(SETTLED_SAGA.map(SagaStatus::as_str))
            .bind(SETTLED_BOOKING.map(BookingStatus::as_str))
            .fetch_all(&pool)
            .await?;
    Ok(ended.into_iter().map(BookingId).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use futures::future::join_all;
    use tokio::sync::Semaphore;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    fn booking(number: usize) -> BookingId {
        BookingId(Uuid::from_u128(number as u128))
    }

    /// Those of even number have ended; each query takes a permit and then long enough for others to come.
    struct Trips {
        queries: AtomicUsize,
        permits: Semaphore,
    }

    impl Trips {
        async fn fetch(self: Arc<Self>, bookings: Vec<BookingId>) -> Answers {
            assert!(bookings.len() <= QUESTIONS_MAX);
            self.queries.fetch_add(1, Ordering::SeqCst);
            self.permits.acquire().await.expect("open").forget();
            Ok(bookings.into_iter().filter(|booking| booking.0.as_u128().is_multiple_of(2)).collect())
        }
    }

    async fn ask(questions: Arc<Questions>, trips: Arc<Trips>, number: usize) -> bool {
        let fetch = |bookings| trips.clone().fetch(bookings);
        let answer = tokio::time::timeout(LIMIT, questions.ask(booking(number), fetch)).await;
        answer.expect("in time").expect("an answer")
    }

    #[tokio::test]
    async fn a_thousand_who_ask_at_once_are_answered_by_two_queries() {
        let trips = Arc::new(Trips { queries: AtomicUsize::new(0), permits: Semaphore::new(0) });
        let questions = Arc::new(Questions::default());
        let asked = (0..1_000).map(|number| tokio::spawn(ask(questions.clone(), trips.clone(), number)));
        let asked: Vec<_> = asked.collect();
        while questions.waiting().len() < 999 {
            tokio::task::yield_now().await;
        }
        trips.permits.add_permits(1_000);
        for (number, answer) in join_all(asked).await.into_iter().enumerate() {
            assert_eq!(answer.expect("no panic"), number % 2 == 0);
        }
        assert_eq!(trips.queries.load(Ordering::SeqCst), 2, "the first alone, then all who came meanwhile");
    }

    #[tokio::test]
    async fn more_than_one_query_holds_are_asked_in_several() {
        let trips = Arc::new(Trips { queries: AtomicUsize::new(0), permits: Semaphore::new(1_000) });
        let questions = Arc::new(Questions::default());
        let asked = (0..=QUESTIONS_MAX * 2).map(|number| ask(questions.clone(), trips.clone(), number));
        assert_eq!(join_all(asked).await.into_iter().filter(|ended| *ended).count(), QUESTIONS_MAX + 1);
    }

    #[tokio::test]
    async fn who_gives_up_while_asking_for_others_leaves_nobody_behind() {
        let trips = Arc::new(Trips { queries: AtomicUsize::new(0), permits: Semaphore::new(0) });
        let questions = Arc::new(Questions::default());
        let first = tokio::spawn(ask(questions.clone(), trips.clone(), 0));
        while trips.queries.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        let others: Vec<_> = (1..4).map(|number| tokio::spawn(ask(questions.clone(), trips.clone(), number))).collect();
        while questions.waiting().len() < 3 {
            tokio::task::yield_now().await;
        }
        first.abort();
        while trips.queries.load(Ordering::SeqCst) == 1 {
            tokio::task::yield_now().await;
        }
        // The second asks for all three now, and gives up in the middle.
        others[0].abort();
        trips.permits.add_permits(10);
        assert!(others.into_iter().nth(1).expect("the third").await.expect("answered"));
    }
}
