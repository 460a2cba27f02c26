//! `changeAllotment`: a supplier sets the rooms on sale for some nights.

use async_graphql::{Context, ID, InputObject, Object, Result};
use traveladvisor_commands::CallerCommand;
use traveladvisor_commands::input::{FieldError, code};
use traveladvisor_domain::hotel::ALLOTMENT_MAX;

use super::rules::date;
use super::submit::{Findings, submit};
use super::upsert_hotel::UpsertHotelPayload;
use crate::graphql::scalars::Date;
use crate::graphql::types::UserError;

/// Nights of a room type, and how many rooms are on sale in each. What is left out stays as it is.
#[derive(InputObject)]
pub(crate) struct ChangeAllotmentInput {
    /// The hotel.
    pub(crate) hotel_id: ID,
    /// The property's code of the room type.
    pub(crate) room_type: String,
    /// First night: today at the property or later.
    pub(crate) from: Date,
    /// The day after the last night.
    pub(crate) to: Date,
    /// Rooms on sale, from 0. Fewer than are sold already is accepted: what is sold stays sold, and 0 are left.
    pub(crate) rooms: Option<i64>,
    /// True closes the sale, false opens it again.
    pub(crate) stop_sell: Option<bool>,
}

#[derive(Debug, Default)]
pub(crate) struct ChangeAllotment;

#[Object]
impl ChangeAllotment {
    /// Sets the rooms on sale for a range of nights, or closes and opens their sale.
    #[graphql(visible = "crate::graphql::part::hotel")]
    async fn change_allotment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The nights and their rooms.")] input: ChangeAllotmentInput,
    ) -> Result<UpsertHotelPayload> {
        match check(&input) {
            Ok(command) => Ok(submit(ctx, command.into()).await?.into()),
            Err(errors) => Ok(Err(errors).into()),
        }
    }
}

fn check(given: &ChangeAllotmentInput) -> std::result::Result<CallerCommand, Vec<UserError>> {
    let mut findings = Findings::default();
    let hotel = findings.id(&["hotelId"], "hotel", &given.hotel_id);
    let room_type = findings.check(&["roomType"], code(&given.room_type));
    let from = findings.check(&["from"], date(given.from.0));
    let to = findings.check(&["to"], date(given.to.0));
    let rooms = given.rooms.and_then(|rooms| findings.check(&["rooms"], allotment(rooms)));
    let stop_sell = given.stop_sell;
    let command = || {
        Some(CallerCommand::ChangeAllotment {
            hotel: hotel?,
            room_type: room_type?,
            from: from?,
            to: to?,
            rooms,
            stop_sell,
        })
    };
    let command = command();
    findings.settle(command)
}

fn allotment(rooms: i64) -> std::result::Result<u32, FieldError> {
    match u32::try_from(rooms) {
        Ok(rooms) if rooms <= ALLOTMENT_MAX => Ok(rooms),
        _ => Err(FieldError::new(format!("out of range: give 0 to {ALLOTMENT_MAX}"))),
    }
}
