//! An API over a real engine, a real read side and a database of its own, with one hotel, one flight and one fleet.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, Response, response};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, PgPool};
use tower::ServiceExt;
use traveladvisor_api::{Allowance, Api, Handover, Identity, Part, Parts, router};
use traveladvisor_commands::engine::{Delivery, Ports, RunningEngine};
use traveladvisor_commands::{Deciders, Engine};
use traveladvisor_domain::context::Context;
use traveladvisor_infra::clock::{Clock, SandboxClock, SeededIds};
use traveladvisor_infra::event_log::{EventLog, Position, StoredEvent};
use traveladvisor_infra::gateway::{PaymentGateway, SandboxGateway};
use traveladvisor_infra::postgres::SCHEMA;
use traveladvisor_infra::testing::TestDatabase;
use traveladvisor_projections::reads::Reads;
use traveladvisor_projections::runtime::rebuild::Rebuilds;
use traveladvisor_projections::runtime::{ProjectionName, Projectors, retry_parked};

/// Largest answer that a test reads.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Most events that a test writes.
const EVENTS_MAX: usize = 100_000;

pub(crate) const APPROVED: &str = "4242424242424242";
pub(crate) const BOOK: &str = "mutation($input: BookTripInput!) { bookTrip(input: $input) { \
     booking { id status sagaStatus version traveller { email name phone } \
       hotel { hotelId roomType checkIn checkOut rooms price { amount currency minorUnits } status } \
       flight { flightId cabin seats status } car { carId pickUpAt dropOffAt status } \
       payment { method status brand lastFour failureCode refunded { amount } } \
       total { amount } failure { step code message } timeline { position at type summary } createdAt updatedAt } \
     position errors { code message path } } }";

/// Where cards become tokens.
pub(crate) type Gateway = Arc<dyn PaymentGateway>;

pub(crate) struct World {
    pub(crate) api: Api,
    pub(crate) hotel: String,
    pub(crate) flight: String,
    pub(crate) car: String,
    router: Router,
    reads: Reads,
    log: EventLog,
    clock: Arc<dyn Clock>,
    projectors: Option<Arc<Projectors>>,
    _running: RunningEngine,
    database: TestDatabase,
}

/// A process beside the world's.
pub(crate) struct Beside {
    pub(crate) api: Api,
    _projectors: Projectors,
    _running: RunningEngine,
}

impl Beside {
    /// The data of its answer without GraphQL errors.
    pub(crate) async fn ask(&self, query: &str, variables: Value) -> Value {
        self.ask_as(query, variables, HeaderMap::new()).await
    }

    /// The same, asked with more headers.
    pub(crate) async fn ask_as(&self, query: &str, variables: Value, headers: HeaderMap) -> Value {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let request = Request::post("/graphql").header("content-type", "application/json").body(Body::from(body));
        let mut request = request.expect("a request");
        request.headers_mut().extend(headers);
        let response = router(self.api.clone()).oneshot(request).await.expect("an answer");
        let bytes = to_bytes(response.into_body(), ANSWER_BYTES_MAX).await.expect("a body");
        let mut answer: Value = serde_json::from_slice(&bytes).expect("json");
        assert!(answer.get("errors").is_none(), "{answer}");
        answer["data"].take()
    }
}

impl World {
    /// Two rooms, three seats and one vehicle, on 2024-12-01.
    pub(crate) async fn begin() -> Self {
        Self::begin_as(|database| database.pool.clone(), |gateway| gateway).await
    }

    /// The same, whose queries take connections of their own to its database.
    pub(crate) async fn begin_with(queries: impl FnOnce(&TestDatabase) -> PgPool) -> Self {
        Self::begin_as(queries, |gateway| gateway).await
    }

    /// The same, where the edge sees the gateway in another way.
    pub(crate) async fn begin_beside(gateway: impl FnOnce(Gateway) -> Gateway) -> Self {
        Self::begin_as(|database| database.pool.clone(), gateway).await
    }

