//! Crockford's base 32 as the `TypeID` specification uses it: lower case, 26 characters for 128 bits.

use uuid::Uuid;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Characters of a suffix: 130 bits, of which the first two are always zero.
const LENGTH: usize = 26;

pub(super) fn encode(uuid: Uuid) -> String {
    let bits = uuid.as_u128();
    (0..LENGTH)
        .map(|place| {
            let shift = 5 * (LENGTH - 1 - place);
            char::from(ALPHABET[((bits >> shift) & 31) as usize])
        })
        .collect()
}

pub(super) fn decode(text: &str) -> Option<Uuid> {
    let bytes = text.as_bytes();
    // A first character above 7 would overflow 128 bits.
    if bytes.len() != LENGTH || bytes[0] > b'7' {
        return None;
    }
    let bits = bytes.iter().try_fold(0u128, |bits, byte| {
        let value = ALPHABET.iter().position(|letter| letter == byte)?;
        Some((bits << 5) | value as u128)
    })?;
    Some(Uuid::from_u128(bits))
}
