//! Pages of every list, in both directions: each entry once, and the truth of what comes before and after.

use std::future::Future;

use traveladvisor_domain::trip::PaymentPlan;
use traveladvisor_projections::reads::{
    BookingFilter, CarSearch, CursorEnd, FlightSearch, HotelSearch, Page, ReadError, Reads, SagaFilter, Slice,
    TravellerTrips,
};
use traveladvisor_projections::views::{BookingStatus, SagaStatus};

use crate::support::{House, PLENTY, car_details, flight_details, hotel_details, rental, room_type, stay};

/// Reads one list.
type Answer<T> = Result<Slice<T>, ReadError>;

fn cursors<T>(slice: &Slice<T>) -> Vec<String> {
    slice.items.iter().map(|(cursor, _)| cursor.clone()).collect()
}

/// Reads a list in pages of several sizes from either end, and between two of its entries. It has at least five.
pub(crate) async fn assert_paged<T, F: Future<Output = Answer<T>>>(what: &str, read: impl Fn(Page) -> F) {
    let whole = read(Page::first(100)).await.expect("readable");
    assert!(whole.items.len() >= 5 && !whole.has_next && !whole.has_previous, "{what}");
    let whole = cursors(&whole);
    for size in 1..=3 {
        assert_eq!(forward(&read, size).await, whole, "{what}, {size} at a time");
        assert_eq!(backward(&read, size).await, whole, "{what}, {size} at a time from the end");
    }
    let last = whole.len() - 1;
    let between = |page: Page| page.after(whole[0].clone()).before(whole[last].clone());
    for (page, wanted, has_previous, has_next) in [
        (Page::first(100), &whole[1..last], true, true),
        (Page::first(2), &whole[1..3], true, true),
        (Page::last(100), &whole[1..last], true, true),
        (Page::last(2), &whole[last - 2..last], true, true),
    ] {
        let slice = read(between(page.clone())).await.expect("readable");
        assert_eq!(cursors(&slice), wanted, "{what}, {page:?}");
        assert_eq!((slice.has_previous, slice.has_next), (has_previous, has_next), "{what}, {page:?}");
    }
    let nothing = read(Page::first(2).after(whole[last].clone())).await.expect("readable");
    assert_eq!((nothing.items.len(), nothing.has_previous, nothing.has_next), (0, true, false), "{what}");
    let nothing = read(Page::last(2).before(whole[0].clone())).await.expect("readable");
    assert_eq!((nothing.items.len(), nothing.has_previous, nothing.has_next), (0, false, true), "{what}");
    let refused = read(Page::last(2).before("2f".to_owned())).await.map(|slice| slice.items.len());
    assert_eq!(refused, Err(ReadError::BadCursor(CursorEnd::Before)), "{what}");
}

async fn forward<T, F: Future<Output = Answer<T>>>(read: impl Fn(Page) -> F, size: usize) -> Vec<String> {
    let (mut seen, mut page) = (Vec::new(), Page::first(size));
    loop {
        let slice = read(page.clone()).await.expect("readable");
        assert_eq!(slice.has_previous, !seen.is_empty());
        seen.extend(cursors(&slice));
        if !slice.has_next {
            return seen;
        }
        page.after = seen.last().cloned();
    }
}

async fn backward<T, F: Future<Output = Answer<T>>>(read: impl Fn(Page) -> F, size: usize) -> Vec<String> {
    let (mut seen, mut page): (Vec<String>, _) = (Vec::new(), Page::last(size));
    loop {
        let slice = read(page.clone()).await.expect("readable");
        assert_eq!(slice.has_next, !seen.is_empty());
        seen.splice(0..0, cursors(&slice));
        if !slice.has_previous {
            return seen;
        }
        page.before = seen.first().cloned();
    }
}

