//! An event taken into the rows of its hotel.

use chrono::{Days, NaiveDate};
use traveladvisor_domain::hotel::HotelEvent;
use traveladvisor_domain::id::HotelId;
use traveladvisor_domain::trip::HotelPart;

use super::rows::HotelBatch;

pub(super) fn fold(batch: &mut HotelBatch, hotel: HotelId, event: &HotelEvent) {
    match event {
        HotelEvent::HotelListed { details, .. } | HotelEvent::HotelChanged { details, .. } => {
            batch.details.insert(hotel, details.clone());
        }
        HotelEvent::AllotmentChanged { room_type, from, to, rooms, stop_sell, .. } => {
            for night in nights(*from, *to) {
                let change = batch.night(hotel, room_type, night);
                change.rooms = rooms.map(i64::from).or(change.rooms);
                change.stop_sell = stop_sell.or(change.stop_sell);
            }
        }
        HotelEvent::RoomsReserved { part, .. } => sell(batch, hotel, part, i64::from(part.rooms)),
        HotelEvent::RoomsReleased { part, .. } => sell(batch, hotel, part, -i64::from(part.rooms)),
        HotelEvent::RoomsRefused { .. } | HotelEvent::ReservationBarred { .. } | HotelEvent::AnswerRepeated { .. } => {}
    }
}

fn sell(batch: &mut HotelBatch, hotel: HotelId, part: &HotelPart, rooms: i64) {
    for night in part.stay.nights() {
        batch.night(hotel, &part.room_type, night).sold += rooms;
    }
}

fn nights(from: NaiveDate, to: NaiveDate) -> impl Iterator<Item = NaiveDate> {
    (0..(to - from).num_days()).filter_map(move |n| from.checked_add_days(Days::new(n.unsigned_abs())))
}
