//! Given events, when a command, then events or an error: how the tests of aggregates read.

mod gateway;
pub(crate) mod samples;
pub(crate) mod world;

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::occasion::Occasion;

/// An aggregate under test.
pub(crate) trait Decider: Clone + Debug + Default + PartialEq + Serialize + DeserializeOwned {
    type Command: Clone + Debug;
    type Event: Clone + Debug + PartialEq;
    type Error: Debug + PartialEq;
    fn decide_on(&self, command: Self::Command) -> Result<Vec<Self::Event>, Self::Error>;
    fn take_in(&mut self, event: &Self::Event);
}

macro_rules! decider {
    ($aggregate:ty, $command:ty, $event:ty, $error:ty, |$state:ident, $given:ident| $decided:expr) => {
        impl Decider for $aggregate {
            type Command = $command;
            type Event = $event;
            type Error = $error;
            fn decide_on(&self, $given: $command) -> Result<Vec<$event>, $error> {
                let $state = self;
                $decided
            }
            fn take_in(&mut self, event: &$event) {
                self.apply(event);
            }
        }
    };
}

decider!(
    crate::hotel::Hotel,
    crate::hotel::HotelCommand,
    crate::hotel::HotelEvent,
    crate::hotel::HotelError,
    |state, command| state.decide(command)
);
decider!(
    crate::flight::Flight,
    crate::flight::FlightCommand,
    crate::flight::FlightEvent,
    crate::flight::FlightError,
    |state, command| state.decide(command)
);
decider!(crate::car::Car, crate::car::CarCommand, crate::car::CarEvent, crate::car::CarError, |state, command| state
    .decide(command));
decider!(
    crate::booking::Booking,
    crate::booking::BookingCommand,
    crate::booking::BookingEvent,
    crate::booking::BookingError,
    |state, command| state.decide(command)
);
decider!(
    crate::payment::Payment,
    crate::payment::PaymentCommand,
    crate::payment::PaymentEvent,
    std::convert::Infallible,
    |state, command| Ok(state.decide(command))
);
decider!(
    crate::member::Member,
    crate::member::MemberCommand,
    crate::member::MemberEvent,
    crate::member::MemberError,
    |state, command| state.decide(command)
);
decider!(
    crate::email_claim::EmailClaim,
    crate::email_claim::EmailClaimCommand,
    crate::email_claim::EmailClaimEvent,
    crate::email_claim::EmailClaimError,
    |state, command| state.decide(command)
);
decider!(
    crate::points_account::PointsAccount,
    crate::points_account::PointsAccountCommand,
    crate::points_account::PointsAccountEvent,
    crate::points_account::PointsAccountError,
    |state, command| state.decide(command)
);
decider!(
    crate::campaign::Campaign,
    crate::campaign::CampaignCommand,
    crate::campaign::CampaignEvent,
    crate::campaign::CampaignError,
    |state, command| state.decide(command)
);
decider!(
    crate::reward::Reward,
    crate::reward::RewardCommand,
    crate::reward::RewardEvent,
    crate::reward::RewardError,
    |state, command| state.decide(command)
);
decider!(
    crate::programme::Programme,
    crate::programme::ProgrammeCommand,
    crate::programme::ProgrammeEvent,
    std::convert::Infallible,
    |state, command| Ok(state.decide(command))
);
decider!(
    crate::trip_saga::TripSaga,
    crate::trip_saga::TripSagaCommand,
    crate::trip_saga::TripSagaEvent,
    crate::trip_saga::TripSagaError,
    |state, command| state.decide(command)
);

/// An aggregate and what its last command led to.
#[derive(Clone)]
pub(crate) struct Story<A: Decider> {
    pub(crate) state: A,
    outcome: Result<Vec<A::Event>, A::Error>,
}

/// An aggregate to which these events have happened.
pub(crate) fn given<A: Decider>(events: &[A::Event]) -> Story<A> {
    let mut state = A::default();
    for event in events {
        state.take_in(event);
    }
    Story { state, outcome: Ok(Vec::new()) }
}

impl<A: Decider> Story<A> {
    /// Gives a command; what it makes happen has happened. The state survives its stored form at every step.
    pub(crate) fn when(mut self, command: A::Command) -> Self {
        self.outcome = self.state.decide_on(command);
        for event in self.outcome.as_ref().into_iter().flatten() {
            self.state.take_in(event);
        }
        assert_eq!(stored_and_read(&self.state), self.state);
        self
    }

    pub(crate) fn then(self, events: &[A::Event]) -> Self {
        assert_eq!(self.outcome.as_deref(), Ok(events));
        self
    }

    pub(crate) fn then_error(self, error: &A::Error) -> Self {
        assert_eq!(self.outcome.as_ref(), Err(error));
        self
    }

    /// The events of the last command.
    pub(crate) fn events(&self) -> &[A::Event] {
        self.outcome.as_deref().expect("accepted")
    }
}

/// What a state is after a snapshot of it was written and read.
pub(crate) fn stored_and_read<A: Decider>(state: &A) -> A {
    serde_json::from_str(&serde_json::to_string(state).expect("a state is JSON")).expect("a state reads back")
}

/// The job's moment, such as `2024-12-01T12:00:00Z`.
pub(crate) fn at(instant: &str) -> Occasion {
    Occasion { at: instant.parse().expect("an instant"), entropy: 0 }
}
