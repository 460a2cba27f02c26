//! The peer: postgres-es through `CqrsFramework`, on the same aggregates.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::Days;
use cqrs_es::persist::PersistedEventStore;
use cqrs_es::{Aggregate, AggregateError, CqrsFramework};
use futures::FutureExt;
use futures::future::BoxFuture;
use postgres_es::PostgresEventRepository;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sqlx::PgPool;
use traveladvisor_domain::car::{Car, CarCommand};
use traveladvisor_domain::hotel::{Hotel, HotelCommand};
use traveladvisor_domain::id::{CarId, HotelId};
use traveladvisor_domain::occasion::Occasion;
use traveladvisor_infra::postgres;

use super::supply::{self, SUPPLIER};
use super::{Kind, Left, Side};
use crate::database::{beginning, peer};
use crate::load::{Client, Slice, drive};
use crate::server::BenchServer;
use crate::{Failure, Outcome};

/// Commands on one hotel before the next: its cost grows with the stream.
const COMMANDS_PER_HOTEL: u64 = 1_000;
/// Events between two snapshots.
const SNAPSHOT_EVERY: usize = 100;

/// Longest pause after the first conflict; doubled up to [`PAUSE_MAX`]. The pause is random below it: retries at once would mostly meet
/// each other, which would be unkind to the peer.
const PAUSE_FIRST: Duration = Duration::from_millis(10);
/// Longest pause after many conflicts.
const PAUSE_MAX: Duration = Duration::from_millis(320);

type Framework<A> = CqrsFramework<A, PersistedEventStore<PostgresEventRepository, A>>;

fn occasion() -> Occasion {
    Occasion { at: beginning(), entropy: 0 }
}

struct FreshCar {
    framework: Arc<Framework<Car>>,
    next: Arc<AtomicU64>,
}

impl Client for FreshCar {
    async fn once(&mut self) -> Outcome<u64> {
        let code = format!("B{}", self.next.fetch_add(1, Ordering::Relaxed));
        let id = CarId::of(SUPPLIER, &code).to_string();
        let command = CarCommand::Upsert { details: supply::car(code), occasion: occasion() };
        self.framework.execute(&id, command).await?;
        Ok(1)
    }
}

struct HotHotel {
    framework: Arc<Framework<Hotel>>,
    next: Arc<AtomicU64>,
    tries: Arc<AtomicU64>,
    random: StdRng,
}

impl Client for HotHotel {
    async fn once(&mut self) -> Outcome<u64> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let hotel = number / COMMANDS_PER_HOTEL;
        if number.is_multiple_of(COMMANDS_PER_HOTEL) {
            list(&self.framework, hotel + 1).await?;
        }
        let id = HotelId::of(SUPPLIER, &format!("H{hotel}")).to_string();
        let (from, rooms) = supply::allotment(number);
        let mut pause = PAUSE_FIRST;
        loop {
            self.tries.fetch_add(1, Ordering::Relaxed);
            let command = HotelCommand::ChangeAllotment {
                room_type: "DBL".into(),
                from,
                to: from + Days::new(1),
                rooms: Some(rooms),
                stop_sell: None,
                occasion: occasion(),
            };
            match self.framework.execute(&id, command).await {
                Ok(()) => return Ok(1),
                Err(AggregateError::AggregateConflict) => {
                    tokio::time::sleep(pause.mul_f64(self.random.random())).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

async fn list(framework: &Framework<Hotel>, hotel: u64) -> Outcome<()> {
    let id = HotelId::of(SUPPLIER, &format!("H{hotel}")).to_string();
    let command = HotelCommand::Upsert { details: supply::hotel(hotel), occasion: occasion() };
    framework.execute(&id, command).await.map_err(Failure::from)
}

/// postgres-es under load.
struct Peer<C> {
    name: String,
    kind: Kind,
    pool: PgPool,
    clients: Vec<C>,
    tries: Arc<AtomicU64>,
    ops: u64,
    last: u64,
}

/// Fresh aggregates.
pub(crate) async fn fresh(server: &BenchServer, clients: u32) -> Outcome<Box<dyn Side>> {
    let name = "engine:postgres-es".to_owned();
    let pool = peer(server, &format!("{name}_{clients}"), postgres::CONNECTIONS_MAX).await?;
    let framework = Arc::new(framework::<Car>(&pool, None));
    let next = Arc::new(AtomicU64::new(0));
    let clients = (0..clients).map(|_| FreshCar { framework: framework.clone(), next: next.clone() }).collect();
    Ok(Box::new(Peer { name, kind: Kind::PostgresEs, pool, clients, tries: Arc::default(), ops: 0, last: 0 }))
}

/// One hotel for all, with retries on conflict; every 1,000 commands the next hotel.
pub(crate) async fn hot(server: &BenchServer, clients: u32, snapshots: bool) -> Outcome<Box<dyn Side>> {
    let (name, kind, every) = if snapshots {
        ("hot:postgres-es-snapshots", Kind::PostgresEs, Some(SNAPSHOT_EVERY))
    } else {
        ("hot:postgres-es", Kind::PostgresEs, None)
    };
    let pool = peer(server, &format!("{name}_{clients}"), postgres::CONNECTIONS_MAX).await?;
    let framework = Arc::new(framework::<Hotel>(&pool, every));
    list(&framework, 0).await?;
    let next = Arc::new(AtomicU64::new(0));
    let tries = Arc::new(AtomicU64::new(0));
    let client = |number| HotHotel {
        framework: framework.clone(),
        next: next.clone(),
        tries: tries.clone(),
        random: StdRng::seed_from_u64(u64::from(number)),
    };
    let clients = (0..clients).map(client).collect();
    Ok(Box::new(Peer { name: name.to_owned(), kind, pool, clients, tries, ops: 0, last: 0 }))
}

fn framework<A: Aggregate<Services = ()>>(pool: &PgPool, snapshot_every: Option<usize>) -> Framework<A> {
    let repository = PostgresEventRepository::new(pool.clone());
    let store = match snapshot_every {
        Some(every) => PersistedEventStore::new_snapshot_store(repository, every),
        None => PersistedEventStore::new_event_store(repository),
    };
    CqrsFramework::new(store, Vec::new(), ())
}

impl<C: Client> Side for Peer<C> {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn kind(&self) -> Kind {
        self.kind
    }

    fn run(&mut self, duration: Duration) -> BoxFuture<'_, Outcome<Slice>> {
        async move {
            let (slice, clients) = drive(std::mem::take(&mut self.clients), duration).await?;
            self.clients = clients;
            self.last = slice.ops;
            self.ops += slice.ops;
            Ok(slice)
        }
        .boxed()
    }

    fn settle(&mut self) -> BoxFuture<'_, Outcome<Option<Left>>> {
        let left = Left { events: self.last, commits: self.last };
        async move { Ok(Some(left)) }.boxed()
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Outcome<Vec<String>>> {
        async move {
            let tries = self.tries.load(Ordering::Relaxed);
            self.pool.close().await;
            if tries == 0 || self.ops == 0 {
                return Ok(Vec::new());
            }
            let tries = tries as f64 / self.ops as f64;
            Ok(vec![format!("{}: {tries:.1} tries for each command", self.name)])
        }
        .boxed()
    }
}
