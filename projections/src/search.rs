//! What readers ask for: filters, searches and pages.

use chrono::{DateTime, NaiveDate, Utc};
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

/// Which part of a list. Lists are read forward.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Items wanted, at most [`PAGE_ITEMS_MAX`].
    pub first: usize,
    /// A cursor that an earlier page gave: only what comes after it.
    pub after: Option<String>,
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Slice<T> {
    /// Each item with its cursor.
    pub items: Vec<(String, T)>,
    /// More follows.
    pub has_next: bool,
    /// Something comes before: true for every page that begins after a cursor.
    pub has_previous: bool,
}

impl Page {
    /// Items that may be given.
    pub(crate) fn items_max(&self) -> usize {
        self.first.min(PAGE_ITEMS_MAX)
    }

    /// One more than is given, to know whether more follows.
    pub(crate) fn rows_to_read(&self) -> i64 {
        self.items_max() as i64 + 1
    }
}

impl<T> Slice<T> {
    /// A page on which nothing stands.
    pub(crate) const fn empty(page: &Page) -> Self {
        Self { items: Vec::new(), has_next: false, has_previous: page.after.is_some() }
    }

    /// A page of the rows that were read for it.
    pub(crate) fn cut(mut items: Vec<(String, T)>, page: &Page) -> Self {
        let has_next = items.len() > page.items_max();
        items.truncate(page.items_max());
        Self { items, has_next, has_previous: page.after.is_some() }
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
        Self { first: 20, after: None }
    }
}
