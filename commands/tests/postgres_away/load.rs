//! Callers who book one trip after the other, and ask again with the same key until they know.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;
use traveladvisor_commands::engine::limits::CALLER_DEADLINE;
use traveladvisor_commands::{Engine, Receipt, Rejection};
use traveladvisor_domain::failure::Code;
use traveladvisor_domain::trip::PaymentPlan;

use super::world::AT_LAST;
use crate::support::{book, card, request, trip};

/// Callers at once.
const CALLERS: usize = 8;
/// Pause of a caller between two trips.
const BETWEEN_TRIPS: Duration = Duration::from_millis(250);
/// Pause of a caller before the same key is asked again.
const BEFORE_ASKING_AGAIN: Duration = Duration::from_millis(200);
/// A promise is no stopwatch: two busy cores may answer later than the engine meant to.
const SLACK: Duration = Duration::from_secs(20);

/// What became of one key.
pub(super) struct Asked {
    pub(super) key: String,
    pub(super) payment: PaymentPlan,
    /// The last word; no receipt when the load was ended before.
    pub(super) receipt: Option<Receipt>,
}

/// All that was asked, and how often callers were told to try again.
pub(super) struct Told {
    pub(super) asked: Vec<Asked>,
    pub(super) rejections: usize,
}

/// Callers at work.
pub(super) struct Load {
    end: Arc<AtomicBool>,
    /// Receipts of each caller.
    booked: Arc<Vec<AtomicUsize>>,
    callers: Vec<JoinHandle<Told>>,
}

impl Load {
    pub(super) fn begin(engine: &Engine) -> Self {
        let end = Arc::new(AtomicBool::new(false));
        let booked: Arc<Vec<AtomicUsize>> = Arc::new((0..CALLERS).map(|_| AtomicUsize::new(0)).collect());
        let callers = (0..CALLERS)
            .map(|caller| tokio::spawn(call(engine.clone(), caller, end.clone(), booked.clone())))
            .collect();
        Self { end, booked, callers }
    }

    /// Waits until every caller has so many receipts more.
    pub(super) async fn each_books(&self, more: usize) {
        let counts = || self.booked.iter().map(|count| count.load(Ordering::Relaxed));
        let wanted: Vec<usize> = counts().map(|count| count + more).collect();
        let booked = async {
            while counts().zip(&wanted).any(|(count, wanted)| count < *wanted) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(AT_LAST, booked).await.expect("every caller is served");
    }

    pub(super) async fn end(self) -> Told {
        self.end.store(true, Ordering::Relaxed);
        let mut told = Told { asked: Vec::new(), rejections: 0 };
        for caller in self.callers {
            let one = caller.await.expect("no caller met what must not be");
            told.asked.extend(one.asked);
            told.rejections += one.rejections;
        }
        told
    }
}

async fn call(engine: Engine, caller: usize, end: Arc<AtomicBool>, booked: Arc<Vec<AtomicUsize>>) -> Told {
    let mut told = Told { asked: Vec::new(), rejections: 0 };
    for number in 0.. {
        let mut asked =
            Asked { key: format!("caller {caller} trip {number}"), payment: payment(caller + number), receipt: None };
        while asked.receipt.is_none() && !end.load(Ordering::Relaxed) {
            if let Ok(receipt) = ask(&engine, &asked).await {
                asked.receipt = Some(receipt);
                booked[caller].fetch_add(1, Ordering::Relaxed);
            } else {
                told.rejections += 1;
                tokio::time::sleep(BEFORE_ASKING_AGAIN).await;
            }
        }
        told.asked.push(asked);
        if end.load(Ordering::Relaxed) {
            break;
        }
        tokio::time::sleep(BETWEEN_TRIPS).await;
    }
    told
}

/// Every caller is answered in time: by a receipt, or by a sentence that says what to do.
pub(super) async fn ask(engine: &Engine, asked: &Asked) -> Result<Receipt, Rejection> {
    let wanted = request(book(trip(asked.payment.clone())), Some(&asked.key));
    let answer = tokio::time::timeout(CALLER_DEADLINE + SLACK, engine.submit(wanted)).await;
    let answer = answer.unwrap_or_else(|_| panic!("{}: no answer within the deadline", asked.key));
    if let Err(rejection) = &answer {
        assert_retryable(rejection);
    }
    answer
}

pub(super) fn assert_retryable(rejection: &Rejection) {
    let retryable = matches!(rejection.code, Code::Unavailable | Code::Overloaded | Code::Conflict);
    assert!(retryable && rejection.message.ends_with('.'), "{rejection:?}");
}

/// Every third trip is paid by a card; some of these are declined, or come through at a later try.
fn payment(number: usize) -> PaymentPlan {
    match number % 12 {
        0 | 3 => card("approves"),
        6 => card("declines"),
        9 => card("processing_error"),
        _ => PaymentPlan::None,
    }
}
