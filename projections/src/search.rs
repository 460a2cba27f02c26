//! What readers ask for: filters, searches and pages.

use chrono::{DateTime, NaiveDate, Utc};
use traveladvisor_domain::campaign::{Action, CampaignStatus};
use traveladvisor_domain::id::MemberId;
use traveladvisor_domain::rental::Rental;
use traveladvisor_domain::stay::Stay;

use crate::sql::is_storable_date;
use crate::views::{BookingStatus, SagaStatus};

/// Most items of one page; what is asked for beyond it is not given.
pub const PAGE_ITEMS_MAX: usize = 100;

/// Most days of a [`Period`]: a quarter of a year.
pub const PERIOD_DAYS_MAX: i64 = 92;

/// Days from one to another, the latter excluded: 1 to [`PERIOD_DAYS_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    from: NaiveDate,
    to: NaiveDate,
}

impl Period {
    /// So many days that can be read at once; nothing for fewer or more, or where days lie outside the years 1 to 9999.
    pub fn new(from: NaiveDate, to: NaiveDate) -> Option<Self> {
        let is_readable = [from, to].into_iter().all(is_storable_date);
        (is_readable && (1..=PERIOD_DAYS_MAX).contains(&(to - from).num_days())).then_some(Self { from, to })
    }

    /// The first day.
    pub const fn from(self) -> NaiveDate {
        self.from
    }

    /// The day after the last one.
    pub const fn to(self) -> NaiveDate {
        self.to
    }

    /// Every day, in order.
    pub fn days(self) -> impl Iterator<Item = NaiveDate> {
        self.from.iter_days().take_while(move |day| *day < self.to)
    }
}

/// From which end of a list, or of the part between two cursors, and how many: at most [`PAGE_ITEMS_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    /// So many from its beginning.
    First(usize),
    /// So many from its end. They are given in the order of the list all the same.
    Last(usize),
}

/// Which of a page's two cursors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CursorEnd {
    /// That after which it begins.
    After,
    /// That before which it ends.
    Before,
}

/// Which part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Items wanted.
    pub take: Take,
    /// A cursor that an earlier page gave: only what comes after it.
    pub after: Option<String>,
    /// A cursor that an earlier page gave: only what comes before it.
    pub before: Option<String>,
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Slice<T> {
    /// Each item with its cursor.
    pub items: Vec<(String, T)>,
    /// Something follows in the list.
    pub has_next: bool,
    /// Something comes before in the list.
    pub has_previous: bool,
}

impl Page {
    /// So many from the beginning.
    pub const fn first(items: usize) -> Self {
        Self { take: Take::First(items), after: None, before: None }
    }

    /// So many from the end.
    pub const fn last(items: usize) -> Self {
        Self { take: Take::Last(items), after: None, before: None }
    }

    /// The same of what comes after a cursor, if one is given.
    #[must_use]
    pub fn after(self, cursor: impl Into<Option<String>>) -> Self {
        Self { after: cursor.into(), ..self }
    }

    /// The same of what comes before a cursor, if one is given.
    #[must_use]
    pub fn before(self, cursor: impl Into<Option<String>>) -> Self {
        Self { before: cursor.into(), ..self }
    }

    /// Items that may be given.
    pub(crate) fn items_max(&self) -> usize {
        let (Take::First(items) | Take::Last(items)) = self.take;
        items.min(PAGE_ITEMS_MAX)
    }

    /// One more than is given, to know whether there is more.
    pub(crate) fn rows_to_read(&self) -> i64 {
        self.items_max() as i64 + 1
    }
}

impl<T> Slice<T> {
    /// A page of a list in which nothing stands.
    pub(crate) const fn empty() -> Self {
        Self { items: Vec::new(), has_next: false, has_previous: false }
    }
}

/// Which bookings. All that is given must hold; an empty list holds always.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BookingFilter {
    /// Only those of this caller.
    pub owner: Option<String>,
    /// Only those of this traveller; upper and lower case are the same.
    pub traveller_email: Option<String>,
    /// Only these states.
    pub status: Vec<BookingStatus>,
    /// Only these states of the saga.
    pub saga_status: Vec<SagaStatus>,
    /// Asked for at this instant or later. Instants outside the years 1 to 9999 match nothing.
    pub created_from: Option<DateTime<Utc>>,
    /// Asked for before this instant.
    pub created_to: Option<DateTime<Utc>>,
}

