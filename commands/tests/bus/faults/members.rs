//! Processes of one role come, leave, die and stand still while trips are under way.

use std::time::Duration;

use traveladvisor_domain::context::Context;
use traveladvisor_infra::event_log::{LEASE, RELAY};
use traveladvisor_infra::testing::{Frozen, broker, chaos};

use crate::bus::process::SESSION_MS;
use crate::bus::{ALL_END, Cluster};
use crate::child::OtherProcess;

/// Trips of each part of a test.
const TRIPS: usize = 10;
/// Longer than a lease and than a session of such a process: whoever stands still for so long has lost everything.
const FROZEN: Duration = Duration::from_secs(4);

#[tokio::test(flavor = "multi_thread")]
async fn processes_of_a_role_come_leave_and_die_in_mid_flight_and_nothing_is_lost_or_done_twice() {
    let mut cluster = Cluster::without_engines(broker::settings().await).await.with_plenty().await;
    cluster.stop_all(Context::Hotel).await;
    let mut booked = 0;
    for round in 0..chaos() {
        let first = cluster.start_process(Context::Hotel, None).await;
        cluster.book_some(&format!("one {round}"), TRIPS).await;
        let second = cluster.start_process(Context::Hotel, None).await;
        cluster.book_some(&format!("two {round}"), TRIPS).await;
        first.ends().await;
        cluster.book_some(&format!("left {round}"), TRIPS).await;
        let third = cluster.start_process(Context::Hotel, None).await;
        cluster.book_some(&format!("three {round}"), TRIPS).await;
        second.kill().await;
        cluster.book_some(&format!("killed {round}"), TRIPS).await;
        booked += 5 * TRIPS;
        cluster.until_ended(booked).await;
        third.ends().await;
    }
    cluster.judged(booked).await;
    cluster.no_letters().await;
    cluster.stop().await;
}

/// Which turn of the relay of a log it is.
async fn turn(cluster: &Cluster, context: Context) -> u64 {
    let owners = cluster.logs[&context].owners().await.expect("read");
    owners.into_iter().find(|owner| owner.name == RELAY).map_or(0, |owner| owner.epoch)
}

/// Waits until somebody has taken a turn after this one.
async fn followed(cluster: &Cluster, context: Context, owned: u64) {
    let followed = async {
        while turn(cluster, context).await <= owned {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(ALL_END, followed).await.expect("another one takes its turn");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_frozen_beyond_its_lease_and_its_session_is_followed_and_can_do_nothing_more_when_it_wakes() {
    assert!(FROZEN > LEASE.max(Duration::from_millis(SESSION_MS)), "it is to lose its lease, and its partitions");
    let mut cluster = Cluster::without_engines(broker::settings().await).await.with_plenty().await;
    let mut booked = 0;
    let roles = [Context::Flight, Context::Booking];
    for round in 0..chaos() {
        // The processes that stand still own the relays and all partitions, with work in hand. Callers of booking go to another one.
        let mut owners = Vec::new();
        let mut owned = Vec::new();
        for context in roles {
            cluster.stop_all(context).await;
            let before = turn(&cluster, context).await;
            owners.push(cluster.start_process(context, None).await);
            followed(&cluster, context, before).await;
            owned.push(turn(&cluster, context).await);
            cluster.start(context).await;
        }
        cluster.know_supply().await;
        cluster.book_some(&format!("{round}"), TRIPS).await;
        let frozen = Frozen::these(owners.iter().map(OtherProcess::id));
        cluster.book_some(&format!("{round} frozen"), TRIPS).await;
        tokio::time::sleep(FROZEN).await;
        for (context, owned) in roles.into_iter().zip(owned) {
            followed(&cluster, context, owned).await;
        }
        booked += 2 * TRIPS;
        cluster.until_ended(booked).await;
        drop(frozen);
        cluster.book_some(&format!("{round} awake"), TRIPS).await;
        booked += TRIPS;
        cluster.until_ended(booked).await;
        for owner in owners {
            owner.ends().await;
        }
    }
    cluster.judged(booked).await;
    cluster.no_letters().await;
    cluster.stop().await;
}
