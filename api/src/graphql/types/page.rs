//! Pages: which part of a list is asked for, and connections.

use async_graphql::{Context, Result, SimpleObject, Value};
use chrono::{DateTime, Utc};
use traveladvisor_projections::reads::{CursorEnd, Page, Slice};
use traveladvisor_projections::views;

use super::{Booking, Campaign, Car, Flight, Hotel, PointsEntry, Reward, Saga, TravellerBooking};
use crate::graphql::fault::argument_error;
use crate::limits::{CURSOR_BYTES_MAX, PAGE_DEFAULT, PAGE_MAX};

const NO_CURSOR: &str = "The cursor is none of this list: hand back one that it gave.";

/// Which part of a list there is.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct PageInfo {
    /// Whether something follows: ask again with `first`, and `after: endCursor`.
    pub(crate) has_next_page: bool,
    /// Whether something comes before: ask again with `last`, and `before: startCursor`.
    pub(crate) has_previous_page: bool,
    /// The cursor of the first entry; null when the page is empty.
    pub(crate) start_cursor: Option<String>,
    /// The cursor of the last entry; null when the page is empty.
    pub(crate) end_cursor: Option<String>,
}

/// The arguments of a list: from its beginning `first`, or from its end `last`, of what stands between `after` and `before`.
pub(crate) struct Window {
    pub(crate) first: Option<i64>,
    pub(crate) after: Option<String>,
    pub(crate) last: Option<i64>,
    pub(crate) before: Option<String>,
}

/// The part of the list, within its bounds. Whoever names `last` need not take the default of `first` away; both given by the caller are
/// refused, as no order of the two says what is wanted.
pub(crate) fn page(ctx: &Context<'_>, window: Window) -> Result<Page> {
    let page = match (window.first, window.last) {
        (Some(_), Some(_)) if is_given(ctx, "first")? => {
            return Err(argument_error(&["last"], "Give first or last, not both: a page begins at one end."));
        }
        (_, Some(last)) => Page::last(entries("last", last)?),
        (first, None) => Page::first(entries("first", first.unwrap_or(PAGE_DEFAULT))?),
    };
    Ok(page.after(cursor("after", window.after)?).before(cursor("before", window.before)?))
}

fn entries(argument: &str, wanted: i64) -> Result<usize> {
    if !(1..=PAGE_MAX).contains(&wanted) {
        return Err(argument_error(&[argument], format!("A page has 1 to {PAGE_MAX} entries: ask for fewer at once.")));
    }
    Ok(usize::try_from(wanted).unwrap_or(1))
}

fn cursor(argument: &str, given: Option<String>) -> Result<Option<String>> {
    if given.as_ref().is_some_and(|cursor| cursor.len() > CURSOR_BYTES_MAX || cursor.contains('\0')) {
        return Err(argument_error(&[argument], NO_CURSOR));
    }
    Ok(given)
}

/// Whether the caller gave an argument a value: a default is none that was given.
fn is_given(ctx: &Context<'_>, argument: &str) -> Result<bool> {
    let given = ctx.field().arguments()?;
    Ok(given.iter().any(|(name, value)| name.as_str() == argument && *value != Value::Null))
}

/// A cursor is none that the list gave, by the argument in which it stands.
pub(crate) fn bad_cursor(end: CursorEnd) -> async_graphql::Error {
    let argument = match end {
        CursorEnd::After => "after",
        CursorEnd::Before => "before",
    };
    argument_error(&[argument], NO_CURSOR)
}

macro_rules! connection {
    ($connection:ident, $edge:ident, $node:ident, $view:ty, $what:literal) => {
        #[doc = concat!("A page of ", $what, ".")]
        #[derive(Debug, SimpleObject)]
        #[graphql(complex)]
        pub(crate) struct $connection {
            /// The entries with their cursors.
            pub(crate) edges: Vec<$edge>,
            /// Which part of the list this is.
            pub(crate) page_info: PageInfo,
        }

        #[doc = concat!("One of the ", $what, " and its place in the list.")]
        #[derive(Debug, SimpleObject)]
        pub(crate) struct $edge {
            /// Its place: hand it back as `after` or `before`.
            pub(crate) cursor: String,
            /// The entry.
            pub(crate) node: $node,
        }

        #[async_graphql::ComplexObject]
        impl $connection {
            /// The entries alone.
            async fn nodes(&self) -> Vec<&$node> {
                self.edges.iter().map(|edge| &edge.node).collect()
            }
        }

        impl $connection {
            /// A page of what each entry becomes.
            pub(crate) fn of(slice: Slice<$view>, become_node: impl Fn($view) -> $node) -> Self {
                let cursor = |entry: Option<&(String, $view)>| entry.map(|(cursor, _)| cursor.clone());
                let page_info = PageInfo {
                    has_next_page: slice.has_next,
                    has_previous_page: slice.has_previous,
                    start_cursor: cursor(slice.items.first()),
                    end_cursor: cursor(slice.items.last()),
                };
                let edge = |(cursor, view)| $edge { cursor, node: become_node(view) };
                Self { edges: slice.items.into_iter().map(edge).collect(), page_info }
            }
        }
    };
}

/// A page of what tells all by itself.
macro_rules! plain_connection {
    ($connection:ident, $edge:ident, $node:ident, $view:ty, $what:literal) => {
        connection!($connection, $edge, $node, $view, $what);

        impl From<Slice<$view>> for $connection {
            fn from(slice: Slice<$view>) -> Self {
                Self::of(slice, $node::from)
            }
        }
    };
}

/// A page of what stands differently at different moments.
macro_rules! timed_connection {
    ($connection:ident, $edge:ident, $node:ident, $view:ty, $what:literal) => {
        connection!($connection, $edge, $node, $view, $what);

        impl $connection {
            /// The page as it stands at a moment.
            pub(crate) fn at(slice: Slice<$view>, now: DateTime<Utc>) -> Self {
                Self::of(slice, |view| $node::at(view, now))
            }
        }
    };
}

plain_connection!(BookingConnection, BookingEdge, Booking, views::BookingView, "bookings");
plain_connection!(HotelConnection, HotelEdge, Hotel, views::HotelView, "hotels");
plain_connection!(FlightConnection, FlightEdge, Flight, views::FlightView, "flights");
plain_connection!(CarConnection, CarEdge, Car, views::CarView, "cars");
plain_connection!(SagaConnection, SagaEdge, Saga, views::SagaView, "sagas");
plain_connection!(
    TravellerBookingConnection,
    TravellerBookingEdge,
    TravellerBooking,
    views::TravellerBookingView,
    "trips of a traveller"
);
timed_connection!(CampaignConnection, CampaignEdge, Campaign, views::CampaignView, "campaigns");
timed_connection!(RewardConnection, RewardEdge, Reward, views::VoucherView, "rewards");
connection!(PointsEntryConnection, PointsEntryEdge, PointsEntry, views::PointsEntryView, "entries of a points account");
