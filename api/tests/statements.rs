//! How many statements a query causes: as many for fifty rows as for five.

use std::collections::BTreeMap;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{BaseType, Type, TypeKind, TypeSystemDefinition};
use serde_json::{Value, json};
use sqlx::postgres::PgPoolOptions;
use traveladvisor_infra::testing::proxy::{APPENDS, FaultProxy};

use crate::world::{UPSERT_CAR, UPSERT_FLIGHT, UPSERT_HOTEL, World, car, flight, hotel, merge, text};

/// Most statements of one list: its page, what happened to all of its entries, and a look at what comes before the page.
const LIST_STATEMENTS_MAX: u64 = 3;
/// Most statements of one thing: itself, and what happened to it.
const ONE_STATEMENTS_MAX: u64 = 2;
/// Most statements of things of all kinds together: what happened is told of trips and of process managers.
const NODES_STATEMENTS_MAX: u64 = 11;
/// Most statements of a member with all that belongs to it: itself, its account, and three lists.
const MEMBER_STATEMENTS_MAX: u64 = 2 + 3 * LIST_STATEMENTS_MAX;
/// A page of so many must cause as many statements as one of [`FEW`].
const MANY: usize = 50;
const FEW: usize = 5;

/// Each list with what must be given. `ROWS` becomes the number of rows, `DAY` the day so many days after the first.
const LISTS: [(&str, &str); 10] = [
    ("bookings", "first: ROWS"),
    ("sagas", "first: ROWS"),
    ("travellerBookings", "email: \"ada@example.com\", first: ROWS"),
    ("hotels", "filter: { checkIn: \"2025-01-10\", checkOut: \"2025-01-13\" }, first: ROWS"),
    ("flights", "filter: {}, first: ROWS"),
    ("cars", "filter: { pickUpAt: \"2025-02-10T10:00:00Z\", dropOffAt: \"2025-02-12T10:00:00Z\" }, first: ROWS"),
    ("campaigns", "first: ROWS"),
    ("vouchers", "first: ROWS"),
    ("hotelOccupancy", "hotelId: \"HOTEL\", from: \"2025-01-01\", to: \"DAY\""),
    ("carOccupancy", "carId: \"CAR\", from: \"2025-01-01\", to: \"DAY\""),
];

/// The schema's fields: by the name of a type, each with its type.
struct Fields(BTreeMap<String, Vec<(String, Type)>>);

impl Fields {
    fn read() -> Self {
        let mut all = BTreeMap::new();
        for definition in parse_schema(traveladvisor_api::sdl()).expect("the schema parses").definitions {
            let TypeSystemDefinition::Type(definition) = definition else { continue };
            let TypeKind::Object(object) = definition.node.kind else { continue };
            let fields = object.fields.into_iter().map(|field| (field.node.name.node.to_string(), field.node.ty.node));
            all.insert(definition.node.name.node.to_string(), fields.collect());
        }
        Self(all)
    }

    /// A selection of everything below a type, so that a field that is added is counted too.
    fn everything(&self, of: &str) -> String {
        let Some(fields) = self.0.get(of) else { return String::new() };
        let fields: Vec<String> =
            fields.iter().map(|(name, ty)| format!("{name} {}", self.everything(named(ty)))).collect();
        format!("{{ {} }}", fields.join(" "))
    }

    fn of_query(&self, field: &str) -> String {
        let (_, ty) = self.0["Query"].iter().find(|(name, _)| name == field).expect("a field of Query");
        self.everything(named(ty))
    }

    /// The query fields whose answers are lists, or pages of them.
    fn lists(&self) -> Vec<&str> {
        let is_list = |ty: &Type| matches!(ty.base, BaseType::List(_)) || named(ty).ends_with("Connection");
        self.0["Query"].iter().filter(|(_, ty)| is_list(ty)).map(|(name, _)| name.as_str()).collect()
    }
}

fn named(ty: &Type) -> &str {
    match &ty.base {
        BaseType::Named(name) => name,
        BaseType::List(element) => named(element),
    }
}

/// A world whose queries are counted, with fifty of everything.
struct Counted {
    world: World,
    proxy: FaultProxy,
}

impl Counted {
    async fn begin() -> Self {
        let mut proxy = None;
        let world = World::begin_with(|database| {
            let counting = proxy.insert(FaultProxy::start(&database.options, APPENDS));
            PgPoolOptions::new().connect_lazy_with(counting.options())
        });
        let world = world.await;
        let counted = Self { world, proxy: proxy.expect("made with the world") };
        counted.fill().await;
        counted
    }

    async fn fill(&self) {
        let mut position = Value::Null;
        for number in 0..MANY {
            for (query, mut input) in [(UPSERT_HOTEL, hotel()), (UPSERT_FLIGHT, flight()), (UPSERT_CAR, car())] {
                merge(&mut input, json!({ "code": format!("X{number}") }));
                self.world.ask(query, json!({ "input": input })).await;
            }
            let trip = self.world.trip(json!({ "idempotencyKey": format!("key {number}"), "payment": { "method": "NONE", "cardNumber": null } }));
            position = self.world.book(trip).await["position"].take();
        }
        self.fill_membership().await;
        let seen =
            "query($at: Position) { travellerBookings(email: \"ada@example.com\", atLeast: $at) { nodes { id } } }";
        self.world.ask(seen, json!({ "at": position })).await;
    }

