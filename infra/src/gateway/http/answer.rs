//! What an answer means. Whatever is not surely something else is unknown.

use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use traveladvisor_domain::payment::GatewayOutcome;
use traveladvisor_domain::trip::CardToken;

use super::exchange::Answered;
use super::settings::WORD_BYTES_MAX;
use crate::gateway::statement::Statement;
use crate::gateway::wire::{CALL_NOT_FOUND, CARD_MALFORMED, KEY_REUSED, NOT_A_TEST_CARD, TokenBody};
use crate::gateway::{CallError, TokeniseError, UnknownOutcome};

/// The outcome of a call. Without a statement it is unknown, whatever the status: what stands between us and the gateway answers too.
pub(super) fn outcome(answered: &Answered) -> Result<GatewayOutcome, CallError> {
    if let Some(statement) = answered.statement().filter(is_sound) {
        return Ok(statement.outcome());
    }
    if answered.code().is_some_and(|code| code == KEY_REUSED) {
        tracing::error!("a call's key was used before for another call: what the first one came to counts");
    }
    Err(CallError::Unknown(answered.told()))
}

/// What a look-up found. A statement found is told with 200, whatever it states.
pub(super) fn found(answered: &Answered) -> Result<Option<GatewayOutcome>, UnknownOutcome> {
    if answered.status == StatusCode::OK
        && let Ok(statement) = serde_json::from_slice::<Statement>(&answered.body)
        && is_sound(&statement)
    {
        return Ok(Some(statement.outcome()));
    }
    // A wrong address answers 404 as well: only the code says that it was the gateway who looked.
    let nothing_came = answered.code().is_some_and(|code| code == CALL_NOT_FOUND);
    if answered.status == StatusCode::NOT_FOUND && nothing_came {
        return Ok(None);
    }
    Err(UnknownOutcome(answered.told()))
}

/// A reference goes into events: it is there and bounded.
fn is_sound(statement: &Statement) -> bool {
    match statement {
        Statement::Done { reference } => is_word(reference),
        Statement::Refused { .. } | Statement::Faulted { .. } => true,
    }
}

/// The token for the card with these digits.
pub(super) fn token(answered: &Answered, digits: &SecretString) -> Result<CardToken, TokeniseError> {
    let code = answered.code();
    match (answered.status, code.as_deref()) {
        (StatusCode::OK, _) => read_token(&answered.body, digits.expose_secret()).ok_or_else(|| {
            tracing::error!("the payment gateway's token is not used: it is no token, or shows the card number");
            TokeniseError::Unavailable
        }),
        (StatusCode::UNPROCESSABLE_ENTITY, Some(CARD_MALFORMED)) => Err(TokeniseError::Malformed),
        (StatusCode::UNPROCESSABLE_ENTITY, Some(NOT_A_TEST_CARD)) => Err(TokeniseError::NotATestCard),
        (StatusCode::PAYMENT_REQUIRED | StatusCode::UNPROCESSABLE_ENTITY, _) => Err(TokeniseError::NotTaken),
        _ => {
            tracing::warn!(answer = answered.told(), "the payment gateway gave no token");
            Err(TokeniseError::Unavailable)
        }
    }
}

/// What a gateway calls a token goes into events: it must not be the number.
fn read_token(body: &[u8], digits: &str) -> Option<CardToken> {
    let TokenBody { token, brand, last_four } = serde_json::from_slice(body).ok()?;
    let shows_number = [&token, &brand].iter().any(|word| word.contains(digits));
    let is_right = is_word(&token) && is_word(&brand) && last_four.len() == 4 && digits.ends_with(&last_four);
    (is_right && !shows_number).then_some(CardToken { token, brand, last_four })
}

fn is_word(word: &str) -> bool {
    (1..=WORD_BYTES_MAX).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answered(status: u16, body: &serde_json::Value) -> Answered {
        Answered { status: StatusCode::from_u16(status).expect("a status"), body: body.to_string().into_bytes() }
    }

    #[test]
    fn only_a_statement_with_its_status_settles_a_call() {
        let done = json!({"outcome": "done", "reference": "ch_1"});
        let refused = json!({"outcome": "refused", "code": "INSUFFICIENT_FUNDS"});
        let faulted = json!({"outcome": "faulted", "code": "UNAVAILABLE"});
        assert!(matches!(outcome(&answered(200, &done)), Ok(GatewayOutcome::Done { .. })));
        assert!(matches!(outcome(&answered(402, &refused)), Ok(GatewayOutcome::Refused(_))));
        assert!(matches!(outcome(&answered(503, &faulted)), Ok(GatewayOutcome::Faulted(_))));
        let long = json!({"outcome": "done", "reference": "x".repeat(WORD_BYTES_MAX + 1)});
        let unclear = [
            (200, json!({})),
            (200, refused),
            (500, done),
            (200, long),
            (402, json!({"code": "PAYMENT_DECLINED"})),
            (401, json!({"code": "UNAUTHORISED"})),
            (409, json!({"code": "CALL_IN_PROGRESS"})),
            (422, json!({"code": "KEY_REUSED"})),
            (503, json!("unreadable")),
        ];
        for (status, body) in unclear {
            assert!(matches!(outcome(&answered(status, &body)), Err(CallError::Unknown(_))), "{status} {body}");
        }
    }

    #[test]
    fn a_404_of_anybody_but_the_gateway_is_not_taken_for_not_found() {
        assert_eq!(found(&answered(404, &json!({"code": "CALL_NOT_FOUND"}))), Ok(None));
        for (status, body) in [(404, json!("no such page")), (404, json!({})), (200, json!({})), (409, json!({}))] {
            assert!(found(&answered(status, &body)).is_err(), "{status} {body}");
        }
    }

    #[test]
    fn a_token_that_shows_the_card_number_is_not_used() {
        let digits = SecretString::from("4242424242424242");
        let body = |token: &str, last_four| json!({"token": token, "brand": "visa", "lastFour": last_four});
        assert!(token(&answered(200, &body("tok_1", "4242")), &digits).is_ok());
        for wrong in
            [body("card-4242424242424242", "4242"), body("tok_1", "1234"), body("tok_1", "24242"), body("", "4242")]
        {
            assert_eq!(token(&answered(200, &wrong), &digits), Err(TokeniseError::Unavailable), "{wrong}");
        }
        assert_eq!(token(&answered(422, &json!({"code": "STOLEN"})), &digits), Err(TokeniseError::NotTaken));
    }
}
