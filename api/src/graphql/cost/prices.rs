//! The prices: every root field has one, and this is the one place of them.

use async_graphql::parser::types::{Field, OperationType};
use traveladvisor_projections::reads::PERIOD_DAYS_MAX;

use super::arguments::Arguments;
use crate::limits::{
    MUTATION_COMPLEXITY, NODES_MAX, PAGE_DEFAULT, PAGE_MAX, RESOLVE_SAGAS_COMPLEXITY, RESOLVE_SAGAS_MAX,
    SEARCH_COMPLEXITY, SUBSCRIPTION_COMPLEXITY,
};

/// How the price of a field is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Price {
    /// A look at one thing.
    Look,
    /// The same, or a search where an instant of the past is named.
    LookAsOf,
    /// A look, and its fields, for each id.
    LookEach,
    /// A search that finds few things.
    Search,
    /// A search, and its fields for each entry of the page.
    Page,
    /// A search, and its fields for each day.
    Days,
    /// A trip, or trips, followed as they change.
    Follow,
    /// A write.
    Write,
    /// A write, and another one with its fields for each saga.
    WriteEach,
}

const QUERIES: [(&str, Price); 24] = [
    ("__typename", Price::Look),
    ("booking", Price::LookAsOf),
    ("bookings", Price::Page),
    ("campaigns", Price::Page),
    ("car", Price::Look),
    ("carOccupancy", Price::Days),
    ("cars", Price::Page),
    ("flight", Price::Look),
    ("flightOccupancy", Price::Search),
    ("flights", Price::Page),
    ("hotel", Price::Look),
    ("hotelOccupancy", Price::Days),
    ("hotels", Price::Page),
    ("me", Price::Look),
    ("member", Price::Look),
    ("node", Price::Look),
    ("nodes", Price::LookEach),
    ("offer", Price::Look),
    ("paymentLedger", Price::Look),
    ("projections", Price::Search),
    ("saga", Price::Look),
    ("sagas", Price::Page),
    ("travellerBookings", Price::Page),
    ("vouchers", Price::Page),
];

/// All others are writes at the price of one.
const MUTATIONS: [(&str, Price); 2] = [("__typename", Price::Look), ("resolveSagas", Price::WriteEach)];

/// Pages that stand on what was found, whatever its type: each is a search of its own.
const PAGES_BELOW: [&str; 3] = ["bookings", "entries", "vouchers"];

/// The price of a field below the root.
pub(super) fn below(field: &str) -> Price {
    if PAGES_BELOW.contains(&field) { Price::Page } else { Price::Look }
}

/// The price of a root field. One that no price names is a search, so that nothing new is free by mistake; a mutation is a write.
pub(super) fn of(kind: OperationType, field: &str) -> Price {
    let (prices, other): (&[(&str, Price)], Price) = match kind {
        OperationType::Query => (&QUERIES, Price::Search),
        OperationType::Mutation => (&MUTATIONS, Price::Write),
        OperationType::Subscription => (&[], Price::Follow),
    };
    prices.iter().find(|(name, _)| *name == field).map_or(other, |(_, price)| *price)
}

impl Price {
    /// What a field costs with so many fields below it.
    pub(super) fn cost(self, below: usize, field: &Field, arguments: &Arguments<'_>) -> usize {
        let (own, times) = match self {
            Self::LookAsOf if arguments.is_given(field, "asOf") => (SEARCH_COMPLEXITY, 1),
            Self::Look | Self::LookAsOf => (1, 1),
            Self::LookEach => {
                let ids = ids(field, arguments);
                (ids, ids)
            }
            Self::Search => (SEARCH_COMPLEXITY, 1),
            Self::Page => (SEARCH_COMPLEXITY, entries(field, arguments)),
            Self::Days => (SEARCH_COMPLEXITY, days(field, arguments)),
            Self::Follow => (SUBSCRIPTION_COMPLEXITY, 1),
            Self::Write => (MUTATION_COMPLEXITY, 1),
            Self::WriteEach => {
                let sagas = sagas(field, arguments);
                (sagas.saturating_mul(RESOLVE_SAGAS_COMPLEXITY).saturating_add(MUTATION_COMPLEXITY), sagas)
            }
        };
        below.saturating_mul(times).saturating_add(own)
    }
}

/// Entries that the page may have. One that is too long is refused before anything is read.
fn entries(field: &Field, arguments: &Arguments<'_>) -> usize {
    let asked = arguments.number(field, "last").or_else(|| arguments.number(field, "first"));
    within(asked.unwrap_or(PAGE_DEFAULT), PAGE_MAX)
}

/// A list of one may be written without brackets.
fn ids(field: &Field, arguments: &Arguments<'_>) -> usize {
    arguments.length(field, "ids").unwrap_or(1).clamp(1, NODES_MAX)
}

fn sagas(field: &Field, arguments: &Arguments<'_>) -> usize {
    within(arguments.number_in(field, "input", "first").unwrap_or(RESOLVE_SAGAS_MAX), RESOLVE_SAGAS_MAX)
}

fn days(field: &Field, arguments: &Arguments<'_>) -> usize {
    let day = |name| arguments.day(field, name);
    let days =
        day("from").zip(day("to")).map_or(PERIOD_DAYS_MAX, |(from, to)| to.signed_duration_since(from).num_days());
    within(days, PERIOD_DAYS_MAX)
}

fn within(number: i64, most: i64) -> usize {
    usize::try_from(number.clamp(1, most)).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::types::FieldDefinition;

    use super::*;
    use crate::graphql::declared::fields;

    #[test]
    fn every_query_has_a_price_and_every_price_its_query() {
        let mut named: Vec<&str> = QUERIES.iter().map(|(name, _)| *name).filter(|name| *name != "__typename").collect();
        let mut asked: Vec<String> =
            fields().filter(|(of, _)| *of == "Query").map(|(_, field)| field.name.node.to_string()).collect();
        named.sort_unstable();
        asked.sort_unstable();
        assert_eq!(named, asked);
    }

    #[test]
    fn no_page_is_cheaper_than_its_entries() {
        let takes_first =
            |field: &FieldDefinition| field.arguments.iter().any(|argument| argument.node.name.node == "first");
        let (pages, others): (Vec<_>, Vec<_>) = fields().partition(|(_, field)| takes_first(field));
        assert!(!pages.is_empty());
        for (of, field) in pages {
            let name = field.name.node.as_str();
            let price = if of == "Query" { super::of(OperationType::Query, name) } else { below(name) };
            assert_eq!(price, Price::Page, "{of}.{name}");
        }
        for (of, field) in others.iter().filter(|(of, _)| !["Query", "Mutation", "Subscription"].contains(&of.as_str()))
        {
            let name = field.name.node.as_str();
            assert_eq!(below(name), Price::Look, "{of}.{name} is no page and costs as one");
        }
    }
}
