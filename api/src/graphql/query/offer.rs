//! `offer`: what a supplier listed, by the supplier's own code.

use async_graphql::{Context, InputObject, Object, OneofObject, Result};
use traveladvisor_domain::id::{CarId, FlightId, HotelId};

use crate::graphql::read::{read_fault, reads};
use crate::graphql::types::{Car, Flight, Hotel, Node};

/// What kind of offer, and its code: exactly one of these.
#[derive(Debug, OneofObject)]
pub(crate) enum OfferLookup {
    /// A hotel.
    Hotel(SupplierCode),
    /// A departure.
    Flight(SupplierCode),
    /// A fleet.
    Car(SupplierCode),
}

/// What names an offer at its supplier's: the same two as in its upsert.
#[derive(Debug, InputObject)]
#[graphql(name = "SupplierCodeInput")]
pub(crate) struct SupplierCode {
    /// Who supplies it.
    #[graphql(default = "own")]
    pub(crate) supplier: String,
    /// The supplier's code.
    pub(crate) code: String,
}

#[derive(Debug, Default)]
pub(crate) struct OfferQuery;

#[Object]
impl OfferQuery {
    /// What a supplier listed, for who knows it by the supplier's own code and not by our id; null when nothing is listed under it.
    #[graphql(visible = "crate::graphql::part::gateway")]
    async fn offer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What kind of offer, and its code.")] by: OfferLookup,
    ) -> Option<Result<Node>> {
        read(ctx, by).await.transpose()
    }
}

/// Ids derive from supplier and code, so that nothing has to be looked for.
async fn read(ctx: &Context<'_>, by: OfferLookup) -> Result<Option<Node>> {
    let reads = reads(ctx)?;
    match by {
        OfferLookup::Hotel(SupplierCode { supplier, code }) => {
            let found = reads.hotel(HotelId::of(&supplier, &code)).await.map_err(read_fault)?;
            Ok(found.map(|view| Node::Hotel(Hotel::from(view))))
        }
        OfferLookup::Flight(SupplierCode { supplier, code }) => {
            let found = reads.flight(FlightId::of(&supplier, &code)).await.map_err(read_fault)?;
            Ok(found.map(|view| Node::Flight(Flight::from(view))))
        }
        OfferLookup::Car(SupplierCode { supplier, code }) => {
            let found = reads.car(CarId::of(&supplier, &code)).await.map_err(read_fault)?;
            Ok(found.map(|view| Node::Car(Car::from(view))))
        }
    }
}