    /// Whoever asks becomes a member with fifty rewards; there are fifty campaigns.
    async fn fill_membership(&self) {
        let sign_up = "mutation { signUp(input: { idempotencyKey: \"k\", email: \"ada@example.com\", nickname: \"a\", firstName: \"a\", \
             lastName: \"a\", contactNumber: \"1\" }) { member { id } } }";
        let member = self.world.ask(sign_up, json!({})).await["signUp"]["member"]["id"].take();
        let open = "mutation($i: OpenCampaignInput!) { openCampaign(input: $i) { campaign { id } } }";
        let mut opened = Value::Null;
        for number in 0..MANY {
            let campaign = json!({ "code": format!("X{number}"), "name": "X", "description": "X", "action": "REVIEW",
                "reward": { "points": "5" }, "opensAt": "2024-11-01T00:00:00Z" });
            let input = json!({ "idempotencyKey": format!("open {number}"), "campaign": campaign });
            opened = self.world.ask(open, json!({ "i": input })).await["openCampaign"]["campaign"]["id"].take();
        }
        let grant = "mutation($i: GrantRewardInput!) { grantReward(input: $i) { errors { code } member { id points { balance } } reward { id } } }";
        for number in 0..MANY {
            let input = json!({ "idempotencyKey": format!("grant {number}"), "memberId": member, "campaignId": opened, "cause": number.to_string() });
            self.world.ask(grant, json!({ "i": input })).await;
        }
    }

    /// What a query answers, and how many statements it causes.
    async fn count(&self, query: &str, variables: Value) -> (Value, u64) {
        let before = self.proxy.statements();
        let answer = self.world.ask(query, variables).await;
        (answer, self.proxy.statements() - before)
    }

    /// The rows of a list, and how many statements they cause.
    async fn list(&self, field: &str, arguments: &str, selection: &str, rows: usize) -> (Value, u64) {
        let day = format!("2025-{:02}-{:02}", 1 + rows / 31, 1 + rows % 31);
        let arguments = arguments.replace("ROWS", &rows.to_string()).replace("DAY", &day);
        let arguments = arguments.replace("HOTEL", &self.world.hotel).replace("CAR", &self.world.car);
        let (mut answer, statements) = self.count(&format!("{{ {field}({arguments}) {selection} }}"), json!({})).await;
        let answer = answer[field].take();
        let found = answer.get("nodes").unwrap_or(&answer).as_array().map(Vec::len);
        assert_eq!(found, Some(rows), "{field}: as many rows as are counted for");
        (answer, statements)
    }
}

#[tokio::test]
async fn fifty_rows_cause_as_many_statements_as_five_whatever_is_asked_of_them() {
    let fields = Fields::read();
    let counted = Counted::begin().await;
    for (field, arguments) in LISTS {
        let selection = fields.of_query(field);
        let (page, few) = counted.list(field, arguments, &selection, FEW).await;
        let (_, many) = counted.list(field, arguments, &selection, MANY).await;
        assert_eq!(many, few, "{field}: statements for {MANY} rows and for {FEW}");
        assert!((1..=LIST_STATEMENTS_MAX).contains(&many), "{field}: {many} statements");
        if let Some(cursor) = page.pointer("/pageInfo/endCursor") {
            let query = format!("{{ {field}({}, after: {cursor}) {selection} }}", arguments.replace("ROWS", "45"));
            let (_, next) = counted.count(&query, json!({})).await;
            assert!((1..=LIST_STATEMENTS_MAX).contains(&next), "{field}: {next} statements of a further page");
        }
    }
}

#[tokio::test]
async fn no_list_of_the_schema_is_left_uncounted() {
    /// Of one trip the currencies, all read models, and what is counted below.
    const OTHERS: [&str; 3] = ["nodes", "paymentLedger", "projections"];
    let fields = Fields::read();
    let counted: Vec<&str> = LISTS.iter().map(|(field, _)| *field).chain(OTHERS).collect();
    let left: Vec<&str> = fields.lists().into_iter().filter(|field| !counted.contains(field)).collect();
    assert!(left.is_empty(), "count the statements of these lists: {left:?}");
}

