//! Scenes that are played twice: in one process with one log, and over a broker with a log for every context. Where a trip's events stand
//! differs, which they are does not.

mod cards;
mod members;
mod operators;
mod stage;
mod supply;

use std::sync::Arc;

use futures::future::BoxFuture;
use traveladvisor_commands::engine::{Delivery, Faults, Ports};
use traveladvisor_domain::context::Context;
use traveladvisor_infra::gateway::SandboxGateway;
use traveladvisor_infra::testing::broker;

use self::operators::Quiet;
use self::stage::{Scene, Stage};
use super::Cluster;
use super::verdict::judged;
use crate::support::World;

/// How often an outcome is looked up before an operator is called.
const LOOK_UPS_MAX: u32 = 1;

type Played<'s> = BoxFuture<'s, ()>;

macro_rules! scenes {
    ($($name:ident in $module:ident: $trips:literal,)+) => {
        /// All scenes, with the number of trips that each books.
        const SCENES: &[(&str, for<'s> fn(Scene<'s>) -> Played<'s>, usize)] =
            &[$((stringify!($name), |scene| Box::pin($module::$name(scene)), $trips),)+];
    };
}

scenes! {
    every_set_of_parts_stands in supply: 7,
    whatever_is_sold_out_gives_back_what_came_before in supply: 6,
    a_cancellation_at_any_stage_takes_everything_back in supply: 6,
    a_good_card_is_charged_and_refunded_once in cards: 2,
    a_declined_card_gives_everything_back in cards: 2,
    a_fault_is_tried_again_and_gives_everything_back_at_last in cards: 1,
    points_pay_and_come_back in members: 2,
    too_few_points_give_everything_back in members: 1,
    a_card_brings_points_that_a_cancellation_takes in members: 2,
    a_voucher_makes_one_trip_cheaper_and_comes_back in members: 2,
    an_operator_says_that_a_payment_is_done in operators: 1,
    an_operator_asks_again_once_the_gateway_is_back in operators: 1,
    an_operator_gives_up in operators: 1,
}

/// Plays all scenes at once, so that they meet as trips do, and tells which of them failed.
async fn play(stage: Arc<Stage>, gateway: Arc<Quiet>) -> usize {
    let playing = SCENES.iter().map(|(name, scene, trips)| {
        let (stage, gateway) = (stage.clone(), gateway.clone());
        let played = tokio::spawn(async move { scene(Scene { stage: &stage, name, gateway: &gateway }).await });
        async move { (name, played.await.is_ok(), trips) }
    });
    let played = futures::future::join_all(playing).await;
    let failed: Vec<&str> = played.iter().filter(|(_, is_good, _)| !is_good).map(|(name, ..)| **name).collect();
    assert!(failed.is_empty(), "failed: {failed:?}");
    played.iter().map(|(.., trips)| **trips).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_scene_has_its_end_in_one_process() {
    let mut world = World::begin(Delivery::Elsewhere).await;
    let gateway = Arc::new(Quiet::over(SandboxGateway::new(world.log.pool().clone())));
    let ports = Ports { gateway: gateway.clone(), ..world.next_ports() };
    world.restart_with(ports, Delivery::Here, Faults::default().look_ups_max(LOOK_UPS_MAX)).await;
    let log = world.log.clone();
    // The database is there for as long as the world.
    let stage = Arc::new(Stage::OneProcess(Box::new(world)));
    let trips = play(stage.clone(), gateway).await;
    judged(&[&log], log.pool(), trips).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_scene_has_the_same_end_over_a_broker() {
    let mut cluster = Cluster::without_engines(broker::settings().await).await;
    let gateway = Arc::new(Quiet::over(SandboxGateway::new(cluster.logs[&Context::Payment].pool().clone())));
    cluster.gateway = Some((gateway.clone(), LOOK_UPS_MAX));
    let cluster = cluster.with_plenty().await;
    let stage = Arc::new(Stage::Cluster(Box::new(cluster)));
    let trips = play(stage.clone(), gateway).await;
    let Stage::Cluster(cluster) = &*stage else { return };
    cluster.judged(trips).await;
    cluster.no_letters().await;
}
