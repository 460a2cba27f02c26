//! What points are worth.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use traveladvisor_domain::money::Currency;
use traveladvisor_domain::points::{EARNED_PERCENT_DEFAULT, PointsTerms, RATE_DEFAULT, UnfitTerms};

use super::unless_empty;

/// The table `points` of the file, `TRAVELADVISOR_POINTS_…` in the environment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Points {
    /// Points for one whole unit of any currency.
    #[serde(deserialize_with = "rate")]
    pub rate: u32,
    /// Points for one whole unit of some currencies, by their ISO 4217 codes.
    #[serde(deserialize_with = "rates")]
    pub rates: BTreeMap<String, u32>,
    /// Percent of what an approved trip costs that comes back as points.
    #[serde(deserialize_with = "earned_percent")]
    pub earned_percent: u32,
}

/// Why the table cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PointsError {
    /// No such currency.
    #[error("points.rates.{0} is no currency: use an ISO 4217 code such as GBP")]
    Currency(String),
    /// Terms that make no sense.
    #[error("the settings of [points] make no sense: {0}")]
    Terms(#[from] UnfitTerms),
}

fn rate<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    Ok(unless_empty(deserializer)?.unwrap_or(RATE_DEFAULT))
}

fn earned_percent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    Ok(unless_empty(deserializer)?.unwrap_or(EARNED_PERCENT_DEFAULT))
}

fn rates<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, u32>, D::Error> {
    /// A rate, unless it is empty.
    #[derive(Deserialize)]
    struct Rate(#[serde(deserialize_with = "unless_empty")] Option<u32>);
    let given = BTreeMap::<String, Rate>::deserialize(deserializer)?;
    Ok(given.into_iter().filter_map(|(currency, Rate(rate))| Some((currency, rate?))).collect())
}

impl Default for Points {
    fn default() -> Self {
        Self { rate: RATE_DEFAULT, rates: BTreeMap::new(), earned_percent: EARNED_PERCENT_DEFAULT }
    }
}

impl Points {
    /// What points are worth.
    ///
    /// # Errors
    ///
    /// See [`PointsError`].
    pub fn terms(&self) -> Result<PointsTerms, PointsError> {
        let mut rates = BTreeMap::new();
        for (name, rate) in &self.rates {
            // The environment has no capital letters to tell apart.
            let currency: Currency =
                name.to_ascii_uppercase().parse().map_err(|_| PointsError::Currency(name.clone()))?;
            rates.insert(currency, *rate);
        }
        Ok(PointsTerms::new(self.rate, rates, self.earned_percent)?)
    }
}