#[tokio::test]
async fn things_found_by_their_ids_cause_statements_by_their_kinds_and_not_by_their_number() {
    const KINDS: [&str; 9] =
        ["Booking", "Saga", "TravellerBooking", "Hotel", "Flight", "Car", "Campaign", "Reward", "PointsEntry"];
    const KIND_LISTS: [&str; 9] =
        ["bookings", "sagas", "travellerBookings", "hotels", "flights", "cars", "campaigns", "vouchers", "entries"];
    let fields = Fields::read();
    let counted = Counted::begin().await;
    let lists = "{ bookings(first: 50) { nodes { id } } sagas(first: 50) { nodes { id } } \
         travellerBookings(email: \"ada@example.com\", first: 50) { nodes { id } } hotels(filter: {}, first: 50) { nodes { id } } \
         flights(filter: {}, first: 50) { nodes { id } } cars(filter: {}, first: 50) { nodes { id } } \
         campaigns(first: 50) { nodes { id } } vouchers(first: 50) { nodes { id } } \
         me { points { entries(first: 50) { nodes { id } } } } }";
    let mut lists = counted.world.ask(lists, json!({})).await;
    lists["entries"] = lists["me"]["points"]["entries"].take();
    let of = |list: &Value, rows: usize| -> Vec<Value> {
        list["nodes"].as_array().expect("nodes").iter().take(rows).map(|node| node["id"].clone()).collect()
    };
    // Where two kinds have a field of one name and of another type, one document cannot ask for both: the kinds are asked for one by one.
    for (kind, list) in KINDS.iter().zip(KIND_LISTS) {
        let query =
            format!("query($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on {kind} {} }} }}", fields.everything(kind));
        let (_, few) = counted.count(&query, json!({ "ids": of(&lists[list], FEW) })).await;
        let (_, many) = counted.count(&query, json!({ "ids": of(&lists[list], MANY) })).await;
        assert_eq!(many, few, "{kind}");
        assert!((1..=ONE_STATEMENTS_MAX).contains(&many), "{kind}: {many} statements");
    }
    let mixed: Vec<Value> = KIND_LISTS.iter().flat_map(|list| of(&lists[*list], 11)).collect();
    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { id ... on Booking { timeline { type } } ... on Saga { history { type } } } }";
    let (found, all) = counted.count(query, json!({ "ids": mixed })).await;
    assert_eq!(found["nodes"].as_array().expect("nodes").iter().filter(|node| node.is_object()).count(), mixed.len());
    assert!(all <= NODES_STATEMENTS_MAX, "{all} statements");
}

#[tokio::test]
async fn a_member_with_all_that_belongs_to_it_causes_as_many_statements_for_fifty_rows_as_for_five() {
    let fields = Fields::read();
    let counted = Counted::begin().await;
    let ask = |rows: usize| {
        let of = |field: &str, node: &str| {
            format!(
                "{field}(first: {rows}) {{ pageInfo {} nodes {} }}",
                fields.everything("PageInfo"),
                fields.everything(node)
            )
        };
        let entries = of("entries", "PointsEntry");
        let (vouchers, bookings) = (of("vouchers", "Reward"), of("bookings", "Booking"));
        format!("{{ me {{ id email status points {{ balance {entries} }} {vouchers} {bookings} }} }}")
    };
    let (member, few) = counted.count(&ask(FEW), json!({})).await;
    let (_, many) = counted.count(&ask(MANY), json!({})).await;
    assert_eq!(member["me"]["points"]["balance"], "250");
    assert_eq!(many, few, "statements for {MANY} rows and for {FEW}");
    assert!((1..=MEMBER_STATEMENTS_MAX).contains(&many), "{many} statements");
}

#[tokio::test]
async fn one_thing_and_the_answer_of_a_change_cause_a_statement_or_two() {
    let fields = Fields::read();
    let counted = Counted::begin().await;
    let world = &counted.world;
    let trip = world.trip(
        json!({ "idempotencyKey": "another", "wait": "ACCEPTED", "payment": { "method": "NONE", "cardNumber": null } }),
    );
    let payload = fields.everything("BookTripPayload");
    let query = format!("mutation($input: BookTripInput!) {{ bookTrip(input: $input) {payload} }}");
    let (booked, statements) = counted.count(&query, json!({ "input": trip })).await;
    assert!((1..=ONE_STATEMENTS_MAX).contains(&statements), "bookTrip: {statements} statements");
    let booking = text(&booked["bookTrip"]["booking"]["id"]);
    for (field, arguments) in [
        ("booking", format!("id: \"{booking}\"")),
        ("saga", format!("bookingId: \"{booking}\"")),
        ("paymentLedger", format!("bookingId: \"{booking}\"")),
        ("hotel", format!("id: \"{}\"", world.hotel)),
        ("flight", format!("id: \"{}\"", world.flight)),
        ("car", format!("id: \"{}\"", world.car)),
        ("flightOccupancy", format!("flightId: \"{}\"", world.flight)),
    ] {
        let query = format!("{{ {field}({arguments}) {} }}", fields.of_query(field));
        let (_, statements) = counted.count(&query, json!({})).await;
        assert!((1..=ONE_STATEMENTS_MAX).contains(&statements), "{field}: {statements} statements");
    }
    for (name, query, input) in [
        ("upsertHotel", UPSERT_HOTEL, hotel()),
        ("upsertFlight", UPSERT_FLIGHT, flight()),
        ("upsertCar", UPSERT_CAR, car()),
    ] {
        let (_, statements) = counted.count(query, json!({ "input": input })).await;
        assert!((1..=ONE_STATEMENTS_MAX).contains(&statements), "{name}: {statements} statements");
    }
}