    async fn begin_as(queries: impl FnOnce(&TestDatabase) -> PgPool, gateway: impl FnOnce(Gateway) -> Gateway) -> Self {
        let database = TestDatabase::create(SCHEMA).await;
        let log = EventLog::new("public", database.pool.clone());
        let start: DateTime<Utc> = "2024-12-01T00:00:00Z".parse().expect("an instant");
        let ports = Ports {
            terms: Arc::default(),
            clock: Arc::new(SandboxClock::starting_at(start)) as Arc<dyn Clock>,
            ids: Arc::new(SeededIds::new(1)),
            gateway: Arc::new(SandboxGateway::new(database.pool.clone())),
        };
        let (engine, running) =
            Engine::start(log.clone(), ports.clone(), Delivery::Here).await.expect("the engine starts");
        let projectors = Arc::new(Projectors::start(log.clone()));
        // The world alone keeps the projections going, so that it can stop them.
        let told = Arc::downgrade(&projectors);
        let reads = Reads::new(&EventLog::new("public", queries(&database)), &projectors);
        let api = Api::new(Parts {
            deciders: Deciders::here(&engine),
            part: Part::Whole,
            handover: Handover::Closed,
            reach: None,
            reads: reads.clone(),
            rebuilds: Rebuilds::new(log.clone()),
            gateway: gateway(ports.gateway),
            clock: ports.clock.clone(),
            ids: ports.ids,
            ready: Arc::new(|| Box::pin(std::future::ready(Ok(())))),
            identity: Identity::default(),
            allowance: Allowance::default(),
            gather_lags: Arc::new(Vec::new),
            engines: vec![(Context::Booking, engine.clone())],
            positions: Arc::new(move || told.upgrade().map(|told| told.positions()).unwrap_or_default()),
        });
        let mut world = Self {
            router: router(api.clone()),
            api,
            hotel: String::new(),
            flight: String::new(),
            car: String::new(),
            reads,
            log,
            clock: ports.clock,
            projectors: Some(projectors),
            _running: running,
            database,
        };
        world.supply().await;
        world
    }

    async fn supply(&mut self) {
        let hotel = self.ask(UPSERT_HOTEL, json!({ "input": hotel() })).await;
        self.hotel = text(&hotel["upsertHotel"]["hotel"]["id"]);
        let flight = self.ask(UPSERT_FLIGHT, json!({ "input": flight() })).await;
        self.flight = text(&flight["upsertFlight"]["flight"]["id"]);
        let car = self.ask(UPSERT_CAR, json!({ "input": car() })).await;
        self.car = text(&car["upsertCar"]["car"]["id"]);
    }

    /// From here on nothing new is seen by the read side.
    pub(crate) async fn stop_projections(&mut self) {
        let projectors =
            self.projectors.take().and_then(Arc::into_inner).expect("they run, and the world alone holds them");
        projectors.stop().await;
    }

    /// Runs statements in the world's database.
    pub(crate) async fn run(&self, statements: &str) {
        sqlx::raw_sql(statements).execute(&self.database.pool).await.expect("the statements run");
    }

    /// Another process beside this world's: an engine and read models of its own over the same log.
    pub(crate) async fn another(&self) -> Beside {
        self.another_at("2024-12-01T00:00:00Z").await
    }

    /// The same, whose clock starts at another instant.
    pub(crate) async fn another_at(&self, start: &str) -> Beside {
        let log = EventLog::new("public", self.database.pool.clone());
        let start: DateTime<Utc> = start.parse().expect("an instant");
        let ports = Ports {
            terms: Arc::default(),
            clock: Arc::new(SandboxClock::starting_at(start)) as Arc<dyn Clock>,
            ids: Arc::new(SeededIds::new(2)),
            gateway: Arc::new(SandboxGateway::new(self.database.pool.clone())),
        };
        let (engine, running) =
            Engine::start(log.clone(), ports.clone(), Delivery::Here).await.expect("the engine starts");
        let projectors = Projectors::start(log.clone());
        let api = Api::new(Parts {
            deciders: Deciders::here(&engine),
            part: Part::Whole,
            handover: Handover::Closed,
            reach: None,
            reads: Reads::new(&log, &projectors),
            rebuilds: Rebuilds::new(log.clone()),
            gateway: ports.gateway,
            clock: ports.clock,
            ids: ports.ids,
            ready: Arc::new(|| Box::pin(std::future::ready(Ok(())))),
            gather_lags: Arc::new(Vec::new),
            engines: vec![(Context::Booking, engine.clone())],
            positions: Arc::new(Vec::new),
            identity: Identity::default(),
            allowance: Allowance::default(),
        });
        Beside { api, _projectors: projectors, _running: running }
    }

