//! Without an issuer.

use super::signer::encode;
use super::*;
use crate::caller::Scope;
use crate::identity::development_token;

async fn refused(token: &str) -> bool {
    Identity::Development.caller(&bearer(token)).await.is_err_and(|refusal| refusal.status == StatusCode::UNAUTHORIZED)
}

#[tokio::test]
async fn whoever_shows_nothing_may_do_everything_and_whoever_shows_a_token_what_it_names() {
    let everybody = Identity::Development.caller(&HeaderMap::new()).await.expect("a caller");
    assert_eq!(everybody, Caller::development());
    let made = development_token("Ada@Example.org", &[Scope::BookingsRead], None);
    let ada = Identity::Development.caller(&bearer(&made.token)).await.expect("a caller");
    assert_eq!(ada.owner(), made.owner);
    assert!(ada.may(Scope::BookingsRead) && !ada.may(Scope::BookingsWrite) && !ada.may(Scope::Operations));
    assert_eq!(ada.expires_at(), None);
    let again = development_token("ada@example.org", &Scope::ALL, None);
    assert_eq!(again.owner, made.owner, "the same person, whatever the rights");
    assert_ne!(development_token("bob@example.org", &[], None).owner, made.owner);
}

#[tokio::test]
async fn a_token_for_trying_ends_when_it_says_so() {
    let far = "2100-01-01T00:00:00Z".parse().expect("an instant");
    let lasting = development_token("ada@example.org", &[], Some(far));
    let caller = Identity::Development.caller(&bearer(&lasting.token)).await.expect("a caller");
    assert_eq!(caller.expires_at(), Some(far));
    let past = "2000-01-01T00:00:00Z".parse().expect("an instant");
    assert!(refused(&development_token("ada@example.org", &[], Some(past)).token).await);
}

#[tokio::test]
async fn what_is_no_token_for_trying_is_refused_instead_of_taken_for_everybody() {
    for content in ["{}", r#"{"sub":"ada@example.org","scope":""}"#, r#"{"sub":17}"#, "[]", ""] {
        assert!(refused(&format!("dev.{}", encode(content.as_bytes()))).await, "{content}");
    }
    for token in ["dev.", "dev", "dev.!", "nonsense", &format!("dev.{}", "A".repeat(8 * 1024))] {
        assert!(refused(token).await, "{token}");
    }
}

#[tokio::test]
async fn an_issuers_tokens_and_those_for_trying_do_not_meet() {
    let world = World::begin().await;
    assert!(refused(&world.token(json!({}))).await, "nobody can check it here");
    let trial = development_token("ada@example.org", &Scope::ALL, None);
    assert_eq!(world.status(&trial.token).await, StatusCode::UNAUTHORIZED);
}
