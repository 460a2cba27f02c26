//! What a caller may do.

/// One right, as tokens name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Read one's own bookings.
    BookingsRead,
    /// Book trips and cancel one's own.
    BookingsWrite,
    /// List hotels, flights and cars, and change what they sell.
    SupplyWrite,
    /// See everything, repair sagas and projections.
    Operations,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::BookingsRead, Self::BookingsWrite, Self::SupplyWrite, Self::Operations];

    /// As it stands in a token.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BookingsRead => "bookings:read",
            Self::BookingsWrite => "bookings:write",
            Self::SupplyWrite => "supply:write",
            Self::Operations => "operations",
        }
    }

    /// The right of this name; none when it is not one of ours.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == name)
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scopes(u8);

impl Scopes {
    /// No right.
    pub const NONE: Self = Self(0);
    /// Every right.
    pub const ALL: Self = Self(
        Scope::BookingsRead.bit() | Scope::BookingsWrite.bit() | Scope::SupplyWrite.bit() | Scope::Operations.bit(),
    );

    /// Whether a right is among them.
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_into_it_and_nothing_else() {
        for scope in Scope::ALL {
            assert_eq!(Scope::named(scope.as_str()), Some(scope));
            assert!(Scopes::ALL.contains(scope) && !Scopes::NONE.contains(scope));
            let alone: Scopes = [scope].into_iter().collect();
            assert!(Scope::ALL.into_iter().all(|other| alone.contains(other) == (other == scope)));
        }
        assert_eq!(Scope::named("bookings:*"), None);
    }
}
