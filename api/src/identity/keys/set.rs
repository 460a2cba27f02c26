//! A JSON Web Key Set (RFC 7517): which key may check which signature.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use serde::Deserialize;
use serde_json::Value;

use crate::limits::KEYS_MAX;

/// Fewer bits than this, and an RSA key is weak.
const RSA_BITS_MIN: usize = 2048;
/// More, and a signature costs too much.
const RSA_BITS_MAX: usize = 8192;
/// Bytes of a point on P-256, uncompressed.
const P256_BYTES: usize = 65;
/// Bytes of a point on Ed25519.
const ED25519_BYTES: usize = 32;

/// The keys of an issuer.
#[derive(Debug, Clone, Default)]
pub(super) struct KeySet(Vec<Key>);

#[derive(Debug, Clone)]
struct Key {
    id: Option<String>,
    /// What it may check: nothing for keys of other uses, which are kept so that their ids are known.
    algorithms: &'static [Algorithm],
    public: Option<DecodingKey>,
}

/// What was found under an id.
#[derive(Debug, Clone)]
pub(super) enum Found {
    /// A key for such signatures.
    Key(DecodingKey),
    /// Only keys for something else.
    Unfit,
    /// Nothing.
    Nothing,
}

#[derive(Deserialize)]
struct Published {
    keys: Vec<Value>,
}

impl KeySet {
    /// Reads a set. A key that cannot be read is left out, so that the others still work; without any that can sign there is no set.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let Published { keys } = serde_json::from_slice(bytes).ok()?;
        let keys = keys.iter().take(KEYS_MAX).filter_map(|key| Jwk::deserialize(key).ok()).map(|jwk| Key::of(&jwk));
        let set = Self(keys.collect());
        (set.signing() > 0).then_some(set)
    }

    /// How many of them can sign.
    pub(super) fn signing(&self) -> usize {
        self.0.iter().filter(|key| key.public.is_some()).count()
    }

    /// The key that a token names; where it names none, the only one that can have made such a signature.
    pub(super) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Found {
        let fits = |key: &&Key| key.algorithms.contains(&algorithm);
        let found = if let Some(id) = id {
            let mut named = self.0.iter().filter(|key| key.id.as_deref() == Some(id)).peekable();
            if named.peek().is_none() {
                return Found::Nothing;
            }
            named.find(fits)
        } else {
            let mut fitting = self.0.iter().filter(fits);
            fitting.next().filter(|_| fitting.next().is_none())
        };
        found.and_then(|key| key.public.clone()).map_or(Found::Unfit, Found::Key)
    }
}

impl Key {
    fn of(jwk: &Jwk) -> Self {
        let public = DecodingKey::from_jwk(jwk).ok();
        let algorithms = public.as_ref().map_or(&[][..], |public| algorithms(jwk, public));
        Self { id: jwk.common.key_id.clone(), algorithms, public: public.filter(|_| !algorithms.is_empty()) }
    }
}

/// What a key may check: what its kind can, unless it names one algorithm itself.
fn algorithms(jwk: &Jwk, key: &DecodingKey) -> &'static [Algorithm] {
    let common = &jwk.common;
    let is_to_sign = common.public_key_use.as_ref().is_none_or(|purpose| *purpose == PublicKeyUse::Signature);
    let is_to_verify = common.key_operations.as_ref().is_none_or(|uses| uses.contains(&KeyOperations::Verify));
    if !(is_to_sign && is_to_verify && is_strong(key)) {
        return &[];
    }
    match (&jwk.algorithm, common.key_algorithm) {
        (AlgorithmParameters::RSA(_), None) => &[Algorithm::RS256, Algorithm::PS256],
        (AlgorithmParameters::RSA(_), Some(KeyAlgorithm::RS256)) => &[Algorithm::RS256],
        (AlgorithmParameters::RSA(_), Some(KeyAlgorithm::PS256)) => &[Algorithm::PS256],
        (AlgorithmParameters::EllipticCurve(point), None | Some(KeyAlgorithm::ES256))
            if point.curve == EllipticCurve::P256 =>
        {
            &[Algorithm::ES256]
        }
        (AlgorithmParameters::OctetKeyPair(point), None | Some(KeyAlgorithm::EdDSA))
            if point.curve == EllipticCurve::Ed25519 =>
        {
            &[Algorithm::EdDSA]
        }
        _ => &[],
    }
}

/// Whether it has the length that its kind must have.
fn is_strong(key: &DecodingKey) -> bool {
    match key.kind() {
        DecodingKeyKind::RsaModulusExponent { n, .. } => (RSA_BITS_MIN..=RSA_BITS_MAX).contains(&bits(n)),
        DecodingKeyKind::SecretOrDer(point) => matches!(point.len(), P256_BYTES | ED25519_BYTES),
    }
}

/// Bits of a number, the greatest first.
fn bits(number: &[u8]) -> usize {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let number = &number[zeros..];
    number.first().map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize)
}
