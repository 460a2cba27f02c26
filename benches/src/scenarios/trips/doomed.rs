//! A process that books trips until it is killed: what it leaves unfinished, the next one has to end.

use std::os::fd::AsFd;
use std::process::Stdio;
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::unix::pipe::Receiver;
use tokio::process::{Child, ChildStdin, Command};

use crate::Outcome;
use crate::database::{self, beginning};
use crate::load::drive;
use crate::options::Doomed;
use crate::report;
use crate::sides::course::Course;
use crate::sides::house::House;
use crate::sides::trips::{FLIGHTS, bookers};

/// Longest that it books when nobody kills it.
const LIFE_MAX: Duration = Duration::from_mins(10);
/// Longest wait until it books.
const START_MAX: Duration = Duration::from_secs(30);
/// What it says when it begins to book.
const BOOKING: &str = "booking";

/// Lists the supply and books trips. Ends by itself when its parent is gone.
pub(crate) async fn run(doomed: &Doomed) -> Outcome<()> {
    let options: PgConnectOptions = doomed.database.parse()?;
    let course = Course::Card { fail_percent: doomed.fail_percent };
    let house = House::open(database::open(options), beginning()).await?;
    let house = if doomed.log_only { house } else { house.with_read_models() };
    let bookers = bookers(&house.log, &house.engine, course, doomed.clients, FLIGHTS).await?;
    report::line(BOOKING)?;
    let mut word = [0];
    let mut parent = Receiver::from_owned_fd(std::io::stdin().as_fd().try_clone_to_owned()?)?;
    tokio::select! {
        booked = drive(bookers, LIFE_MAX) => booked.map(|_| ()),
        // Its parent says nothing: this is the end of the pipe.
        _ = parent.read(&mut word) => Ok(()),
    }
}

/// Such a process, seen from its parent. Dropped, it is killed.
pub(super) struct Booking {
    child: Child,
    /// As long as it is open, the process knows that its parent is there.
    _open: Option<ChildStdin>,
}

impl Booking {
    /// Starts it and waits until it books.
    pub(super) async fn start(what: &Doomed) -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(what.arguments()).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let open = child.stdin.take();
        let said = child.stdout.take().ok_or("the output of a process that was started is not there")?;
        let booking = Self { child, _open: open };
        let line = tokio::time::timeout(START_MAX, BufReader::new(said).lines().next_line()).await??;
        if line.as_deref() != Some(BOOKING) {
            return Err("the process that is to be killed does not book".into());
        }
        Ok(booking)
    }

    /// Kills it. Gives when that was.
    pub(super) async fn kill(mut self) -> Outcome<Instant> {
        if let Some(status) = self.child.try_wait()? {
            return Err(format!("the process that is to be killed has ended by itself: {status}").into());
        }
        let killed = Instant::now();
        self.child.kill().await?;
        Ok(killed)
    }
}
