//! What points are worth.

use std::collections::BTreeMap;

use serde::Deserialize;
use traveladvisor_domain::money::Currency;
use traveladvisor_domain::points::{EARNED_PERCENT_DEFAULT, PointsTerms, RATE_DEFAULT, UnfitTerms};

/// The table `points` of the file, `TRAVELADVISOR_POINTS_…` in the environment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Points {
    /// Points for one whole unit of any currency.
    pub rate: u32,
    /// Points for one whole unit of some currencies, by their ISO 4217 codes.
    pub rates: BTreeMap<String, u32>,
    /// Percent of what an approved trip costs that comes back as points.
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
