//! The gateway's protocol: what the client over HTTP says and the simulator understands. `docs/operations.md` tells it to others.

use serde::{Deserialize, Serialize};

/// The header with a call's idempotency key.
pub(super) const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// The header with the instant (RFC 3339) after which a call is not carried out any more.
pub(super) const EXPIRES_AT: &str = "expires-at";
/// Longest idempotency key, in bytes.
pub(super) const KEY_BYTES_MAX: usize = 255;

/// Code: no call with this key has come.
pub(super) const CALL_NOT_FOUND: &str = "CALL_NOT_FOUND";
/// Code: the first request with this key is still under way.
pub(super) const CALL_IN_PROGRESS: &str = "CALL_IN_PROGRESS";
/// Code: the key was used before for something else.
pub(super) const KEY_REUSED: &str = "KEY_REUSED";
/// Code: the card number is not 12 to 19 digits with a right check digit.
pub(super) const CARD_MALFORMED: &str = "CARD_MALFORMED";
/// Code: the simulator does not know this card.
pub(super) const NOT_A_TEST_CARD: &str = "NOT_A_TEST_CARD";

/// Body of `POST /v1/charges`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChargeBody {
    /// Token of the card.
    pub(super) token: String,
    /// How much, in minor units.
    pub(super) minor: i64,
    /// ISO 4217.
    pub(super) currency: String,
}

/// Body of `POST /v1/refunds`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RefundBody {
    /// The gateway's reference of the charge.
    pub(super) charge: String,
    /// How much of it, in minor units.
    pub(super) minor: i64,
    /// ISO 4217.
    pub(super) currency: String,
}

/// Body of an answer to `POST /v1/tokens`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TokenBody {
    /// The token.
    pub(super) token: String,
    /// For example `visa`.
    pub(super) brand: String,
    /// The number's last four digits.
    pub(super) last_four: String,
}

/// Body of an answer that says why there is no other.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ProblemBody {
    /// A stable code.
    pub(super) code: String,
    /// A sentence for people.
    #[serde(default)]
    pub(super) message: String,
}
