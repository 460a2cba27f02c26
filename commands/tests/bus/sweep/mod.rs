//! The crash sweep around the broker: processes of all contexts are killed before and after every call that leaves them, at the same time
//! and one after the other, while travellers go on. Where they can die is not written down here: it is recorded from a run in which nobody
//! dies, so that a new fail point is swept by itself.

mod chain;
mod plan;
mod travellers;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use traveladvisor_domain::context::Context;
use traveladvisor_infra::fail_points::Point;
use traveladvisor_infra::testing::{broker, chaos};

use self::chain::{Chain, book_through};
use self::plan::{PASSES, Record, deaths, recorded};
pub(super) use self::travellers::obey;
use self::travellers::{TRIPS, Travellers, invite};
use super::Cluster;

/// Rooms, seats and vehicles for everything that is booked while processes die.
const PLENTY: u32 = 1_000;

/// What every context must have been seen to pass: else nothing is proved of it.
const EVERYWHERE: &[Point] =
    &[Point::Append, Point::CheckpointMoved, Point::LeaseClaimed, Point::RecordSent, Point::RecordTaken];
/// And whoever pays.
const GATEWAY: &[Point] = &[Point::Charge, Point::Refund];
/// Timers are held at the beginning of a turn, longer than a short run is. A long one waits for them, so that it sees them as well.
const TIMERS_ARE_HELD: Duration = Duration::from_secs(12);

#[tokio::test(flavor = "multi_thread")]
async fn whatever_dies_before_or_after_whatever_call_others_go_on_and_nothing_is_lost_or_done_twice() {
    let mut cluster = Cluster::without_engines(broker::settings().await).await.with_plenty().await;
    cluster.list_supply((PLENTY, PLENTY, PLENTY)).await;
    invite(&cluster).await;
    cluster.stop().await;
    let mut travellers = Travellers::default();
    let record = nobody_dies(&cluster, &mut travellers).await;
    let passes = if chaos() > 1 { PASSES } else { &PASSES[..1] };
    let deaths = deaths(&record, passes);
    let planned: usize = deaths.values().map(Vec::len).sum();
    let mut last = all_die(&cluster, deaths, &mut travellers).await;
    for booking in last.iter_mut().filter(|chain| chain.context == Context::Booking) {
        travellers.cancel_what_is_left(booking).await;
    }
    let verdict = cluster.judged(travellers.booked()).await;
    cluster.no_letters().await;
    assert!(verdict.approved > 0 && verdict.cancelled > 0 && verdict.paid > 0);
    // Past the test runner, which keeps what a test that went well has printed.
    let told = format!("points swept: {planned} deaths at a broker, {} trips", verdict.bookings);
    writeln!(std::io::stdout(), "{told}").expect("standard output");
    join_all(last.into_iter().map(Chain::ends)).await;
}

/// One run of all that travellers do, in which every process counts what it passes.
async fn nobody_dies(cluster: &Cluster, travellers: &mut Travellers) -> Record {
    let mut chains = join_all(Context::ALL.map(|context| Chain::alive(cluster, context))).await;
    let booking = chains.iter().position(|chain| chain.context == Context::Booking).expect("one of them");
    while travellers.booked() < TRIPS {
        travellers.book(&mut chains[booking]).await.expect("it lives");
    }
    cluster.judged(travellers.booked()).await;
    // Now they stand: what was taken and paid is given back.
    travellers.cancel_what_is_left(&mut chains[booking]).await;
    cluster.judged(travellers.booked()).await;
    if chaos() > 1 {
        tokio::time::sleep(TIMERS_ARE_HELD).await;
    }
    let mut record = Record::new();
    for chain in &mut chains {
        let seen = recorded(&chain.ask("passes").await.expect("it lives"));
        let ours = EVERYWHERE.iter().chain(if chain.context == Context::Payment { GATEWAY } else { &[] });
        for point in ours {
            assert!(seen.contains_key(point.as_str()), "{} never came to {point:?}: {seen:?}", chain.context);
        }
        record.insert(chain.context, seen);
    }
    join_all(chains.into_iter().map(Chain::ends)).await;
    record
}

/// Each context's processes die one after the other, those of all contexts at the same time; a process of each is alive at the end.
async fn all_die<'c>(
    cluster: &'c Cluster,
    mut deaths: BTreeMap<Context, Vec<String>>,
    travellers: &mut Travellers,
) -> Vec<Chain<'c>> {
    let of_booking = deaths.remove(&Context::Booking).expect("it dies as well");
    let others = AtomicUsize::new(deaths.len());
    let dying = deaths.into_iter().map(async |(context, deaths)| {
        let alive = Chain::suffer(cluster, context, deaths).await;
        others.fetch_sub(1, Ordering::SeqCst);
        alive
    });
    let (mut alive, booking) = tokio::join!(
        join_all(dying),
        book_through(cluster, of_booking, travellers, || others.load(Ordering::SeqCst) > 0)
    );
    alive.push(booking);
    alive
}
