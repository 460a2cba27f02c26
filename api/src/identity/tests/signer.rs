//! Makes tokens, good and bad. The RSA keys beside it are for these tests alone: they are public, and protect nothing.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaKeyPair,
};
use serde_json::{Value, json};

const FIRST: &[u8] = include_bytes!("keys/test-only-first.pk8");
const SECOND: &[u8] = include_bytes!("keys/test-only-second.pk8");

/// A way of signing.
#[derive(Debug, Clone, Copy)]
pub(super) enum Algorithm {
    Rs256,
    Ps256,
    Es256,
    EdDsa,
}

enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

/// A key pair with an id.
pub(super) struct Signer {
    pub(super) id: &'static str,
    pair: Pair,
}

impl Signer {
    /// One of the two RSA keys.
    pub(super) fn rsa(id: &'static str, which: u8) -> Self {
        let key = if which == 1 { FIRST } else { SECOND };
        Self { id, pair: Pair::Rsa(RsaKeyPair::from_pkcs8(key).expect("a key")) }
    }

    /// A new key on P-256.
    pub(super) fn ec(id: &'static str) -> Self {
        let (kind, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let key = EcdsaKeyPair::generate_pkcs8(kind, &random).expect("a key");
        Self { id, pair: Pair::Ec(EcdsaKeyPair::from_pkcs8(kind, key.as_ref(), &random).expect("a key")) }
    }

    /// A new key on Ed25519.
    pub(super) fn ed(id: &'static str) -> Self {
        let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key");
        Self { id, pair: Pair::Ed(Ed25519KeyPair::from_pkcs8(key.as_ref()).expect("a key")) }
    }

    /// Its public half, as issuers publish it.
    pub(super) fn jwk(&self, purpose: &str) -> Value {
        let mut jwk = match &self.pair {
            Pair::Rsa(pair) => {
                let components = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({ "kty": "RSA", "n": encode(&components.n), "e": encode(&components.e) })
            }
            Pair::Ec(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({ "kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y) })
            }
            Pair::Ed(pair) => json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref()) }),
        };
        jwk["kid"] = self.id.into();
        jwk["use"] = purpose.into();
        jwk
    }

    /// A token signed in the usual way of this key. The header has `alg`, `kid` and `typ` unless it says otherwise.
    pub(super) fn sign(&self, header: &Value, claims: &Value) -> String {
        let algorithm = match &self.pair {
            Pair::Rsa(_) => Algorithm::Rs256,
            Pair::Ec(_) => Algorithm::Es256,
            Pair::Ed(_) => Algorithm::EdDsa,
        };
        self.sign_by(algorithm, header, claims)
    }

    /// The same in another way.
    pub(super) fn sign_by(&self, algorithm: Algorithm, header: &Value, claims: &Value) -> String {
        let name = match algorithm {
            Algorithm::Rs256 => "RS256",
            Algorithm::Ps256 => "PS256",
            Algorithm::Es256 => "ES256",
            Algorithm::EdDsa => "EdDSA",
        };
        let header = super::with(json!({ "alg": name, "kid": self.id, "typ": "JWT" }), header.clone());
        let message = unsigned(&header, claims);
        format!("{message}.{}", encode(&self.signature(algorithm, message.as_bytes())))
    }

    fn signature(&self, algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match (&self.pair, algorithm) {
            (Pair::Rsa(pair), algorithm) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                let signed = match algorithm {
                    Algorithm::Ps256 => pair.sign(&RSA_PSS_SHA256, &random, message, &mut signature),
                    _ => pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature),
                };
                signed.expect("a signature");
                signature
            }
            (Pair::Ec(pair), _) => pair.sign(&random, message).expect("a signature").as_ref().to_vec(),
            (Pair::Ed(pair), _) => pair.sign(message).as_ref().to_vec(),
        }
    }
}

/// Header and claims, without a signature.
pub(super) fn unsigned(header: &Value, claims: &Value) -> String {
    format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()))
}

pub(super) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
