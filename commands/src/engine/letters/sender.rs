//! The client of a turn by which letters of what is for other logs are sent.

use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use traveladvisor_infra::event_log::EventLog;
use traveladvisor_infra::kafka::KafkaError;

use crate::engine::bus::{Bus, Outbox, Post};

/// One client for all letters, opened for the first that is sent: each has threads and connections of its own.
#[derive(Default)]
pub(crate) struct Sender(Mutex<Option<Arc<Client>>>);

/// Ends beside the runtime's threads: its end waits for threads of its own.
pub(super) struct Client(Option<Post>);

impl Sender {
    /// Errors: the settings cannot be used.
    pub(super) fn client(&self, bus: &Bus, log: &EventLog) -> Result<Arc<Client>, KafkaError> {
        let mut current = self.current();
        if let Some(client) = &*current {
            return Ok(client.clone());
        }
        // Also where a connector carries the rest: it never saw what was set aside.
        let bus = Bus { outbox: Outbox::Relay, ..bus.clone() };
        let client = Arc::new(Client(Some(Post::open(&bus, log.name())?)));
        *current = Some(client.clone());
        Ok(client)
    }

    /// The next letter opens another one. What this one has not sent is given up once those that use it have ended.
    pub(super) fn give_up(&self, lost: &Arc<Client>) {
        let mut current = self.current();
        if current.as_ref().is_some_and(|client| Arc::ptr_eq(client, lost)) {
            *current = None;
        }
    }

    fn current(&self) -> MutexGuard<'_, Option<Arc<Client>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deref for Client {
    type Target = Post;

    fn deref(&self) -> &Post {
        self.0.as_ref().expect("it is taken at the end only")
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let post = self.0.take();
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn_blocking(move || drop(post));
        }
    }
}
