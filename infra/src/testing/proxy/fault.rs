//! What can go wrong with a request, and where.

use tokio::sync::oneshot;

/// Where in a request's life a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The statement was to be prepared: only on a connection that has not run it before.
    Preparing,
    /// No byte of the request has reached the server.
    RequestUnsent,
    /// Half of its bytes have.
    RequestHalf,
    /// All but its last message have, the one that lets the server commit.
    RequestUnfinished,
    /// All of it has; the server has not answered yet.
    RequestWhole,
    /// The server has answered; no byte has reached the client.
    AnswerUnsent,
    /// Half of the answer's bytes have.
    AnswerHalf,
    /// All but its last message have, the one that says that it is committed.
    AnswerUnfinished,
}

impl Step {
    /// Every step of a request on a connection that has run the statement before, in order.
    pub const ALL: [Self; 7] = [
        Self::RequestUnsent,
        Self::RequestHalf,
        Self::RequestUnfinished,
        Self::RequestWhole,
        Self::AnswerUnsent,
        Self::AnswerHalf,
        Self::AnswerUnfinished,
    ];

    /// Whether the server has all of the request, and so will commit it.
    pub fn reaches_the_server(self) -> bool {
        matches!(self, Self::RequestWhole | Self::AnswerUnsent | Self::AnswerHalf | Self::AnswerUnfinished)
    }
}

/// What becomes of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Both sides are told that it is closed.
    Closed,
    /// Nothing passes any more, and nobody is told.
    Silent,
    /// The same, but once the server's side ends the client is told.
    UntilServerEnds,
    /// The client is told that it is closed; the server gets the rest of the request later, at [`Strike::deliver`].
    Late,
}

/// One fault, for one request.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    pub(super) step: Step,
    pub(super) fate: Fate,
    pub(super) passes: usize,
    pub(super) shuts: bool,
}

impl Fault {
    /// A fault for the very next request.
    pub const fn new(step: Step, fate: Fate) -> Self {
        Self { step, fate, passes: 0, shuts: false }
    }

    /// Lets so many requests pass before.
    #[must_use]
    pub const fn after(self, passes: usize) -> Self {
        Self { passes, ..self }
    }

    /// Shuts the proxy as it strikes: all other connections are broken off, and new ones at once.
    #[must_use]
    pub const fn shutting(self) -> Self {
        Self { shuts: true, ..self }
    }
}

/// A fault that waits for its request.
#[derive(Debug)]
pub(super) struct Armed {
    pub(super) fault: Fault,
    pub(super) struck: oneshot::Sender<Strike>,
}

/// Tells when an armed fault has struck.
#[derive(Debug)]
pub struct Struck {
    pub(super) when: oneshot::Receiver<Strike>,
}

impl Struck {
    /// Waits until it has.
    ///
    /// # Panics
    ///
    /// When the proxy ended before.
    pub async fn wait(self) -> Strike {
        self.when.await.expect("the fault strikes while the proxy lives")
    }

    /// Whether it has.
    pub fn has_struck(&mut self) -> bool {
        self.when.try_recv().is_ok()
    }
}

/// A fault that has struck.
#[derive(Debug)]
pub struct Strike {
    /// The server's process that the request went to; 0 when it never said so.
    pub server_pid: u32,
    pub(super) deliver: oneshot::Sender<oneshot::Sender<()>>,
}

impl Strike {
    /// Lets the server have what is left of a late request, and waits until it has answered (nobody).
    ///
    /// # Panics
    ///
    /// When the fault was not [`Fate::Late`], or the server broke off.
    pub async fn deliver(self) {
        let (done, answered) = oneshot::channel();
        self.deliver.send(done).expect("the request is late");
        answered.await.expect("the server answers the late request");
    }
}