    /// Events that the read model of trips has set aside, and those that wait behind them.
    pub(crate) async fn parked_trip_events(&self) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM projection_dead_letters WHERE name = 'booking'")
            .fetch_one(&self.database.pool)
            .await
            .expect("counted")
    }

    /// Takes in again what the read model of trips had to set aside; how many events.
    pub(crate) async fn retry_trips(&self) -> u64 {
        let retried = retry_parked(&self.log, ProjectionName::Booking, None).await.expect("tried again");
        retried.iter().map(|key| key.taken_in).sum()
    }

    /// How many watch the read side for subscriptions.
    pub(crate) fn watchers(&self) -> usize {
        self.reads.watchers()
    }

    /// The value of a metric.
    pub(crate) async fn metric(&self, name: &str) -> String {
        self.told_metric(name).await.unwrap_or_else(|| panic!("no {name}"))
    }

    /// The value of a metric, if it is told.
    pub(crate) async fn told_metric(&self, name: &str) -> Option<String> {
        let request = Request::get("/metrics").body(Body::empty()).expect("a request");
        let bytes = to_bytes(self.respond(request).await.into_body(), ANSWER_BYTES_MAX).await.expect("a body");
        let text = String::from_utf8(bytes.to_vec()).expect("text");
        let line = text.lines().find(|line| line.starts_with(name))?;
        line.rsplit(' ').next().map(str::to_owned)
    }

    /// The response to any request.
    pub(crate) async fn respond(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.expect("an answer")
    }

    /// The whole answer to a GraphQL request.
    pub(crate) async fn send(&self, query: &str, variables: Value) -> Value {
        self.send_with(query, variables, HeaderMap::new()).await
    }

    pub(crate) async fn send_with(&self, query: &str, variables: Value, headers: HeaderMap) -> Value {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let mut request = Request::post("/graphql")
            .header("content-type", "application/json")
            .body(Body::from(body))
            .expect("a request");
        request.headers_mut().extend(headers);
        self.exchange(request).await.1
    }

    /// Status and headers of any answer, and its body: JSON, or text as a string.
    pub(crate) async fn exchange(&self, request: Request<Body>) -> (response::Parts, Value) {
        let (head, body) = self.router.clone().oneshot(request).await.expect("an answer").into_parts();
        let bytes = to_bytes(body, ANSWER_BYTES_MAX).await.expect("a body");
        (head, serde_json::from_slice(&bytes).unwrap_or_else(|_| String::from_utf8_lossy(&bytes).into()))
    }

    /// The data of an answer without GraphQL errors.
    pub(crate) async fn ask(&self, query: &str, variables: Value) -> Value {
        let mut answer = self.send(query, variables).await;
        assert!(answer.get("errors").is_none(), "{answer}");
        answer["data"].take()
    }

    /// The payload of a trip asked for.
    pub(crate) async fn book(&self, input: Value) -> Value {
        self.ask(BOOK, json!({ "input": input })).await["bookTrip"].take()
    }

    /// A whole trip, changed by merging `change` into it; null takes a member out.
    pub(crate) fn trip(&self, change: Value) -> Value {
        let mut whole = json!({
            "idempotencyKey": "key",
            "traveller": { "email": "ada@example.com", "name": "Ada Lovelace", "phone": "+44 20 7946 0000" },
            "hotel": { "hotelId": self.hotel, "roomType": "DBL", "checkIn": "2025-01-10", "checkOut": "2025-01-12" },
            "flight": { "flightId": self.flight },
            "car": { "carId": self.car, "pickUpAt": "2025-01-10T10:00:00Z", "dropOffAt": "2025-01-12T10:00:00Z" },
            "payment": { "method": "CARD", "cardNumber": APPROVED },
            "wait": "FINISHED",
        });
        merge(&mut whole, change);
        whole
    }

    /// Nothing is appended while the transaction lives.
    pub(crate) async fn hold_the_log(&self) -> sqlx::Transaction<'static, sqlx::Postgres> {
        let mut holding = self.database.pool.begin().await.expect("a transaction");
        sqlx::query("SELECT take_order_lock()").execute(&mut *holding).await.expect("the lock");
        holding
    }

    /// The instant so many seconds from now, on the world's clock.
    pub(crate) fn in_seconds(&self, seconds: i64) -> String {
        (self.clock.now() + TimeDelta::seconds(seconds)).to_rfc3339()
    }

    /// From here on nobody reaches the database, and who has, does no more.
    pub(crate) async fn take_the_database_away(&self) {
        let name: String =
            sqlx::query_scalar("SELECT current_database()").fetch_one(&self.database.pool).await.expect("a name");
        let elsewhere = self.database.options.clone().database("postgres");
        let mut connection = PgConnection::connect_with(&elsewhere).await.expect("the server answers");
        for statement in [
            format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"),
            format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"),
        ] {
            sqlx::raw_sql(&statement).execute(&mut connection).await.expect("done");
        }
    }

    /// Charges that the sandbox gateway has made.
    pub(crate) async fn charges(&self) -> i64 {
        let count = sqlx::query_scalar("SELECT count(*) FROM sandbox_gateway_calls WHERE kind = 'charge'");
        count.fetch_one(&self.database.pool).await.expect("counted")
    }

    pub(crate) async fn events(&self) -> Vec<StoredEvent> {
        self.log.read_after(Position::START, EVENTS_MAX).await.expect("the log is read")
    }
}

