//! The hash that tells whether an idempotency key came with the same input again.

use serde::Serialize;
use sha2::{Digest, Sha256};

/// SHA-256 of the JSON of an input. Leave out `wait`, and of a card all but brand and last four.
pub fn input_hash(input: &impl Serialize) -> Vec<u8> {
    let json = serde_json::to_vec(input).unwrap_or_default();
    Sha256::digest(json).to_vec()
}
