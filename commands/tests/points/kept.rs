//! Accounts and campaigns with many events are kept beside them, as hotels are, and go on from there.

use futures::future::join_all;
use traveladvisor_commands::engine::Delivery;
use traveladvisor_commands::engine::limits::SNAPSHOT_EVENTS_MIN;
use traveladvisor_domain::aggregate::Aggregate;
use traveladvisor_domain::campaign::{Action, CampaignDetails, RewardTerms};
use traveladvisor_domain::failure::Code;
use traveladvisor_domain::id::{MemberId, StreamId};
use traveladvisor_domain::together::Together;
use traveladvisor_domain::trip::PaymentPlan;
use traveladvisor_infra::event_log::decode_state;

use super::{address_of, asked_by, book_as, campaign, campaign_id, codes, grant, list, sign_up};
use crate::support::{World, decoded, trip};

/// More events than a snapshot needs.
const MANY: u64 = SNAPSHOT_EVENTS_MIN + 50;

/// Nothing but what goes on from a snapshot can be read of this stream any more. Tells what was kept, which is what the events say.
async fn only_the_snapshot_is_left(world: &World, stream: StreamId) {
    let kept = world.log.read_from_snapshot(stream, 0).await.expect("read").snapshot.expect("it is kept");
    let mut replayed = Aggregate::empty(stream.kind);
    for stored in world.log.read_stream(stream, 0).await.expect("read") {
        if stored.sequence <= kept.sequence {
            assert!(replayed.apply(&decoded(&stored)));
        }
    }
    assert_eq!(decode_state(stream.kind, &kept.payload), Some(replayed));
    let mut connection = world.log.pool().acquire().await.expect("a connection");
    for sql in [
        "ALTER TABLE events DISABLE TRIGGER events_are_final".to_owned(),
        format!("UPDATE events SET payload = '{{}}' WHERE aggregate_id = '{stream}' AND sequence = 1"),
        "ALTER TABLE events ENABLE TRIGGER events_are_final".to_owned(),
    ] {
        sqlx::query(&sql).execute(&mut *connection).await.expect("spoiled");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_with_many_entries_pays_a_trip_without_reading_them_all() {
    let mut world = World::begin(Delivery::Here).await;
    world.engine.submit(sign_up("pat", &address_of("pat"), "key")).await.expect("signed up");
    let member = MemberId::of("pat");
    let gifts = (0..MANY).map(|number| {
        let gift = Together::GivePoints { member, points: 1_000, reason: format!("gift {number}") };
        world.engine.submit(asked_by("operator", gift, Some(&format!("gift {number}"))))
    });
    for gift in join_all(gifts).await {
        gift.expect("given");
    }
    only_the_snapshot_is_left(&world, member.account()).await;
    world.restart(Delivery::Here).await;
    let booking = book_as(&world, "pat", trip(PaymentPlan::Points), "trip").await;
    let story = world.story(booking).await;
    assert!(story.iter().any(|name| name == "PointsRedeemed"), "{story:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_with_many_rewards_grants_those_that_are_left_and_no_more() {
    let mut world = World::begin(Delivery::Here).await;
    let budget = u32::try_from(MANY + 5).expect("a budget");
    let few = CampaignDetails { budget: Some(budget), ..campaign("FEW", Action::Review, RewardTerms::Point(1)) };
    list(&world, few).await;
    world.engine.submit(sign_up("pat", &address_of("pat"), "key")).await.expect("signed up");
    let member = MemberId::of("pat");
    let granted = async |world: &World, causes: std::ops::Range<u64>| {
        let asked = causes.map(|number| {
            let cause = format!("review {number}");
            let asked = asked_by("operator", grant(member, "FEW", &cause), Some(&cause));
            world.engine.submit(asked)
        });
        join_all(asked).await
    };
    assert_eq!(codes(&granted(&world, 0..MANY).await), []);
    only_the_snapshot_is_left(&world, campaign_id("FEW").stream()).await;
    world.restart(Delivery::Here).await;
    assert_eq!(codes(&granted(&world, MANY..MANY + 10).await), [Code::CampaignClosed; 5]);
}
