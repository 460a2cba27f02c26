//! A command's idempotency key: the argument's, or the header's where the argument is left out.

use async_graphql::{Context, Result};

use crate::graphql::fault::internal;
use crate::graphql::header_key::HeaderKey;
use crate::graphql::types::{ErrorCode, UserError};

const DISAGREE: &str = "The header Idempotency-Key bears another key: send the same in both, or one of them.";

/// The key given with a command, if any. Where argument and header both bear one, they must be the same.
pub(super) fn given_key(
    ctx: &Context<'_>,
    argument: Option<String>,
) -> Result<std::result::Result<Option<String>, Vec<UserError>>> {
    let HeaderKey(header) = ctx.data::<HeaderKey>().map_err(|error| internal(&error.message))?;
    Ok(match (argument, header) {
        (Some(argument), Some(header)) if argument != *header => {
            Err(vec![UserError::at(ErrorCode::InvalidInput, DISAGREE, ["idempotencyKey".to_owned()])])
        }
        (argument, header) => Ok(argument.or_else(|| header.clone())),
    })
}
