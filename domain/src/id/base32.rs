//! Crockford's base 32 as the `TypeID` specification uses it: lower case, 26 characters for 128 bits.

use std::fmt;

use uuid::Uuid;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Characters of a suffix: 130 bits, of which the first two are always zero.
const LENGTH: usize = 26;

/// What each byte stands for; [`NONE`] for those outside the alphabet.
const VALUES: [u8; 256] = values();
const NONE: u8 = u8::MAX;

const fn values() -> [u8; 256] {
    let mut values = [NONE; 256];
    let mut value = 0;
    while value < ALPHABET.len() {
        values[ALPHABET[value] as usize] = value as u8;
        value += 1;
    }
    values
}

/// Writes the 26 characters of a suffix.
pub(super) fn write(uuid: Uuid, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let bits = uuid.as_u128();
    let mut suffix = [0; LENGTH];
    for (place, letter) in suffix.iter_mut().enumerate() {
        let shift = 5 * (LENGTH - 1 - place);
        *letter = ALPHABET[((bits >> shift) & 31) as usize];
    }
    // The alphabet is ASCII.
    f.write_str(std::str::from_utf8(&suffix).map_err(|_| fmt::Error)?)
}

pub(super) fn decode(text: &str) -> Option<Uuid> {
    let bytes = text.as_bytes();
    // A first character above 7 would overflow 128 bits.
    if bytes.len() != LENGTH || bytes[0] > b'7' {
        return None;
    }
    let bits = bytes.iter().try_fold(0u128, |bits, byte| {
        let value = VALUES[usize::from(*byte)];
        (value != NONE).then(|| (bits << 5) | u128::from(value))
    })?;
    Some(Uuid::from_u128(bits))
}
