//! What a caller did wrong, as data.

use async_graphql::SimpleObject;
use traveladvisor_commands::Rejection;
use traveladvisor_domain::campaign::REWARD_POINTS_MAX;
use traveladvisor_domain::points::POINTS_MAX;

use super::ErrorCode;
use crate::graphql::scrub::has_long_number;
use crate::place::Place;

/// Name of the argument that every mutation takes: the first step of every path.
pub(crate) const INPUT: &str = "input";
const PLAIN: &str = "What was given is not known here: compare the field with what is on offer.";

/// Bounds of ours that have as many digits as a card's number.
const LONG_BOUNDS: [u64; 2] = [POINTS_MAX, REWARD_POINTS_MAX];

/// Something the caller can put right.
#[derive(Debug, Clone, PartialEq, Eq, SimpleObject)]
pub(crate) struct UserError {
    /// Stable code, for programs.
    pub(crate) code: ErrorCode,
    /// One sentence that says what to do, for people.
    pub(crate) message: String,
    /// The input field at fault, for example `["input", "hotel", "checkIn"]`; empty when no single field is.
    pub(crate) path: Vec<String>,
    /// Where the state that stood in the way can be read, when it is that of what was to be changed.
    #[graphql(skip)]
    pub(crate) seen_at: Option<Place>,
}

impl UserError {
    /// An error at a field below `input`; with no steps, at no single field.
    pub(crate) fn at(code: ErrorCode, message: impl Into<String>, steps: impl IntoIterator<Item = String>) -> Self {
        let mut path: Vec<String> = steps.into_iter().collect();
        if !path.is_empty() {
            path.insert(0, INPUT.to_owned());
        }
        Self { code, message: message.into(), path, seen_at: None }
    }
}

impl From<Rejection> for UserError {
    /// A rejection may name what was asked for, such as a room type; one that looks like a card's number is not said again.
    fn from(rejection: Rejection) -> Self {
        let Rejection { code, message, path, seen_at: _ } = rejection;
        let message = if has_long_number(&without_bounds(&message)) { PLAIN.to_owned() } else { message };
        Self::at(code.into(), message, path)
    }
}

/// A sentence without those of its words that are a bound of ours.
fn without_bounds(message: &str) -> String {
    let is_bound = |word: &str| {
        let number = word.trim_end_matches(['.', ',', ':', ';']);
        LONG_BOUNDS.iter().any(|bound| number == bound.to_string())
    };
    message.split(' ').map(|word| if is_bound(word) { "…" } else { word }).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use traveladvisor_domain::campaign::CampaignError;
    use traveladvisor_domain::failure::Code;
    use traveladvisor_domain::points_account::PointsAccountError;

    use super::*;

    fn said(message: &str) -> String {
        UserError::from(Rejection::new(Code::InvalidInput, message.to_owned())).message
    }

    #[test]
    fn the_domains_sentence_is_said_with_its_bound_and_a_cards_number_is_not() {
        for sentence in [PointsAccountError::Points.to_string(), CampaignError::Points.to_string()] {
            assert_eq!(said(&sentence), sentence);
        }
        for number in
            ["4242424242424242", "4242 4242 4242 4242", "11000000000000000", "41000000000000", "4242-1000000000000"]
        {
            assert_eq!(said(&format!("there is no room type {number}.")), PLAIN, "{number}");
        }
    }
}
