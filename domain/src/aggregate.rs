//! The closed set of aggregates of a log: one enum each of states, commands, events and errors, so that the engine can hold any of them.

use crate::booking::{Booking, BookingCommand, BookingError, BookingEvent};
use crate::campaign::{Campaign, CampaignCommand, CampaignError, CampaignEvent};
use crate::car::{Car, CarCommand, CarError, CarEvent};
use crate::dead_letter::{DeadLetter, DeadLetterCommand, DeadLetterError, DeadLetterEvent};
use crate::email_claim::{EmailClaim, EmailClaimCommand, EmailClaimError, EmailClaimEvent};
use crate::failure::{Code, Failure};
use crate::flight::{Flight, FlightCommand, FlightError, FlightEvent};
use crate::hotel::{Hotel, HotelCommand, HotelError, HotelEvent};
use crate::id::StreamKind;
use crate::member::{Member, MemberCommand, MemberError, MemberEvent};
use crate::payment::{Payment, PaymentCommand, PaymentEvent};
use crate::points_account::{PointsAccount, PointsAccountCommand, PointsAccountError, PointsAccountEvent};
use crate::programme::{Programme, ProgrammeCommand, ProgrammeEvent};
use crate::reward::{Reward, RewardCommand, RewardError, RewardEvent};
use crate::trip_saga::{TripSaga, TripSagaCommand, TripSagaError, TripSagaEvent};

/// The state of any aggregate.
#[derive(Debug, Clone, PartialEq)]
pub enum Aggregate {
    /// See [`Booking`].
    Booking(Booking),
    /// See [`TripSaga`].
    TripSaga(Box<TripSaga>),
    /// See [`Hotel`].
    Hotel(Hotel),
    /// See [`Flight`].
    Flight(Flight),
    /// See [`Car`].
    Car(Car),
    /// See [`Payment`].
    Payment(Payment),
    /// See [`DeadLetter`].
    DeadLetter(DeadLetter),
    /// See [`Member`].
    Member(Member),
    /// See [`EmailClaim`].
    EmailClaim(EmailClaim),
    /// See [`PointsAccount`].
    PointsAccount(PointsAccount),
    /// See [`Campaign`].
    Campaign(Campaign),
    /// See [`Reward`].
    Reward(Reward),
    /// See [`Programme`].
    Programme(Programme),
}

/// A command to any aggregate.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// To a booking.
    Booking(BookingCommand),
    /// To a process manager.
    TripSaga(TripSagaCommand),
    /// To a hotel.
    Hotel(HotelCommand),
    /// To a flight.
    Flight(FlightCommand),
    /// To a fleet.
    Car(CarCommand),
    /// To a payment.
    Payment(PaymentCommand),
    /// To a dead letter.
    DeadLetter(DeadLetterCommand),
    /// To a member.
    Member(MemberCommand),
    /// To an e-mail address.
    EmailClaim(EmailClaimCommand),
    /// To a points account.
    PointsAccount(PointsAccountCommand),
    /// To a campaign.
    Campaign(CampaignCommand),
    /// To a reward.
    Reward(RewardCommand),
    /// To the programme.
    Programme(ProgrammeCommand),
}

/// An event of any aggregate.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Of a booking.
    Booking(BookingEvent),
    /// Of a process manager.
    TripSaga(TripSagaEvent),
    /// Of a hotel.
    Hotel(HotelEvent),
    /// Of a flight.
    Flight(FlightEvent),
    /// Of a fleet.
    Car(CarEvent),
    /// Of a payment.
    Payment(PaymentEvent),
    /// Of a dead letter.
    DeadLetter(DeadLetterEvent),
    /// Of a member.
    Member(MemberEvent),
    /// Of an e-mail address.
    EmailClaim(EmailClaimEvent),
    /// Of a points account.
    PointsAccount(PointsAccountEvent),
    /// Of a campaign.
    Campaign(CampaignEvent),
    /// Of a reward.
    Reward(RewardEvent),
    /// Of the programme.
    Programme(ProgrammeEvent),
}