/// Seven of each kind of offer, of which some share their place in the order.
async fn offers(house: &mut House) {
    for number in 0..7 {
        let code = number.to_string();
        let name = if number < 4 { "Same" } else { "other" };
        house
            .list_hotel(hotel_details(&code, name, "London", vec![room_type("DBL", 1, 1), room_type("SGL", 1, 1)]))
            .await;
        let departs = if number < 4 { "2024-12-24T05:30:00Z" } else { "2024-12-25T05:30:00Z" };
        house.list_flight(flight_details(&code, departs, &[("ECONOMY", 1, 100), ("FIRST", 1, 900)])).await;
        house.list_car(car_details(&code, 1, if number < 4 { 3_000 } else { 4_000 })).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn offers_are_read_in_pages_from_either_end() {
    let mut house = House::new().await;
    offers(&mut house).await;
    let (_projectors, reads) = house.read().await;
    let reads = &reads;
    let stays = HotelSearch { stay: Some(stay("2024-12-24", "2024-12-25")), ..HotelSearch::default() };
    for search in [&stays, &HotelSearch::default()] {
        assert_paged("hotels", |page| async move { reads.hotels(search, &page).await }).await;
    }
    let flights = &FlightSearch::default();
    assert_paged("flights", |page| async move { reads.flights(flights, &page).await }).await;
    let rentals =
        CarSearch { rental: Some(rental("2024-12-24T10:00:00Z", "2024-12-25T10:00:00Z")), ..CarSearch::default() };
    for search in [&rentals, &CarSearch::default()] {
        assert_paged("cars", |page| async move { reads.cars(search, &page).await }).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trips_are_read_in_pages_from_either_end() {
    let mut house = House::new().await;
    let plan = house.offer(PLENTY, PaymentPlan::None).await;
    for number in 1..=7 {
        let booking = house.request(number, "ada", "ada@example.org", plan.clone()).await;
        if number == 1 {
            house.deliver_all().await;
            house.cancel(booking).await;
        }
    }
    let (_projectors, reads) = house.read().await;
    let reads = &reads;
    let pending = BookingFilter { status: vec![BookingStatus::Pending], ..BookingFilter::default() };
    for filter in [&pending, &BookingFilter::default()] {
        assert_paged("bookings", |page| async move { reads.bookings(filter, &page).await }).await;
    }
    let open = SagaFilter { status: vec![SagaStatus::Started, SagaStatus::Processing], ..SagaFilter::default() };
    for filter in [&open, &SagaFilter::default()] {
        assert_paged("sagas", |page| async move { reads.sagas(filter, &page).await }).await;
    }
    let mine = &TravellerTrips::of("ada@example.org");
    assert_paged("a traveller's trips", |page| async move { reads.traveller_bookings(mine, &page).await }).await;
}

async fn numbers(reads: &Reads, page: &Page) -> (Vec<u128>, bool, bool) {
    let slice = reads.bookings(&BookingFilter::default(), page).await.expect("readable");
    let numbers = slice.items.iter().map(|(_, booking)| booking.id.0.as_u128()).collect();
    (numbers, slice.has_previous, slice.has_next)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_back_from_the_end_meets_what_was_added_meanwhile_and_nothing_twice() {
    let mut house = House::new().await;
    let plan = house.offer(PLENTY, PaymentPlan::None).await;
    for number in 1..=4 {
        house.request(number, "ada", "a@b.c", plan.clone()).await;
    }
    let (_projectors, reads) = house.read().await;
    assert_eq!(numbers(&reads, &Page::last(2)).await, (vec![2, 1], true, false));
    let slice = reads.bookings(&BookingFilter::default(), &Page::last(2)).await.expect("readable");
    house.request(5, "ada", "a@b.c", plan.clone()).await;
    house.catch_up(&reads).await;
    let page = Page::last(2).before(slice.items[0].0.clone());
    assert_eq!(numbers(&reads, &page).await, (vec![4, 3], true, true));
    let slice = reads.bookings(&BookingFilter::default(), &page).await.expect("readable");
    house.request(6, "ada", "a@b.c", plan).await;
    house.catch_up(&reads).await;
    let page = Page::last(2).before(slice.items[0].0.clone());
    assert_eq!(numbers(&reads, &page).await, (vec![6, 5], false, true));
}