/// Which trips of a traveller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TravellerTrips<'a> {
    /// The traveller's e-mail address; upper and lower case are the same.
    pub email: &'a str,
    /// Only those of this caller.
    pub owner: Option<&'a str>,
}

impl<'a> TravellerTrips<'a> {
    /// All of them, whoever asked for them.
    pub const fn of(email: &'a str) -> Self {
        Self { email, owner: None }
    }
}

/// Which sagas. All that is given must hold; an empty list holds always. With `needs_attention` or a fingerprint those come first that
/// wait the longest for an operator, otherwise the newest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SagaFilter {
    /// Only these states.
    pub status: Vec<SagaStatus>,
    /// Only those that need an operator, or only those that do not.
    pub needs_attention: Option<bool>,
    /// Only those that need an operator for this reason.
    pub fingerprint: Option<String>,
    /// Only those that are to be woken before this instant. Instants outside the years 1 to 9999 match nothing.
    pub wakes_before: Option<DateTime<Utc>>,
}

/// Which campaigns. All that is given must hold; an empty list holds always.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignFilter {
    /// Only those that stand so at the moment `now`.
    pub status: Vec<CampaignStatus>,
    /// Only those that reward these actions.
    pub action: Vec<Action>,
    /// The caller's clock: a campaign opens and ends by dates. Instants outside the years 1 to 9999 match nothing.
    pub now: DateTime<Utc>,
}

impl CampaignFilter {
    /// All campaigns there are.
    pub const fn all(now: DateTime<Utc>) -> Self {
        Self { status: Vec::new(), action: Vec::new(), now }
    }
}

/// Which rewards. All that is given must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VoucherFilter {
    /// Whose.
    pub member: MemberId,
    /// Only what a trip can use at this moment. Instants outside the years 1 to 9999 match nothing.
    pub usable_at: Option<DateTime<Utc>>,
}

impl VoucherFilter {
    /// All that a member was granted, of all kinds.
    pub const fn of(member: MemberId) -> Self {
        Self { member, usable_at: None }
    }
}

/// Which hotels. All that is given must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HotelSearch {
    /// The city's name; upper and lower case are the same.
    pub city: Option<String>,
    /// ISO 3166-1 alpha-2; upper and lower case are the same.
    pub country: Option<String>,
    /// Words that all stand, whole or as a part of a word, in name or city; upper and lower case are the same, `%` and `_` are letters.
    pub text: Option<String>,
    /// With a stay only hotels are given that still sell `rooms` rooms of one type in each of its nights.
    pub stay: Option<Stay>,
    /// Rooms wanted.
    pub rooms: u32,
}

/// Which flights. All that is given must hold. Only those are given that still sell `seats` seats of one cabin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlightSearch {
    /// IATA code; upper and lower case are the same.
    pub origin: Option<String>,
    /// IATA code; upper and lower case are the same.
    pub destination: Option<String>,
    /// The calendar day of departure, at the origin.
    pub departure_date: Option<NaiveDate>,
    /// Only those that depart after this instant: who searches in order to book gives the present one.
    pub departing_after: Option<DateTime<Utc>>,
    /// The cabin that must have the seats; absent: any one. Upper and lower case are the same.
    pub cabin: Option<String>,
    /// Seats wanted.
    pub seats: u32,
}

/// Which cars. All that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CarSearch {
    /// Where; upper and lower case are the same.
    pub location: Option<String>,
    /// Which class; upper and lower case are the same.
    pub car_class: Option<String>,
    /// With a rental only fleets are given that have a vehicle for the whole of it.
    pub rental: Option<Rental>,
}

impl Default for HotelSearch {
    fn default() -> Self {
        Self { city: None, country: None, text: None, stay: None, rooms: 1 }
    }
}

impl Default for FlightSearch {
    fn default() -> Self {
        Self { origin: None, destination: None, departure_date: None, departing_after: None, cabin: None, seats: 1 }
    }
}

impl Default for Page {
    fn default() -> Self {
        Self::first(20)
    }
}
