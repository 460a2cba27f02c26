//! Pages: which part of a list is asked for, and connections.

use async_graphql::{Result, SimpleObject};
use traveladvisor_projections::reads::{Page, Slice};
use traveladvisor_projections::views;

use super::{Booking, Car, Flight, Hotel, Saga, TravellerBooking};
use crate::graphql::fault::argument_error;
use crate::limits::{CURSOR_BYTES_MAX, PAGE_DEFAULT, PAGE_MAX};

/// Which part of a list there is.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct PageInfo {
    /// Whether more follows: ask again with `after: endCursor`.
    pub(crate) has_next_page: bool,
    /// Whether something comes before.
    pub(crate) has_previous_page: bool,
    /// The cursor of the first entry; null when the page is empty.
    pub(crate) start_cursor: Option<String>,
    /// The cursor of the last entry; null when the page is empty.
    pub(crate) end_cursor: Option<String>,
}

/// The arguments `first` and `after`.
pub(crate) struct Window {
    pub(crate) first: Option<i64>,
    pub(crate) after: Option<String>,
}

impl Window {
    /// Entries that the page may have, for the price of the query.
    pub(crate) fn entries(first: Option<i64>) -> usize {
        usize::try_from(first.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX)).unwrap_or(1)
    }
}

/// The part of the list, within its bounds.
pub(crate) fn page(window: Window) -> Result<Page> {
    let first = window.first.unwrap_or(PAGE_DEFAULT);
    if !(1..=PAGE_MAX).contains(&first) {
        return Err(argument_error(&["first"], format!("A page has 1 to {PAGE_MAX} entries: ask for fewer at once.")));
    }
    if window.after.as_ref().is_some_and(|cursor| cursor.len() > CURSOR_BYTES_MAX || cursor.contains('\0')) {
        return Err(bad_cursor());
    }
    Ok(Page { first: Window::entries(Some(first)), after: window.after })
}

/// The cursor is none that the list gave.
pub(crate) fn bad_cursor() -> async_graphql::Error {
    argument_error(&["after"], "The cursor is none of this list: hand back one that it gave.")
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
            /// Its place: hand it back as `after`.
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

        impl From<Slice<$view>> for $connection {
            fn from(slice: Slice<$view>) -> Self {
                let cursor = |entry: Option<&(String, $view)>| entry.map(|(cursor, _)| cursor.clone());
                let page_info = PageInfo {
                    has_next_page: slice.has_next,
                    has_previous_page: slice.has_previous,
                    start_cursor: cursor(slice.items.first()),
                    end_cursor: cursor(slice.items.last()),
                };
                let edge = |(cursor, view)| $edge { cursor, node: $node::from(view) };
                Self { edges: slice.items.into_iter().map(edge).collect(), page_info }
            }
        }
    };
}

connection!(BookingConnection, BookingEdge, Booking, views::BookingView, "bookings");
connection!(HotelConnection, HotelEdge, Hotel, views::HotelView, "hotels");
connection!(FlightConnection, FlightEdge, Flight, views::FlightView, "flights");
connection!(CarConnection, CarEdge, Car, views::CarView, "cars");
connection!(SagaConnection, SagaEdge, Saga, views::SagaView, "sagas");
connection!(
    TravellerBookingConnection,
    TravellerBookingEdge,
    TravellerBooking,
    views::TravellerBookingView,
    "trips of a traveller"
);
