//! Two servers on one data directory.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::support::Home;
use crate::support::server::Server;

/// Longest time until the other has taken over.
const TAKE_OVER_LIMIT: Duration = Duration::from_mins(1);
/// How often the owner is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Two servers; a client with an even number asks the first of them, or the second once they are swapped.
pub(super) struct Pair<'a> {
    home: &'a Home,
    servers: [Mutex<Server>; 2],
    shift: usize,
}

impl<'a> Pair<'a> {
    pub(super) fn start(home: &'a Home) -> Self {
        Self { home, servers: [(); 2].map(|()| Mutex::new(Server::start(home))), shift: 0 }
    }

    /// The clients of one ask the other from now on.
    pub(super) fn swapped(self) -> Self {
        Self { shift: 1, ..self }
    }

    /// Where a client asks.
    pub(super) fn address(&self, client: usize) -> String {
        self.server(client + self.shift).address.clone()
    }

    fn server(&self, place: usize) -> MutexGuard<'_, Server> {
        self.servers[place % 2].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which of them owns relay and timers.
    pub(super) fn owner(&self) -> usize {
        let begun = Instant::now();
        loop {
            let doctor = self.home.json(&["doctor"]);
            let owners = doctor["owners"].as_array().expect("owners");
            let relay = owners.iter().find(|owner| owner["name"] == "relay").expect("the relay");
            let holder = relay["holder"].as_str().unwrap_or_default();
            let owns = |place: &usize| holder.starts_with(&format!("process {} ", self.server(*place).pid()));
            if let Some(place) = [0, 1].iter().find(|place| owns(place)) {
                return *place;
            }
            assert!(begun.elapsed() < TAKE_OVER_LIMIT, "nobody takes over: {doctor}");
            thread::sleep(LOOK_EVERY);
        }
    }

    /// kill -9, and a new one in its place.
    pub(super) fn kill(&self, place: usize) {
        self.server(place).kill();
        let next = Server::start(self.home);
        *self.server(place) = next;
    }

    /// Lets one stand still until the other owns what it owned, then lets it go on.
    pub(super) fn freeze_until_deposed(&self, place: usize) {
        self.server(place).freeze();
        while self.owner() == place {
            thread::sleep(LOOK_EVERY);
        }
        self.server(place).thaw();
    }

    pub(super) fn stop(self) {
        for server in self.servers {
            let (status, _) = server.into_inner().unwrap_or_else(PoisonError::into_inner).stop(Signal::SIGTERM);
            assert!(status.success(), "{status}");
        }
    }
}
