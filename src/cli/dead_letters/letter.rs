//! A dead letter as the log tells it.

use chrono::{DateTime, Utc};
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::bus::announcement;
use traveladvisor_domain::dead_letter::{DeadLetter, DeadLetterEvent};
use traveladvisor_domain::failure::Failure as Reason;
use traveladvisor_domain::id::{BookingId, LetterId, StreamId, StreamKind};
use traveladvisor_domain::message::{Body, Destination, Direction, Message, messages_of};
use traveladvisor_infra::event_log::{EventLog, LogError, Position};

use crate::cli::failure::Failure;

/// Most letters that are looked through: more of them are a sign of one cause, which shows in the first ones.
pub(super) const LETTERS_MAX: usize = 10_000;
/// Letters read with one statement.
const PAGE: usize = 500;
/// Most events of one letter that are read: each time it was set aside, and each verb about it.
const LETTER_EVENTS_MAX: usize = 200;

/// One thing that happened to a letter.
pub(super) struct Entry {
    pub(super) position: Position,
    /// The program's time.
    pub(super) at: DateTime<Utc>,
    pub(super) event: DeadLetterEvent,
}

/// A letter: at least one entry.
pub(super) struct Letter {
    pub(super) id: LetterId,
    pub(super) entries: Vec<Entry>,
    pub(super) state: DeadLetter,
    /// When its message comes again.
    pub(super) wakes_at: Option<DateTime<Utc>>,
    pub(super) subject: Subject,
}

/// What was set aside.
pub(super) enum Subject {
    /// A timer of the saga.
    Timer,
    /// A message of this log.
    Message(Box<Message>),
    /// What came over a broker.
    Record,
    /// What was to be announced to others.
    Announcement,
    /// Its cause cannot be read any more, or by this program.
    Unknown,
}

/// How it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outlook {
    ComesAgain,
    TimerFires,
    SagaAsksAgain,
    PaymentAsksAgain,
    Handled,
    NeedsOperator,
    Discarded,
}

impl Outlook {
    /// The word of the program's contract.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::ComesAgain => "comes again",
            Self::TimerFires => "timer fires",
            Self::SagaAsksAgain => "saga asks again",
            Self::PaymentAsksAgain => "payment asks again",
            Self::Handled => "handled",
            Self::NeedsOperator => "needs operator",
            Self::Discarded => "discarded",
        }
    }

    /// Whether it may need somebody.
    pub(super) const fn is_open(self) -> bool {
        !matches!(self, Self::Handled | Self::Discarded)
    }
}

impl Letter {
    /// The letter, if there is one.
    pub(super) async fn read(log: &EventLog, id: LetterId) -> Result<Option<Self>, Failure> {
        Ok(Self::all_of(log, &[id.stream()]).await?.pop())
    }

    /// All letters of the log, the newest first, and whether there are more than are looked through.
    pub(super) async fn all(log: &EventLog) -> Result<(Vec<Self>, bool), Failure> {
        let (mut letters, mut after) = (Vec::new(), None);
        loop {
            let streams = log.streams_of(StreamKind::DeadLetter, after, PAGE).await?;
            letters.extend(Self::all_of(log, &streams).await?);
            let is_full = streams.len() == PAGE;
            after = streams.last().copied();
            if !is_full || letters.len() >= LETTERS_MAX {
                letters.sort_unstable_by_key(|letter| std::cmp::Reverse(letter.entries[0].position));
                return Ok((letters, is_full));
            }
        }
    }

    async fn all_of(log: &EventLog, streams: &[StreamId]) -> Result<Vec<Self>, Failure> {
        let mut letters: Vec<Self> = Vec::with_capacity(streams.len());
        for stored in log.read_streams(streams, LETTER_EVENTS_MAX).await? {
            let occurred_at = stored.decode_metadata().map_err(LogError::from)?.occurred_at;
            let at = occurred_at.parse().unwrap_or(stored.recorded_at);
            let decoded = stored.decode().map_err(LogError::from)?;
            let Event::DeadLetter(event) = decoded.into_parts().0 else { continue };
            let entry = Entry { position: stored.position, at, event };
            match letters.last_mut() {
                Some(letter) if letter.id.stream() == stored.stream => letter.take(entry),
                _ => letters.push(Self::begin(LetterId(stored.stream.uuid), entry)),
            }
        }
        for letter in &mut letters {
            letter.wakes_at = log.wakeup(letter.id.stream()).await?;
            letter.subject = letter.look_up(log).await?;
        }
        Ok(letters)
    }

    fn begin(id: LetterId, entry: Entry) -> Self {
        let (entries, state) = (Vec::new(), DeadLetter::default());
        let mut letter = Self { id, entries, state, wakes_at: None, subject: Subject::Unknown };
        letter.take(entry);
        letter
    }