pub(crate) const UPSERT_HOTEL: &str = "mutation($input: UpsertHotelInput!) { upsertHotel(input: $input) { \
     hotel { id code name timeZone roomTypes { code rooms nightlyPrice { amount minorUnits } roomsLeft total { amount } } } \
     position errors { code message path } } }";
pub(crate) const UPSERT_FLIGHT: &str = "mutation($input: UpsertFlightInput!) { upsertFlight(input: $input) { \
     flight { id departureAt cabins { cabin seats seatsLeft } } position errors { code message path } } }";
pub(crate) const UPSERT_CAR: &str = "mutation($input: UpsertCarInput!) { upsertCar(input: $input) { \
     car { id vehicles vehiclesLeft } position errors { code message path } } }";

pub(crate) fn hotel() -> Value {
    json!({ "code": "H1", "name": "Grand", "city": "Seoul", "country": "KR", "timeZone": "Asia/Seoul",
        "roomTypes": [{ "code": "DBL", "name": "Double", "rooms": 2,
            "nightlyPrice": { "amount": "100.50", "currency": "GBP" } }] })
}

pub(crate) fn flight() -> Value {
    json!({ "code": "F1", "carrier": "KE", "origin": "LHR", "destination": "ICN",
        "departureAt": "2025-01-09T10:00:00Z", "arrivalAt": "2025-01-09T22:00:00Z",
        "cabins": [{ "cabin": "ECONOMY", "seats": 3, "price": { "amount": "500", "currency": "GBP" } }] })
}

pub(crate) fn car() -> Value {
    json!({ "code": "C1", "name": "Avante", "carClass": "STANDARD", "location": "ICN", "vehicles": 1,
        "dailyPrice": { "amount": "40", "currency": "GBP" } })
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

pub(crate) fn merge(whole: &mut Value, change: Value) {
    match (whole, change) {
        (Value::Object(members), Value::Object(changes)) => {
            for (name, change) in changes {
                merge(members.entry(name).or_insert(json!({})), change);
            }
        }
        (whole, change) => *whole = change,
    }
}
