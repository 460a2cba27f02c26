//! The rules of a campaign's input, field by field.

use traveladvisor_commands::input::{self, FieldError};
use traveladvisor_domain::campaign::{
    BUDGET_MAX, CODE_CHARS_MAX, CampaignDetails, DESCRIPTION_CHARS_MAX, NAME_CHARS_MAX, RewardTerms,
};
use traveladvisor_domain::discount::{Off, PERCENT_MAX, VALID_DAYS_MAX, VoucherTerms};
use traveladvisor_domain::id::CampaignId;
use traveladvisor_domain::money::Money;

use super::input::{CampaignInput, OpenCampaignInput, RewardInput, VoucherInput};
use crate::graphql::mutation::member_rules::points;
use crate::graphql::mutation::rules::{free_text, idempotency_key};
use crate::graphql::mutation::submit::Findings;
use crate::graphql::types::{ErrorCode, MoneyInput, UserError};

/// Where a campaign's details stand below the input.
pub(super) const CAMPAIGN: &str = "campaign";

/// What is opened.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Checked {
    Listed(CampaignId),
    Details(CampaignDetails),
}

/// Everything that is wrong, or the key and what is opened.
pub(super) fn check(given: OpenCampaignInput) -> Result<(String, Checked), Vec<UserError>> {
    let mut findings = Findings::default();
    let key = findings.check(&["idempotencyKey"], idempotency_key(&given.idempotency_key));
    let checked = match (given.campaign_id, given.campaign) {
        (Some(id), None) => findings.id(&["campaignId"], "campaign", &id).map(Checked::Listed),
        (None, Some(campaign)) => details(&mut findings, campaign).map(Checked::Details),
        (Some(_), Some(_)) | (None, None) => {
            let message = "Give either campaignId, to open one that is listed, or campaign, to list one.";
            findings.add(ErrorCode::InvalidInput, message, &[]);
            None
        }
    };
    findings.settle(key.zip(checked))
}

/// What needs several fields (an end after its beginning) the aggregate decides.
fn details(findings: &mut Findings, given: CampaignInput) -> Option<CampaignDetails> {
    let supplier = findings.check(&[CAMPAIGN, "supplier"], input::code(&given.supplier));
    let code = findings.check(&[CAMPAIGN, "code"], free_text(&given.code, CODE_CHARS_MAX));
    let name = findings.check(&[CAMPAIGN, "name"], free_text(&given.name, NAME_CHARS_MAX));
    let description = findings.check(&[CAMPAIGN, "description"], free_text(&given.description, DESCRIPTION_CHARS_MAX));
    let opens_at = findings.check(&[CAMPAIGN, "opensAt"], input::instant(given.opens_at.0));
    let ends_at = given.ends_at.and_then(|at| findings.check(&[CAMPAIGN, "endsAt"], input::instant(at.0)));
    let budget =
        given.budget.and_then(|budget| findings.check(&[CAMPAIGN, "budget"], input::count(budget, BUDGET_MAX)));
    let reward = reward(findings, given.reward);
    Some(CampaignDetails {
        supplier: supplier?,
        code: code?,
        name: name?,
        description: description?,
        action: given.action.into(),
        reward: reward?,
        opens_at: opens_at?,
        ends_at,
        budget,
    })
}

fn reward(findings: &mut Findings, given: RewardInput) -> Option<RewardTerms> {
    let place = |kind| [CAMPAIGN, "reward", kind];
    match given {
        RewardInput::Points(given) => findings.check(&place("points"), points(&given)).map(RewardTerms::Point),
        RewardInput::Voucher(given) => voucher(findings, &place("voucher"), given).map(RewardTerms::Voucher),
        RewardInput::Discount(given) => voucher(findings, &place("discount"), given).map(RewardTerms::Discount),
        RewardInput::Gift(given) => {
            findings.check(&place("gift"), free_text(&given, DESCRIPTION_CHARS_MAX)).map(RewardTerms::Gift)
        }
    }
}

fn voucher(findings: &mut Findings, place: &[&str], given: VoucherInput) -> Option<VoucherTerms> {
    let at = |field| [place, &[field]].concat();
    let off = match (given.percent, given.amount) {
        (Some(percent), None) => {
            let percent = findings.check(&at("percent"), input::count(percent, PERCENT_MAX.into()))?;
            u8::try_from(percent).ok().map(Off::Percent)
        }
        (None, Some(amount)) => findings.check(&at("amount"), above_zero(amount)).map(Off::Amount),
        (Some(_), Some(_)) | (None, None) => {
            let message = "A voucher takes either percent or an amount off: give one of them.";
            findings.add(ErrorCode::InvalidInput, message, place);
            None
        }
    };
    let minimum_total =
        given.minimum_total.and_then(|total| findings.check(&at("minimumTotal"), input::money(&total.into())));
    let valid_days =
        given.valid_days.and_then(|days| findings.check(&at("validDays"), input::count(days, VALID_DAYS_MAX)));
    Some(VoucherTerms { off: off?, minimum_total, valid_days })
}

fn above_zero(given: MoneyInput) -> Result<Money, FieldError> {
    let amount = input::money(&given.into())?;
    if amount.minor > 0 {
        return Ok(amount);
    }
    Err(FieldError::new("nothing would be taken off: give an amount above zero").under("amount"))
}

#[cfg(test)]
mod tests {
    use async_graphql::{InputType, Value};
    use serde_json::json;

    use super::*;