    fn take(&mut self, entry: Entry) {
        self.state.apply(&entry.event);
        self.entries.push(entry);
    }

    async fn look_up(&self, log: &EventLog) -> Result<Subject, Failure> {
        let (cause_stream, sequence, place) = match &self.entries[0].event {
            DeadLetterEvent::MessageDeadLettered { cause_stream, cause_sequence, place, .. } => {
                (cause_stream, *cause_sequence, *place as usize)
            }
            _ => return Ok(Subject::Record),
        };
        let mut first = DeadLetter::default();
        first.apply(&self.entries[0].event);
        if first.timer(self.id.0).is_some() {
            return Ok(Subject::Timer);
        }
        let Ok(stream) = cause_stream.parse::<StreamId>() else { return Ok(Subject::Unknown) };
        let Some(stored) = log.read_stream_page(stream, sequence.saturating_sub(1), 1).await?.pop() else {
            return Ok(Subject::Unknown);
        };
        let Ok(events) = stored.decode() else { return Ok(Subject::Unknown) };
        let message = messages_of(stream, &events).into_iter().nth(place);
        let other = if events.iter().any(|event| announcement(event).is_some()) {
            Subject::Announcement
        } else {
            Subject::Unknown
        };
        Ok(message.map_or(other, |message| Subject::Message(Box::new(message))))
    }

    /// The trip it is about, if that is known.
    pub(super) fn booking(&self) -> Option<BookingId> {
        self.entries[0].event.booking()
    }

    /// Why it was set aside the last time.
    pub(super) fn reason(&self) -> Option<&Reason> {
        self.entries.iter().rev().find_map(|entry| entry.event.failure())
    }

    /// How often it was set aside.
    pub(super) fn times(&self) -> usize {
        self.entries.iter().filter(|entry| entry.event.failure().is_some()).count()
    }

    /// The word of the program's contract for its state.
    pub(super) const fn state(&self) -> &'static str {
        match self.state {
            DeadLetter::Absent | DeadLetter::SetAside(_) => "set aside",
            DeadLetter::Retried(_) => "retried",
            DeadLetter::Discarded => "discarded",
        }
    }

    /// How it goes on, as far as the log tells.
    pub(super) fn outlook(&self) -> Outlook {
        if self.state.is_discarded() {
            return Outlook::Discarded;
        }
        if self.wakes_at.is_some() {
            return Outlook::ComesAgain;
        }
        match &self.subject {
            Subject::Timer => Outlook::TimerFires,
            // The wake-up of what was tried again goes when it was handled.
            _ if matches!(self.state, DeadLetter::Retried(_)) => Outlook::Handled,
            _ if self.has_answered() => Outlook::SagaAsksAgain,
            Subject::Message(message) if message.to == Destination::Gateway => Outlook::PaymentAsksAgain,
            Subject::Message(_) => Outlook::Handled,
            Subject::Record | Subject::Announcement | Subject::Unknown => Outlook::NeedsOperator,
        }
    }

    fn has_answered(&self) -> bool {
        match &self.entries[0].event {
            DeadLetterEvent::MessageDeadLettered { instruction, .. } => instruction.is_some(),
            DeadLetterEvent::RecordDeadLettered { instruction, booking, .. } => {
                instruction.is_some() && booking.is_some()
            }
            _ => false,
        }
    }

    /// What it was, in words.
    pub(super) fn what(&self) -> String {
        match &self.subject {
            Subject::Timer => "a timer of the saga".to_owned(),
            Subject::Message(message) => of_body(&message.body),
            Subject::Record => match &self.entries[0].event {
                DeadLetterEvent::RecordDeadLettered { topic, .. } => format!("a record of {topic}"),
                _ => "a record".to_owned(),
            },
            Subject::Announcement => "an announcement".to_owned(),
            Subject::Unknown => "a message whose cause cannot be read".to_owned(),
        }
    }
}

fn of_body(body: &Body) -> String {
    match body {
        Body::StartTrip(_) => "the trip's beginning".to_owned(),
        Body::CancelTrip => "the traveller's cancellation".to_owned(),
        Body::Instruction(asked) => {
            let (step, attempt) = (asked.order.step().as_str(), asked.attempt);
            format!("{} {step}, try {attempt}", word(asked.direction))
        }
        Body::Answer(answer) => {
            format!("the answer to {} {}, try {}", word(answer.direction), answer.step.as_str(), answer.attempt)
        }
        Body::Points(order) => format!("{} points, try {}", word(order.direction), order.attempt),
        Body::Earn(_) => "the points that the trip brings".to_owned(),
        Body::Reverse(_) => "the points that the trip had brought".to_owned(),
        Body::GatewayCall(_) | Body::LookUp(_) => "what the gateway said of a call".to_owned(),
    }
}

const fn word(direction: Direction) -> &'static str {
    match direction {
        Direction::Request => "request",
        Direction::Undo => "undo",
    }
}
