//! Members.

use async_graphql::{Context, ID, Object, Result};
use traveladvisor_projections::reads::{BookingFilter, VoucherFilter};
use traveladvisor_projections::runtime::ProjectionName;
use traveladvisor_projections::views::MemberView;

use super::{BookingConnection, Gender, MemberStatus, PointsAccount, RewardConnection, Window, page};
use crate::graphql::read::{ENTRIES, now, read_fault, reads, reads_with, wait_for};
use crate::graphql::scalars::DateTime;
use crate::place::Place;

/// A member, and how far what is read of it has come at least.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    view: MemberView,
    at_least: Option<Place>,
}

impl Member {
    /// A member that was read, whose points, rewards and trips are read at a position or later.
    pub(crate) const fn at(view: MemberView, at_least: Option<Place>) -> Self {
        Self { view, at_least }
    }

    async fn wait(&self, ctx: &Context<'_>, projection: ProjectionName) -> Result<()> {
        match self.at_least {
            Some(position) => wait_for(ctx, projection, position).await,
            None => Ok(()),
        }
    }
}

impl From<MemberView> for Member {
    fn from(view: MemberView) -> Self {
        Self::at(view, None)
    }
}

/// A person who has signed up: one for an identity, and for an e-mail address. What it says of itself is null once it has left.
#[expect(clippy::too_many_arguments, reason = "they are the arguments of the field")]
#[Object]
impl Member {
    /// Derives from the identity: stays the same for ever.
    pub(crate) async fn id(&self) -> ID {
        ID(self.view.id.to_string())
    }

    /// Whether it has left.
    async fn status(&self) -> MemberStatus {
        self.view.status.into()
    }

    /// Sequence of the member's stream; for `expectedVersion`.
    async fn version(&self) -> u64 {
        self.view.version
    }

    /// E-mail address, as given.
    async fn email(&self) -> Option<&str> {
        self.view.profile.as_ref().map(|profile| profile.email.as_str())
    }

    /// Name that others may see.
    async fn nickname(&self) -> Option<&str> {
        self.view.profile.as_ref().map(|profile| profile.nickname.as_str())
    }

    /// First name.
    async fn first_name(&self) -> Option<&str> {
        self.view.profile.as_ref().map(|profile| profile.first_name.as_str())
    }

    /// Last name.
    async fn last_name(&self) -> Option<&str> {
        self.view.profile.as_ref().map(|profile| profile.last_name.as_str())
    }

    /// Telephone number, as given.
    async fn contact_number(&self) -> Option<&str> {
        self.view.profile.as_ref().map(|profile| profile.contact_number.as_str())
    }

    /// Gender.
    async fn gender(&self) -> Option<Gender> {
        self.view.profile.as_ref().map(|profile| profile.gender.into())
    }

    /// When it signed up.
    async fn created_at(&self) -> DateTime {
        DateTime(self.view.created_at)
    }

    /// When it last changed.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.view.updated_at)
    }

    /// Its points, and where they came from and went.
    async fn points(&self, ctx: &Context<'_>) -> Result<PointsAccount> {
        self.wait(ctx, ProjectionName::Points).await?;
        let account = reads(ctx)?.points_account(self.view.id).await.map_err(read_fault)?;
        Ok(PointsAccount::of(self.view.id, account))
    }

    /// What it was granted, the newest first: vouchers and discounts, points and gifts.
    async fn vouchers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "True: only those that a trip can use now.", default)] usable: bool,
        #[graphql(desc = "Entries wanted from the beginning, 1 to 100.", default_with = "Some(20)")] first: Option<i64>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "Entries wanted from the end, 1 to 100, instead of `first`.")] last: Option<i64>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<RewardConnection> {
        let page = page(ctx, Window { first, after, last, before })?;
        self.wait(ctx, ProjectionName::Vouchers).await?;
        let now = now(ctx)?;
        let filter = VoucherFilter { member: self.view.id, usable_at: usable.then_some(now) };
        let found = reads(ctx)?.vouchers(&filter, &page).await.map_err(read_fault)?;
        Ok(RewardConnection::at(found, now))
    }

    /// Its trips, the newest first.
    async fn bookings(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Entries wanted from the beginning, 1 to 100.", default_with = "Some(20)")] first: Option<i64>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "Entries wanted from the end, 1 to 100, instead of `first`.")] last: Option<i64>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<BookingConnection> {
        let page = page(ctx, Window { first, after, last, before })?;
        self.wait(ctx, ProjectionName::Booking).await?;
        let filter = BookingFilter { owner: Some(self.view.identity.clone()), ..BookingFilter::default() };
        Ok(reads_with(ctx, "timeline", ENTRIES)?.bookings(&filter, &page).await.map_err(read_fault)?.into())
    }
}