    /// A campaign in order, of which one field below `campaign` is another.
    fn changed(field: &str, value: serde_json::Value) -> Result<Checked, Vec<String>> {
        let mut whole = json!({
            "idempotencyKey": "key",
            "campaign": {
                "code": "SPRING", "name": "Spring", "description": "Points in spring", "action": "SIGNUP",
                "reward": { "points": "500" }, "opensAt": "2024-12-01T00:00:00Z",
            },
        });
        whole["campaign"][field] = value;
        let value = Value::from_json(whole).expect("a value");
        let input =
            OpenCampaignInput::parse(Some(value)).map_err(|_| "not in the shape of the schema").expect("an input");
        let told = |error: &UserError| format!("{} {}", error.code.as_str(), error.path[1..].join("."));
        check(input).map(|(_, checked)| checked).map_err(|errors| errors.iter().map(told).collect())
    }

    #[test]
    fn a_campaign_in_order_is_taken_with_its_defaults() {
        let Ok(Checked::Details(details)) = changed("budget", json!(10)) else { panic!("refused") };
        assert_eq!((details.supplier.as_str(), details.budget), ("own", Some(10)));
        assert_eq!(details.reward, RewardTerms::Point(500));
        let voucher = json!({ "voucher": { "percent": 10, "validDays": 30 } });
        let Ok(Checked::Details(details)) = changed("reward", voucher) else { panic!("refused") };
        let terms = VoucherTerms { off: Off::Percent(10), minimum_total: None, valid_days: Some(30) };
        assert_eq!(details.reward, RewardTerms::Voucher(terms));
    }

    #[test]
    fn each_field_that_breaks_its_rule_is_named() {
        let money = |amount: &str, currency: &str| json!({ "amount": amount, "currency": currency });
        let voucher = |voucher: serde_json::Value| json!({ "voucher": voucher });
        let cases = [
            ("supplier", json!(" "), "campaign.supplier"),
            ("code", json!(""), "campaign.code"),
            ("code", json!("c".repeat(CODE_CHARS_MAX + 1)), "campaign.code"),
            ("name", json!("\u{200b}\u{3164}"), "campaign.name"),
            ("name", json!("n".repeat(NAME_CHARS_MAX + 1)), "campaign.name"),
            ("name", json!("a\u{202e}b"), "campaign.name"),
            ("description", json!("d".repeat(DESCRIPTION_CHARS_MAX + 1)), "campaign.description"),
            ("description", json!("pay with 4242 4242 4242 4242"), "campaign.description"),
            ("opensAt", json!("9999-01-01T00:00:00Z"), "campaign.opensAt"),
            ("endsAt", json!("0001-01-01T00:00:00Z"), "campaign.endsAt"),
            ("budget", json!(0), "campaign.budget"),
            ("budget", json!(-1), "campaign.budget"),
            ("budget", json!(99_999_999_999_i64), "campaign.budget"),
            ("reward", json!({ "points": "0" }), "campaign.reward.points"),
            ("reward", json!({ "points": "-5" }), "campaign.reward.points"),
            ("reward", json!({ "points": "1.5" }), "campaign.reward.points"),
            ("reward", json!({ "gift": "" }), "campaign.reward.gift"),
            ("reward", voucher(json!({})), "campaign.reward.voucher"),
            ("reward", voucher(json!({ "percent": 5, "amount": money("1", "GBP") })), "campaign.reward.voucher"),
            ("reward", voucher(json!({ "percent": 0 })), "campaign.reward.voucher.percent"),
            ("reward", voucher(json!({ "percent": 101 })), "campaign.reward.voucher.percent"),
            ("reward", voucher(json!({ "amount": money("0", "GBP") })), "campaign.reward.voucher.amount.amount"),
            ("reward", voucher(json!({ "amount": money("1.005", "GBP") })), "campaign.reward.voucher.amount.amount"),
            ("reward", voucher(json!({ "amount": money("1", "XXX") })), "campaign.reward.voucher.amount.currency"),
            (
                "reward",
                voucher(json!({ "percent": 5, "minimumTotal": money("-1", "GBP") })),
                "campaign.reward.voucher.minimumTotal.amount",
            ),
            ("reward", voucher(json!({ "percent": 5, "validDays": 0 })), "campaign.reward.voucher.validDays"),
            (
                "reward",
                json!({ "discount": { "percent": 5, "validDays": 99_999 } }),
                "campaign.reward.discount.validDays",
            ),
        ];
        for (field, value, path) in cases {
            assert_eq!(changed(field, value.clone()), Err(vec![format!("INVALID_INPUT {path}")]), "{field}: {value}");
        }
    }

    #[test]
    fn one_campaign_is_opened_at_a_time() {
        let id = CampaignId::of("own", "SPRING").to_string();
        let input = |id: Option<String>| OpenCampaignInput {
            idempotency_key: "key".into(),
            campaign_id: id.map(Into::into),
            campaign: None,
        };
        let opened = check(input(Some(id.clone()))).map(|(_, checked)| checked);
        assert_eq!(opened, Ok(Checked::Listed(CampaignId::of("own", "SPRING"))));
        let none = check(input(None)).expect_err("refused");
        assert_eq!((none[0].code, none[0].path.len()), (ErrorCode::InvalidInput, 0));
        let other = check(input(Some("hotel_00000000000000000000000000".into()))).expect_err("refused");
        assert_eq!((other[0].code, other[0].path.join(".").as_str()), (ErrorCode::NotFound, "input.campaignId"));
    }
}
