//! What became of a verb on a read model.

use async_graphql::{Context, Object, Result};
use traveladvisor_projections::runtime::ProjectionName;
use traveladvisor_projections::runtime::rebuild::{RebuildError, Rebuilds};

use crate::graphql::fault::{fault, internal};
use crate::graphql::read::{read_fault, reads};
use crate::graphql::types::{ErrorCode, Projection, UserError};

/// What became of a verb on a read model.
#[derive(Debug)]
pub(crate) struct ProjectionPayload(std::result::Result<ProjectionName, UserError>);

/// What became of a verb on a read model.
#[Object]
impl ProjectionPayload {
    /// The read model as it is doing now; null when there are errors.
    async fn projection(&self, ctx: &Context<'_>) -> Option<Result<Projection>> {
        let name = *self.0.as_ref().ok()?;
        Some(read(ctx, name).await)
    }

    /// What to put right; empty when it was done.
    async fn errors(&self) -> Vec<UserError> {
        self.0.as_ref().err().cloned().into_iter().collect()
    }
}

async fn read(ctx: &Context<'_>, name: ProjectionName) -> Result<Projection> {
    let all = reads(ctx)?.projections().await.map_err(read_fault)?;
    let found = all.into_iter().find(|report| report.name == name);
    found.map(Projection::from).ok_or_else(|| internal(&"a read model is not told of"))
}

/// The rebuilds of this process.
pub(super) fn rebuilds<'a>(ctx: &Context<'a>) -> Result<&'a Rebuilds> {
    ctx.data::<Rebuilds>().map_err(|error| internal(&error.message))
}

/// The read model of a name, or what there is instead.
pub(super) fn named(name: &str) -> std::result::Result<ProjectionName, ProjectionPayload> {
    ProjectionName::from_text(name).ok_or_else(|| {
        let known: Vec<_> = ProjectionName::ALL.iter().map(|name| name.as_str()).collect();
        let message = format!("There is no such read model: give one of {}.", known.join(", "));
        ProjectionPayload(Err(UserError {
            code: ErrorCode::NotFound,
            message,
            path: vec!["name".to_owned()],
            seen_at: None,
        }))
    })
}

/// What the caller cannot have now is data; what the database did not do is a fault.
pub(super) fn payload(
    name: ProjectionName,
    outcome: std::result::Result<(), RebuildError>,
) -> Result<ProjectionPayload> {
    let Err(error) = outcome else { return Ok(ProjectionPayload(Ok(name))) };
    let code = match &error {
        RebuildError::Busy { .. } | RebuildError::AtWork | RebuildError::RolledBack { .. } => ErrorCode::Conflict,
        RebuildError::NoFormer { .. } | RebuildError::UnknownVersion { .. } => ErrorCode::NotFound,
        RebuildError::Panicked => return Err(internal(&error)),
        // What server and driver say is for the program's log.
        RebuildError::Log(_) | RebuildError::Database(_) => {
            tracing::warn!(%error, "a verb on a read model failed");
            let message = "The database does not do what it is asked to: look into the program's log, then ask again.";
            return Err(fault(ErrorCode::Unavailable, message));
        }
        _ => return Err(fault(ErrorCode::Unavailable, sentence(&error))),
    };
    Ok(ProjectionPayload(Err(UserError {
        code,
        message: sentence(&error),
        path: vec!["name".to_owned()],
        seen_at: None,
    })))
}

fn sentence(error: &RebuildError) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    letters.next().map(|first| format!("{}{}.", first.to_uppercase(), letters.as_str())).unwrap_or_default()
}
