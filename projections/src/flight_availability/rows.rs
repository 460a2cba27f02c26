//! Flights in the making.

use std::collections::BTreeMap;

use traveladvisor_domain::flight::FlightDetails;
use traveladvisor_domain::id::FlightId;

use crate::runtime::{Changes, Holds, Meeting, Rows, Table, column};

/// About how many bytes a flight takes in memory, with its cabins.
const FLIGHT_BYTES: usize = 1_024;
/// About how many bytes the sales of a cabin take.
const SALE_BYTES: usize = 128;

/// Departures as they are last said.
pub(super) static FLIGHTS: Table = Table {
    name: "flights",
    columns: &[
        column("id", Holds::Uuid),
        column("supplier", Holds::Text),
        column("code", Holds::Text),
        column("carrier", Holds::Text),
        column("origin", Holds::Text),
        column("origin_zone", Holds::Text),
        column("destination", Holds::Text),
        column("destination_zone", Holds::Text),
        column("departure_at", Holds::Instant),
        column("arrival_at", Holds::Instant),
        column("departure_date", Holds::Date),
    ],
    meeting: Meeting::Merges(
        "(id) DO UPDATE SET (supplier, code, carrier, origin, origin_zone, destination, destination_zone, departure_at, arrival_at, departure_date) = \
         (excluded.supplier, excluded.code, excluded.carrier, excluded.origin, excluded.origin_zone, excluded.destination, excluded.destination_zone, excluded.departure_at, excluded.arrival_at, excluded.departure_date)",
    ),
};

/// What they sell: replaced as a whole, what is withdrawn is gone.
pub(super) static CABINS: Table = Table {
    name: "flight_cabins",
    columns: &[
        column("flight_id", Holds::Uuid),
        column("cabin", Holds::Text),
        column("cabin_key", Holds::Text),
        column("place", Holds::Int),
        column("seats", Holds::Int),
        column("minor", Holds::Int),
        column("currency", Holds::Text),
    ],
    meeting: Meeting::Never,
};

/// Flights whose cabins go.
static REPLACED_FLIGHTS: Table =
    Table { name: "flight_cabins", columns: &[column("flight_id", Holds::Uuid)], meeting: Meeting::Never };

/// Seats sold, written as a difference.
pub(super) static SALES: Table = Table {
    name: "flight_sales",
    columns: &[column("flight_id", Holds::Uuid), column("cabin", Holds::Text), column("sold", Holds::Int)],
    meeting: Meeting::Merges("(flight_id, cabin) DO UPDATE SET sold = known.sold + excluded.sold"),
};

/// What a batch of events changes.
#[derive(Debug, Default)]
pub struct FlightBatch {
    /// Details as they are last said.
    pub(super) details: BTreeMap<FlightId, FlightDetails>,
    /// Seats sold, less seats given back.
    sold: BTreeMap<(FlightId, String), i64>,
}

impl FlightBatch {
    pub(super) fn sell(&mut self, flight: FlightId, cabin: &str, seats: i64) {
        *self.sold.entry((flight, cabin.to_owned())).or_default() += seats;
    }

    pub(super) fn bytes(&self) -> usize {
        self.details.len() * FLIGHT_BYTES + self.sold.len() * SALE_BYTES
    }

    pub(super) fn flush(self, changes: &mut Changes) {
        let (mut flights, mut replaced) = (Rows::new(&FLIGHTS), Rows::new(&REPLACED_FLIGHTS));
        let (mut cabins, mut sales) = (Rows::new(&CABINS), Rows::new(&SALES));
        for (id, flight) in &self.details {
            write_flight(&mut flights, *id, flight);
            replaced.row().uuid(id.0);
            write_cabins(&mut cabins, *id, flight);
        }
        for ((flight, cabin), sold) in &self.sold {
            sales.row().uuid(flight.0).text(cabin).int(*sold);
        }
        changes.write(flights);
        changes.delete(replaced);
        changes.write(cabins);
        changes.write(sales);
    }
}

fn write_flight(rows: &mut Rows, id: FlightId, flight: &FlightDetails) {
    let mut row = rows.row();
    row.uuid(id.0).text(&flight.supplier).text(&flight.code).text(&flight.carrier);
    row.text(&flight.origin).text(flight.origin_zone.name());
    row.text(&flight.destination).text(flight.destination_zone.name());
    row.instant(flight.departure_at).instant(flight.arrival_at).date(flight.departure_date());
}

fn write_cabins(rows: &mut Rows, id: FlightId, flight: &FlightDetails) {
    for (place, cabin) in (0_i64..).zip(&flight.cabins) {
        let mut row = rows.row();
        row.uuid(id.0).text(&cabin.cabin).text(&cabin.cabin.to_lowercase()).int(place);
        row.int(i64::from(cabin.seats)).int(cabin.price.minor).text(cabin.price.currency.as_str());
    }
}
