//! What happens to a payment.

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::message::{Answer, Direction, GatewayCall};
use crate::money::Money;
use crate::points::PointsOrder;
use crate::shape::event_shapes;
use crate::trip::PaymentPlan;

/// Events of the stream `payment`; its UUID is the booking's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PaymentEvent {
    /// The money is asked for.
    PaymentRequested {
        /// Which attempt of the request.
        attempt: u32,
        /// How it is paid.
        plan: PaymentPlan,
        /// How much.
        amount: Money,
        /// The call to the gateway that this event causes; absent when none is needed.
        call: Option<GatewayCall>,
    },
    /// The pivot: the money is ours. Answers the request.
    PaymentCompleted {
        /// The attempt answered.
        attempt: u32,
        /// How much.
        amount: Money,
        /// The gateway's reference of the charge; absent when no gateway was asked.
        charge: Option<String>,
    },
    /// Refused for good. Answers the request.
    PaymentFailed {
        /// The attempt answered.
        attempt: u32,
        /// Why.
        failure: Failure,
    },
    /// A technical no: nothing was taken, trying again may work. Answers the request.
    PaymentFaulted {
        /// The attempt answered.
        attempt: u32,
        /// Why.
        failure: Failure,
    },
    /// Nobody can tell, for now, what came of the call: it may have happened. Answers the request, or the undo that waits for it.
    OutcomeUnknown {
        /// What is answered.
        direction: Direction,
        /// The attempt answered.
        attempt: u32,
        /// Why it is not known.
        failure: Failure,
    },
    /// A new attempt asks once more what came of a call whose outcome is unknown.
    OutcomeAsked {
        /// Whose attempt: the request's or the undo's.
        direction: Direction,
        /// Which attempt.
        attempt: u32,
        /// The call in doubt, with its key.
        call: GatewayCall,
    },
    /// A points account is asked: for points once more, or to give them back. The first question is [`PaymentEvent::PaymentRequested`].
    PointsAsked {
        /// Whose attempt this serves: the request's or the undo's.
        direction: Direction,
        /// Which attempt.
        attempt: u32,
        /// What is asked. Its attempts are counted by themselves.
        order: PointsOrder,
    },
    /// An undo came while a call was in flight: it waits for the outcome (L16).
    UndoAwaited {
        /// Which attempt of the undo.
        attempt: u32,
    },
    /// The money is to be given back.
    RefundRequested {
        /// The call to the gateway that this event causes.
        call: GatewayCall,
    },
    /// A technical no to a refund. Answers the undo.
    RefundFaulted {
        /// The attempt answered.
        attempt: u32,
        /// Why.
        failure: Failure,
    },
    /// Nothing is kept. Answers the undo.
    PaymentCancelled {
        /// The attempt answered.
        attempt: u32,
        /// What was given back; zero when nothing had been taken.
        refunded: Money,
    },
    /// A cancel came before its request: the request will be refused. Answers the undo.
    PaymentBarred {
        /// The attempt answered.
        attempt: u32,
    },
    /// A new attempt of what is settled gets its answer.
    AnswerRepeated {
        /// The answer, with the new attempt.
        answer: Answer,
    },
}

event_shapes! {
    PaymentEvent {
        PaymentRequested: [],
        PaymentCompleted: [],
        PaymentFailed: [],
        PaymentFaulted: [],
        OutcomeUnknown: [],
        OutcomeAsked: [],
        PointsAsked: [],
        UndoAwaited: [],
        RefundRequested: [],
        RefundFaulted: [],
        PaymentCancelled: [],
        PaymentBarred: [],
        AnswerRepeated: [],
    }
}
