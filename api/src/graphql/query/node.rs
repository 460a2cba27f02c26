//! `node`, `nodes`: whatever has an id, by it. Each kind is read by one statement or two, however many are asked for.

use std::collections::HashMap;

use async_graphql::{Context, ID, Object, Result};
use traveladvisor_domain::id::{BookingId, CampaignId, CarId, FlightId, HotelId, MemberId, RewardId};
use traveladvisor_infra::event_log::Position;
use traveladvisor_projections::runtime::ProjectionName;

use crate::caller::Scope;
use crate::graphql::fault::argument_error;
use crate::graphql::read::{ITSELF, now, read_fault, reads, reads_with};
use crate::graphql::rights::{caller, own_member};
use crate::graphql::types::{Booking, Campaign, Car, Flight, Hotel, Member, Node, NodeId, PointsEntry};
use crate::graphql::types::{Projection, Reward, Saga, TravellerBooking};
use crate::limits::NODES_MAX;

#[derive(Debug, Default)]
pub(crate) struct NodeQuery;

#[Object]
impl NodeQuery {
    /// Whatever has this id; null when there is nothing with it that the caller may see.
    #[graphql(visible = "crate::graphql::part::gateway")]
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "The id of a trip, hotel, flight, car, process manager, entry of a traveller's list, read model, member, entry of a \
                    points account, campaign or reward."
        )]
        id: ID,
    ) -> Option<Result<Node>> {
        let id = NodeId::of(&id)?;
        found(ctx, &[id]).await.map(|mut found| found.remove(&id)).transpose()
    }

    /// The same of several at once: as many entries as ids, in their order, each null when there is nothing with it that the caller may see.
    #[graphql(visible = "crate::graphql::part::gateway")]
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most 100 ids, of any kinds.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>> {
        if ids.len() > NODES_MAX {
            return Err(argument_error(&["ids"], format!("Give {NODES_MAX} ids at most: ask for fewer at once.")));
        }
        let ids: Vec<Option<NodeId>> = ids.iter().map(|id| NodeId::of(id)).collect();
        let known: Vec<NodeId> = ids.iter().copied().flatten().collect();
        let found = found(ctx, &known).await?;
        Ok(ids.into_iter().map(|id| found.get(&id?).cloned()).collect())
    }
}

/// Ids by their kinds.
#[derive(Debug, Default)]
struct Wanted {
    bookings: Vec<BookingId>,
    sagas: Vec<BookingId>,
    entries: Vec<BookingId>,
    hotels: Vec<HotelId>,
    flights: Vec<FlightId>,
    cars: Vec<CarId>,
    projections: Vec<ProjectionName>,
    members: Vec<MemberId>,
    points: Vec<(MemberId, Position)>,
    campaigns: Vec<CampaignId>,
    rewards: Vec<RewardId>,
}

impl Wanted {
    fn of(ids: &[NodeId]) -> Self {
        let mut wanted = Self::default();
        for id in ids {
            match *id {
                NodeId::Booking(id) => wanted.bookings.push(id),
                NodeId::Saga(id) => wanted.sagas.push(id),
                NodeId::TravellerBooking(id) => wanted.entries.push(id),
                NodeId::Hotel(id) => wanted.hotels.push(id),
                NodeId::Flight(id) => wanted.flights.push(id),
                NodeId::Car(id) => wanted.cars.push(id),
                NodeId::Projection(name) => wanted.projections.push(name),
                NodeId::Member(id) => wanted.members.push(id),
                NodeId::PointsEntry(member, position) => wanted.points.push((member, position)),
                NodeId::Campaign(id) => wanted.campaigns.push(id),
                NodeId::Reward(id) => wanted.rewards.push(id),
            }
        }
        wanted
    }
}

/// What there is of some ids.
async fn found(ctx: &Context<'_>, ids: &[NodeId]) -> Result<HashMap<NodeId, Node>> {
    let wanted = Wanted::of(ids);
    let mut found = offers(ctx, &wanted).await?;
    found.extend(trips(ctx, &wanted).await?);
    found.extend(memberships(ctx, &wanted).await?);
    if !wanted.projections.is_empty() && caller(ctx)?.may(Scope::Operations) {
        let reports = reads(ctx)?.projections().await.map_err(read_fault)?;
        let asked = reports.into_iter().filter(|report| wanted.projections.contains(&report.name));
        found.extend(asked.map(|report| (NodeId::Projection(report.name), Node::Projection(Projection::from(report)))));
    }
    Ok(found)
}