/// Why a command was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// By a booking.
    #[error(transparent)]
    Booking(#[from] BookingError),
    /// By a process manager.
    #[error(transparent)]
    TripSaga(#[from] TripSagaError),
    /// By a hotel.
    #[error(transparent)]
    Hotel(#[from] HotelError),
    /// By a flight.
    #[error(transparent)]
    Flight(#[from] FlightError),
    /// By a fleet.
    #[error(transparent)]
    Car(#[from] CarError),
    /// By a member.
    #[error(transparent)]
    Member(#[from] MemberError),
    /// By an e-mail address.
    #[error(transparent)]
    EmailClaim(#[from] EmailClaimError),
    /// By a points account.
    #[error(transparent)]
    PointsAccount(#[from] PointsAccountError),
    /// By a campaign.
    #[error(transparent)]
    Campaign(#[from] CampaignError),
    /// By a reward.
    #[error(transparent)]
    Reward(#[from] RewardError),
    /// By a dead letter.
    #[error(transparent)]
    DeadLetter(#[from] DeadLetterError),
    /// A command was sent to a stream of another kind: a defect of ours.
    #[error("a command reached a stream of another kind")]
    WrongStream,
}

impl Error {
    /// The stable code.
    pub const fn code(&self) -> Code {
        match self {
            Self::Booking(error) => error.code(),
            Self::TripSaga(error) => error.code(),
            Self::Hotel(error) => error.code(),
            Self::Flight(error) => error.code(),
            Self::Car(error) => error.code(),
            Self::Member(error) => error.code(),
            Self::EmailClaim(error) => error.code(),
            Self::PointsAccount(error) => error.code(),
            Self::Campaign(error) => error.code(),
            Self::Reward(error) => error.code(),
            Self::DeadLetter(error) => error.code(),
            Self::WrongStream => Code::Internal,
        }
    }

    /// The input field at fault, as the API names it; empty when no single field is.
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Booking(error) => error.field(),
            Self::TripSaga(error) => error.field(),
            Self::Hotel(error) => error.field(),
            Self::Flight(error) => error.field(),
            Self::Car(error) => error.field(),
            Self::Member(error) => error.field(),
            Self::EmailClaim(error) => error.field(),
            Self::PointsAccount(error) => error.field(),
            Self::Campaign(error) => error.field(),
            Self::Reward(error) => error.field(),
            Self::DeadLetter(_) | Self::WrongStream => "",
        }
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl Aggregate {
    /// The state of a stream without events.
    pub fn empty(kind: StreamKind) -> Self {
        match kind {
            StreamKind::Booking => Self::Booking(Booking::default()),
            StreamKind::TripSaga => Self::TripSaga(Box::default()),
            StreamKind::Hotel => Self::Hotel(Hotel::default()),
            StreamKind::Flight => Self::Flight(Flight::default()),
            StreamKind::Car => Self::Car(Car::default()),
            StreamKind::Payment => Self::Payment(Payment::default()),
            StreamKind::DeadLetter => Self::DeadLetter(DeadLetter::default()),
            StreamKind::Member => Self::Member(Member::default()),
            StreamKind::EmailClaim => Self::EmailClaim(EmailClaim::default()),
            StreamKind::PointsAccount => Self::PointsAccount(PointsAccount::default()),
            StreamKind::Campaign => Self::Campaign(Campaign::default()),
            StreamKind::Reward => Self::Reward(Reward::default()),
            StreamKind::Programme => Self::Programme(Programme::default()),
        }
    }

    /// What the command makes happen. No events: it is so already.
    pub fn decide(&self, command: Command) -> Result<Vec<Event>, Error> {
        match (self, command) {
            (Self::Booking(state), Command::Booking(command)) => Ok(wrap(state.decide(command)?, Event::Booking)),
            (Self::TripSaga(state), Command::TripSaga(command)) => Ok(wrap(state.decide(command)?, Event::TripSaga)),
            (Self::Hotel(state), Command::Hotel(command)) => Ok(wrap(state.decide(command)?, Event::Hotel)),
            (Self::Flight(state), Command::Flight(command)) => Ok(wrap(state.decide(command)?, Event::Flight)),
            (Self::Car(state), Command::Car(command)) => Ok(wrap(state.decide(command)?, Event::Car)),
            (Self::Payment(state), Command::Payment(command)) => Ok(wrap(state.decide(command), Event::Payment)),
            (Self::DeadLetter(state), Command::DeadLetter(command)) => {
                Ok(wrap(state.decide(command)?, Event::DeadLetter))
            }
            (Self::Member(state), Command::Member(command)) => Ok(wrap(state.decide(command)?, Event::Member)),
            (Self::EmailClaim(state), Command::EmailClaim(command)) => {
                Ok(wrap(state.decide(command)?, Event::EmailClaim))
            }
            (Self::PointsAccount(state), Command::PointsAccount(command)) => {
                Ok(wrap(state.decide(command)?, Event::PointsAccount))
            }
            (Self::Campaign(state), Command::Campaign(command)) => Ok(wrap(state.decide(command)?, Event::Campaign)),
            (Self::Reward(state), Command::Reward(command)) => Ok(wrap(state.decide(command)?, Event::Reward)),
            (Self::Programme(state), Command::Programme(command)) => Ok(wrap(state.decide(command), Event::Programme)),
            _ => Err(Error::WrongStream),
        }
    }

    /// Takes an event of its own stream into the state; false when the event is of another kind.
    #[must_use]
    pub fn apply(&mut self, event: &Event) -> bool {
        match (self, event) {
            (Self::Booking(state), Event::Booking(event)) => state.apply(event),
            (Self::TripSaga(state), Event::TripSaga(event)) => state.apply(event),
            (Self::Hotel(state), Event::Hotel(event)) => state.apply(event),
            (Self::Flight(state), Event::Flight(event)) => state.apply(event),
            (Self::Car(state), Event::Car(event)) => state.apply(event),
            (Self::Payment(state), Event::Payment(event)) => state.apply(event),
            (Self::DeadLetter(state), Event::DeadLetter(event)) => state.apply(event),
            (Self::Member(state), Event::Member(event)) => state.apply(event),
            (Self::EmailClaim(state), Event::EmailClaim(event)) => state.apply(event),
            (Self::PointsAccount(state), Event::PointsAccount(event)) => state.apply(event),
            (Self::Campaign(state), Event::Campaign(event)) => state.apply(event),
            (Self::Reward(state), Event::Reward(event)) => state.apply(event),
            (Self::Programme(state), Event::Programme(event)) => state.apply(event),
            _ => return false,
        }
        true
    }
}

impl Event {
    /// The stored name of the event, for example `RoomsReserved`.
    pub const fn event_type(&self) -> &'static str {
        match self {
            Self::Booking(event) => event.name(),
            Self::TripSaga(event) => event.name(),
            Self::Hotel(event) => event.name(),
            Self::Flight(event) => event.name(),
            Self::Car(event) => event.name(),
            Self::Payment(event) => event.name(),
            Self::DeadLetter(event) => event.name(),
            Self::Member(event) => event.name(),
            Self::EmailClaim(event) => event.name(),
            Self::PointsAccount(event) => event.name(),
            Self::Campaign(event) => event.name(),
            Self::Reward(event) => event.name(),
            Self::Programme(event) => event.name(),
        }
    }

    /// The stored version, for example `1`.
    pub const fn event_version(&self) -> &'static str {
        match self {
            Self::Booking(event) => event.version(),
            Self::TripSaga(event) => event.version(),
            Self::Hotel(event) => event.version(),
            Self::Flight(event) => event.version(),
            Self::Car(event) => event.version(),
            Self::Payment(event) => event.version(),
            Self::DeadLetter(event) => event.version(),
            Self::Member(event) => event.version(),
            Self::EmailClaim(event) => event.version(),
            Self::PointsAccount(event) => event.version(),
            Self::Campaign(event) => event.version(),
            Self::Reward(event) => event.version(),
            Self::Programme(event) => event.version(),
        }
    }
}

fn wrap<T>(events: Vec<T>, kind: fn(T) -> Event) -> Vec<Event> {
    events.into_iter().map(kind).collect()
}

/// Makes an aggregate one of cqrs-es: `handle` only calls the pure `decide`.
macro_rules! cqrs_aggregate {
    ($aggregate:ty, $kind:expr, $command:ty, $event:ty, $error:ty, |$state:ident, $given:ident| $decided:expr) => {
        impl cqrs_es::Aggregate for $aggregate {
            const TYPE: &'static str = $kind.as_str();
            type Command = $command;
            type Event = $event;
            type Error = $error;
            type Services = ();

            async fn handle(
                &mut self,
                command: $command,
                _services: &(),
                sink: &cqrs_es::event_sink::EventSink<Self>,
            ) -> Result<(), $error> {
                let ($state, $given) = (&*self, command);
                let events: Result<Vec<$event>, $error> = $decided;
                for event in events? {
                    sink.write(event, self).await;
                }
                Ok(())
            }

            fn apply(&mut self, event: $event) {
                <$aggregate>::apply(self, &event);
            }
        }
    };
}

pub(crate) use cqrs_aggregate;
