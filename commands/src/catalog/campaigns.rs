//! Campaigns of the reference catalogue.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use traveladvisor_domain::campaign::{Action, CampaignDetails, DESCRIPTION_CHARS_MAX, NAME_CHARS_MAX, RewardTerms};
use traveladvisor_domain::discount::{Off, VoucherTerms};

use super::source::Numbered;
use super::sql::{self, NOW, Row};
use super::{CatalogueItem, REFERENCE_SUPPLIER};
use crate::input;

/// What `NOW()` is taken for: the moment of an import would be another one at the next, and later than the beginning of a sandbox's clock.
/// So campaigns that begin at once have begun whenever a program looks.
const LONG_AGO: DateTime<Utc> =
    NaiveDate::from_ymd_opt(2000, 1, 1).expect("a date of the calendar").and_time(NaiveTime::MIN).and_utc();

/// Every row is a campaign. Its place counts all rows of the file, also those that cannot be read, so that codes do not move.
pub(super) fn read(text: &str) -> Vec<Numbered> {
    (1..).zip(sql::rows(text)).map(|(place, row)| (row.line, campaign(place, &row))).collect()
}

fn campaign(place: usize, row: &Row) -> Result<CatalogueItem, String> {
    let action = action(row.text("action_type")?)?;
    if row.text("status")? == "CLOSE" {
        return Err("status: the campaign is closed, there is nothing to list".to_owned());
    }
    let text = |column: &str, characters_max| {
        input::text(row.text(column)?, characters_max).map_err(|error| format!("{column}: {error}"))
    };
    Ok(CatalogueItem::Campaign(CampaignDetails {
        supplier: REFERENCE_SUPPLIER.to_owned(),
        code: format!("{}-{place}", action.as_str()),
        name: text("event_name", NAME_CHARS_MAX)?,
        description: text("event_description", DESCRIPTION_CHARS_MAX)?,
        action,
        reward: reward(row.text("reward_type")?, row.text("reward_value")?)?,
        opens_at: instant(row, "start_date")?,
        ends_at: if row.is_null("end_date") { None } else { Some(instant(row, "end_date")?) },
        budget: None,
    }))
}

fn action(word: &str) -> Result<Action, String> {
    let known = [Action::Signup, Action::Referral, Action::Review].into_iter().find(|action| action.as_str() == word);
    known.ok_or_else(|| "action_type: not SIGNUP, REFERRAL or REVIEW".to_owned())
}

/// Vouchers of the source are good for any trip, for ever.
fn reward(kind: &str, value: &str) -> Result<RewardTerms, String> {
    let voucher = || Ok(VoucherTerms { off: percent(value)?, minimum_total: None, valid_days: None });
    match kind {
        "POINT" => value.parse().map(RewardTerms::Point).map_err(|_| "reward_value: not a number of points".to_owned()),
        "VOUCHER" => voucher().map(RewardTerms::Voucher),
        "DISCOUNT" => voucher().map(RewardTerms::Discount),
        "GIFT" => input::text(value, DESCRIPTION_CHARS_MAX)
            .map(RewardTerms::Gift)
            .map_err(|error| format!("reward_value: {error}")),
        _ => Err("reward_type: not POINT, GIFT, VOUCHER or DISCOUNT".to_owned()),
    }
}

/// The number in front of the first percent sign: the rest are words for people.
fn percent(value: &str) -> Result<Off, String> {
    let number = value.split_once('%').and_then(|(number, _)| number.trim().parse().ok());
    number.map(Off::Percent).ok_or_else(|| "reward_value: does not begin with a percentage such as 10%".to_owned())
}

/// A time in UTC, or the present moment.
fn instant(row: &Row, column: &str) -> Result<DateTime<Utc>, String> {
    let text = row.text(column)?;
    if text == NOW {
        return Ok(LONG_AGO);
    }
    let at = DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%#z")
        .map_err(|_| format!("{column}: not a time such as 2090-12-31 23:59:59+00"))?;
    input::instant(at.with_timezone(&Utc)).map_err(|error| format!("{column}: {error}"))
}