async fn offers(ctx: &Context<'_>, wanted: &Wanted) -> Result<HashMap<NodeId, Node>> {
    let reads = reads(ctx)?;
    let mut found = HashMap::new();
    for view in reads.hotels_by_id(&wanted.hotels).await.map_err(read_fault)? {
        found.insert(NodeId::Hotel(view.id), Node::Hotel(Hotel::from(view)));
    }
    for view in reads.flights_by_id(&wanted.flights).await.map_err(read_fault)? {
        found.insert(NodeId::Flight(view.id), Node::Flight(Flight::from(view)));
    }
    for view in reads.cars_by_id(&wanted.cars).await.map_err(read_fault)? {
        found.insert(NodeId::Car(view.id), Node::Car(Car::from(view)));
    }
    for view in reads.campaigns_by_id(&wanted.campaigns).await.map_err(read_fault)? {
        found.insert(NodeId::Campaign(view.id), Node::Campaign(Campaign::at(view, now(ctx)?)));
    }
    Ok(found)
}

/// Members, their points and their rewards: another's are as if they did not exist, and so are all for who may read none.
async fn memberships(ctx: &Context<'_>, wanted: &Wanted) -> Result<HashMap<NodeId, Node>> {
    let (caller, own, reads) = (caller(ctx)?, own_member(ctx)?, reads(ctx)?);
    let is_operator = caller.may(Scope::Operations);
    let sees = |member: MemberId| is_operator || (caller.may(Scope::BookingsRead) && member == own);
    let mut found = HashMap::new();
    let members: Vec<MemberId> = wanted.members.iter().copied().filter(|member| sees(*member)).collect();
    for view in reads.members_by_id(&members).await.map_err(read_fault)? {
        found.insert(NodeId::Member(view.id), Node::Member(Member::from(view)));
    }
    let entries: Vec<_> = wanted.points.iter().copied().filter(|(member, _)| sees(*member)).collect();
    for (member, view) in reads.points_entries_by_id(&entries).await.map_err(read_fault)? {
        let id = NodeId::PointsEntry(member, view.position);
        found.insert(id, Node::PointsEntry(PointsEntry::of(member, view, is_operator)));
    }
    for view in reads.vouchers_by_id(&wanted.rewards).await.map_err(read_fault)? {
        if sees(view.member) {
            found.insert(NodeId::Reward(view.id), Node::Reward(Reward::at(view, now(ctx)?)));
        }
    }
    Ok(found)
}

/// Another's trips are as if they did not exist, and so are all for who may read none.
async fn trips(ctx: &Context<'_>, wanted: &Wanted) -> Result<HashMap<NodeId, Node>> {
    let caller = caller(ctx)?;
    let is_operator = caller.may(Scope::Operations);
    let sees = |owner: &str| (caller.may(Scope::BookingsRead) || is_operator) && caller.sees(owner);
    let mut found = HashMap::new();
    let with_timelines = reads_with(ctx, "timeline", ITSELF)?;
    for view in with_timelines.bookings_by_id(&wanted.bookings).await.map_err(read_fault)? {
        if sees(&view.owner) {
            found.insert(NodeId::Booking(view.id), Node::Booking(Booking::from(view)));
        }
    }
    let with_histories = reads_with(ctx, "history", ITSELF)?;
    for view in with_histories.sagas_by_id(&wanted.sagas).await.map_err(read_fault)? {
        if sees(&view.owner) {
            let id = NodeId::Saga(view.booking);
            let saga = if is_operator { Saga::from(view) } else { Saga::for_owner(view) };
            found.insert(id, Node::Saga(saga));
        }
    }
    for view in reads(ctx)?.traveller_bookings_by_id(&wanted.entries).await.map_err(read_fault)? {
        if sees(&view.owner) {
            found.insert(NodeId::TravellerBooking(view.booking), Node::TravellerBooking(TravellerBooking::from(view)));
        }
    }
    Ok(found)
}
