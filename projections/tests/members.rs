//! Members as they are looked up, and what is left of one who has gone.

use sqlx::Row;
use traveladvisor_domain::id::MemberId;
use traveladvisor_domain::trip::PaymentPlan;
use traveladvisor_projections::reads::Reads;
use traveladvisor_projections::views::MemberStatus;

use crate::rebuild::{ROOMY, rebuild_all};
use crate::support::members::{profile, reward_for};
use crate::support::{House, PLENTY};

async fn by_email(reads: &Reads, email: &str) -> Option<MemberId> {
    reads.member_by_email(email).await.expect("readable").map(|member| member.id)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_is_found_by_id_by_identity_and_by_the_address_in_whatever_case() {
    let mut house = House::new().await;
    let (_projectors, reads) = house.read().await;
    let bob = house.sign_up("https://issuer#bob", "bob@example.org", None).await;
    let ada = house.sign_up("https://issuer#ada", "Ada@Example.org", Some(bob)).await;
    house.catch_up(&reads).await;
    let known = reads.member(ada).await.expect("readable").expect("known");
    assert_eq!(known.profile, Some(profile("Ada@Example.org")), "as it was given");
    assert_eq!((known.status, known.referrer, known.version), (MemberStatus::Active, Some(bob), 1));
    assert_eq!(known.created_at, known.updated_at);
    let of_identity = reads.member_of_identity("https://issuer#ada").await.expect("readable");
    assert_eq!(of_identity.as_ref(), Some(&known));
    assert_eq!(by_email(&reads, " ADA@example.ORG ").await, Some(ada));
    assert_eq!(reads.members_by_id(&[bob, ada, MemberId::of("nobody")]).await.expect("readable").len(), 2);
    for nobody in ["", "ada", "a%", "ada@example.org\0", "' OR true --"] {
        assert_eq!(by_email(&reads, nobody).await, None, "{nobody}");
        assert_eq!(reads.member_of_identity(nobody).await.expect("readable"), None, "{nobody}");
    }
    assert!(!format!("{known:?}").contains("Byronova"), "what is logged of a member tells nothing of the person");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_address_finds_the_member_and_the_former_one_finds_whoever_takes_it() {
    let mut house = House::new().await;
    let (_projectors, reads) = house.read().await;
    let ada = house.sign_up("ada", "ada@example.org", None).await;
    assert!(house.change_email(ada, "countess@example.org").await);
    house.catch_up(&reads).await;
    assert_eq!(by_email(&reads, "countess@example.org").await, Some(ada));
    assert_eq!(by_email(&reads, "ada@example.org").await, None);
    assert_eq!(reads.member(ada).await.expect("readable").expect("known").version, 2);
    let other = house.sign_up("another ada", "ada@example.org", None).await;
    house.catch_up(&reads).await;
    assert_eq!(by_email(&reads, "ada@example.org").await, Some(other));
    assert!(!house.change_email(other, "Countess@example.org").await, "it is taken");
    house.catch_up(&reads).await;
    assert_eq!(by_email(&reads, "countess@example.org").await, Some(ada));
}

/// The tables of the read side that hold any of these texts.
async fn holders(house: &House, texts: &[&str]) -> Vec<String> {
    let tables =
        "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'events' ORDER BY 1";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(house.log.pool()).await.expect("the tables");
    let mut holders = Vec::new();
    for table in tables {
        let rows = sqlx::query(&format!("SELECT t::text AS row FROM {table} t")).fetch_all(house.log.pool()).await;
        let holds = |row: &sqlx::postgres::PgRow| texts.iter().any(|text| row.get::<&str, _>("row").contains(text));
        if rows.expect("rows").iter().any(holds) {
            holders.push(table);
        }
    }
    holders
}

/// Of a member who has booked under another name: what stands in the profile and nowhere else.
const PERSONAL: [&str; 6] =
    ["ada@private.example", "ADA@private.example", "the countess", "Augusta", "Byronova", "+44 99 77 55"];

#[tokio::test(flavor = "multi_thread")]
async fn personal_values_stand_with_the_member_alone_and_are_gone_when_the_member_has_left() {
    let mut house = House::new().await;
    let (projectors, reads) = house.read().await;
    let [_, referral] = house.list_campaigns().await;
    let ada = house.sign_up("ada", "ADA@private.example", None).await;
    let friend = house.sign_up("friend", "friend@example.org", Some(ada)).await;
    house.close(friend).await;
    let plan = house.offer(PLENTY, PaymentPlan::Points).await;
    let plan = house.booked_by(&plan, ada, Some(reward_for(referral, friend)));
    house.request(1, "ada", "office@example.org", plan).await;
    house.deliver_all().await;
    house.give_points(ada, 5).await;
    house.catch_up(&reads).await;
    assert_eq!(holders(&house, &PERSONAL).await, ["members"]);

    assert!(house.close(ada).await);
    house.catch_up(&reads).await;
    let nowhere: [&str; 0] = [];
    assert_eq!(holders(&house, &PERSONAL).await, nowhere);
    let left = reads.member(ada).await.expect("readable").expect("known");
    assert_eq!((left.status, left.profile, left.version), (MemberStatus::Closed, None, 2));
    assert_eq!(by_email(&reads, "ada@private.example").await, None);
    assert!(!house.change_email(ada, "back@private.example").await, "who has left changes nothing any more");
    projectors.stop().await;
    rebuild_all(&house.log, ROOMY).await;
    assert_eq!(holders(&house, &PERSONAL).await, nowhere, "rows made anew do not bring them back");
}
