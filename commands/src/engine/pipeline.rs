//! The loop: while one batch is being appended, the next one is decided on what the first has staged.
//!
//! A batch that was decided on an uncommitted one falls with it. Whatever does not go through at once is taken the careful way
//! (`Core::process`), with nothing else under way.

use std::any::Any;
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::Poll;

use futures::future::{BoxFuture, ready};
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt, poll};
use tokio::sync::{Semaphore, mpsc, watch};
use traveladvisor_domain::id::StreamId;
use traveladvisor_infra::event_log::{Appended, LogError};

use super::batch::{Batch, Closed};
use super::core::{Core, Part, give_back, unavailable};
use super::decide::{Decider, Verdict};
use super::follow::Own;
use super::job::Job;
use super::limits::{BATCH_CALLERS_MIN, BATCH_JOBS_MAX, GATHER_ROUNDS, LOADS_AT_ONCE_MAX};
use super::loading::{Loaded, load, loads_of};
use super::needs::is_supply_listing;
use super::parked::{Parked, ParkedJobs, Parts};

/// The two lanes of jobs (L11).
pub(crate) struct Lanes {
    pub(crate) system: mpsc::Receiver<Job>,
    pub(crate) callers: mpsc::Receiver<Job>,
    pub(crate) system_open: bool,
}

type AppendOutcome = (Closed, Result<Appended, LogError>);
/// An append under way; an error is a panic.
type InFlight = BoxFuture<'static, Result<AppendOutcome, Box<dyn Any + Send>>>;
type Load = BoxFuture<'static, Loaded>;

/// The engine's loop.
pub(crate) struct Pipeline {
    core: Core,
    lanes: Lanes,
    /// Still takes jobs.
    open: Batch,
    /// Is being appended.
    in_flight: Option<InFlight>,
    /// Wait for streams to be loaded.
    parked: ParkedJobs,
    loading: HashSet<StreamId>,
    /// Those of them that nobody has begun to read.
    to_load: Vec<StreamId>,
    loads: FuturesUnordered<Load>,
    /// Bounds the loads that are under way.
    load_places: Arc<Semaphore>,
    /// Did not go through; nothing new is taken until these have had their careful way.
    troubled: VecDeque<Part>,
}

impl Pipeline {
    pub(crate) fn new(core: Core, lanes: Lanes) -> Self {
        Self {
            core,
            lanes,
            open: Batch::default(),
            in_flight: None,
            parked: ParkedJobs::default(),
            loading: HashSet::new(),
            to_load: Vec::new(),
            loads: FuturesUnordered::new(),
            load_places: Arc::new(Semaphore::new(LOADS_AT_ONCE_MAX)),
            troubled: VecDeque::new(),
        }
    }

    /// Runs until told to stop and all that was taken up is done, or until all callers have gone.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut stopping = false;
        loop {
            if self.troubled.is_empty() {
                self.take_jobs();
            }
            if !self.troubled.is_empty() && self.in_flight.is_none() {
                self.go_carefully().await;
                continue;
            }
            self.append_open().await;
            self.begin_loads();
            let idle = self.in_flight.is_none() && self.parked.is_empty();
            let own = if self.in_flight.is_some() { Own::UnderWay } else { Own::Settled };
            let takes = self.troubled.is_empty() && self.has_room();
            let takes_callers = self.troubled.is_empty() && self.has_room_for_callers();
            tokio::select! {
                biased;
                outcome = joined(&mut self.in_flight), if self.in_flight.is_some() => self.appended(outcome).await,
                Some(loaded) = self.loads.next(), if !self.loads.is_empty() => self.loaded(loaded),
                page = self.core.follow.next(&self.core.log, own) => {
                    self.core.states.follow(&page);
                    self.core.states.gauges.know(self.core.follow.known_to());
                }
                job = self.lanes.system.recv(), if takes && self.lanes.system_open => match job {
                    Some(job) => self.take(job),
                    None => self.lanes.system_open = false,
                },
                job = self.lanes.callers.recv(), if takes_callers => match job {
                    Some(job) => self.take(job),
                    None if idle => return,
                    None => self.finish_one().await,
                },
                _ = stop.changed(), if !stopping => {
                    stopping = true;
                    self.lanes.callers.close();
                    self.lanes.system.close();
                }
            }
        }
    }

    /// All callers have gone: waits for what is under way.
    async fn finish_one(&mut self) {
        if self.in_flight.is_some() {
            let outcome = joined(&mut self.in_flight).await;
            self.appended(outcome).await;
        } else if let Some(loaded) = self.loads.next().await {
            self.loaded(loaded);
        }
    }

    fn has_room(&self) -> bool {
        self.open.has_room() && self.parked.has_room()
    }

    fn has_room_for_callers(&self) -> bool {
        self.open.has_room() && self.parked.has_room_for_callers()
    }

    /// Takes what waits, up to a bound: answers, undos and timers first, but some places are always left for callers (L11).
    fn take_jobs(&mut self) {
        let system_max = BATCH_JOBS_MAX - BATCH_CALLERS_MIN.min(self.lanes.callers.len());
        while self.open.jobs.len() < system_max && self.has_room() && self.troubled.is_empty() {
            let Ok(job) = self.lanes.system.try_recv() else { break };
            self.take(job);
        }
        while self.has_room_for_callers() && self.troubled.is_empty() {
            let Ok(job) = self.lanes.callers.try_recv() else { break };
            self.take(job);
        }
    }

    /// Decides a job if all that it needs is in memory, else parks it.
    fn take(&mut self, job: Job) {
        if job.is_abandoned() {
            return;
        }
        let missing = self.missing(&job, Parts::Wanted);
        if missing.is_empty() {
            self.decide(job);
        } else {
            self.park(Parked { job, missing, parts: Parts::Wanted });
        }
    }

    fn missing(&self, job: &Job, parts: Parts) -> HashSet<StreamId> {
        if self.core.expects_new_supply && is_supply_listing(job) {
            return HashSet::new();
        }
        let cold = |stream: &StreamId| !self.core.states.is_hot(*stream);
        let named: HashSet<StreamId> = job.streams(&self.core.states).into_iter().filter(cold).collect();
        if !named.is_empty() {
            return named;
        }
        let further: HashSet<StreamId> = job.further_streams(&self.core.states).into_iter().filter(cold).collect();
        if !further.is_empty() || parts == Parts::AskedFor {
            return further;
        }
        job.followed(&self.core.states).into_iter().filter(cold).collect()
    }

    fn park(&mut self, parked: Parked) {
        for stream in &parked.missing {
            if self.loading.insert(*stream) {
                self.to_load.push(*stream);
            }
        }
        self.parked.push(parked);
    }

    /// Begins to read what the jobs taken up since the last time wait for.
    fn begin_loads(&mut self) {
        for streams in loads_of(std::mem::take(&mut self.to_load)) {
            let (log, places, asked) = (self.core.log.clone(), self.load_places.clone(), streams.clone());
            // A task of its own, which goes on while the loop waits for something else: it holds a connection until it is done.
            let load = tokio::spawn(async move { load(&log, &asked, &places).await });
            self.loads.push(Box::pin(async move {
                let broken_off = || Err(LogError::Unavailable("the load broke off".to_owned()));
                load.await.unwrap_or_else(|_| streams.into_iter().map(|stream| (stream, broken_off())).collect())
            }));
        }
    }

    /// Streams are in memory now, or cannot be had. Those that wait for one that cannot be read go the careful way together, which knows
    /// who is guilty; where the database does not answer, they are told so here, and everybody else goes on.
    fn loaded(&mut self, loaded: Loaded) {
        let mut come = HashMap::with_capacity(loaded.len());
        for (stream, loaded) in loaded {
            self.loading.remove(&stream);
            let why_not = match loaded {
                Ok(state) => {
                    if !self.core.states.is_hot(stream) {
                        self.core.states.put(stream, state);
                    }
                    None
                }
                Err(error) => Some(error),
            };
            come.insert(stream, why_not);
        }
        let (mut stranded, mut in_trouble) = (Vec::new(), Vec::new());
        for mut parked in self.parked.take_all() {
            let waited: Vec<StreamId> = parked.missing.extract_if(|stream| come.contains_key(stream)).collect();
            match failure_of(&parked.job.reads(&self.core.states), &waited, &come) {
                Some(LogError::Unavailable(_)) => give_back(parked.job, unavailable()),
                Some(_) => stranded.push(parked.job),
                // What is in flight may not be staged any more, so nothing is decided until it is merged.
                None if parked.missing.is_empty() && !self.troubled.is_empty() => in_trouble.push(parked.job),
                None if parked.missing.is_empty() => self.unpark(parked),
                None => self.parked.push(parked),
            }
        }
        for jobs in [stranded, in_trouble] {
            if !jobs.is_empty() {
                self.troubled.push_back(Part::of(jobs));
            }
        }
    }

    fn unpark(&mut self, parked: Parked) {
        if parked.job.is_abandoned() {
            return;
        }
        let missing = self.missing(&parked.job, parked.parts);
        if missing.is_empty() {
            self.note_supply(&parked.job);
            self.decide(parked.job);
        } else {
            // What its follow-ups need is asked for once, and only when all is there that it reads: it is known from that.
            let lacks_read = parked.job.reads(&self.core.states).iter().any(|stream| missing.contains(stream));
            let parts = if lacks_read { parked.parts } else { Parts::AskedFor };
            self.park(Parked { job: parked.job, missing, parts });
        }
    }

    /// A listing that was looked for and not found: what follows is likely new as well.
    fn note_supply(&mut self, job: &Job) {
        if is_supply_listing(job) {
            let is_new = |stream: &StreamId| self.core.states.view(*stream).is_some_and(|state| state.sequence == 0);
            self.core.expects_new_supply = job.streams(&self.core.states).iter().all(is_new);
        }
    }

    fn decide(&mut self, job: Job) {
        let mut decider = Decider::new(&mut self.core.states, &mut self.open, &self.core.terms, self.core.log.name());
        let sound = match decider.add(job) {
            Ok(Verdict::Guilty(_) | Verdict::Cold) | Err(_) => false,
            Ok(_) => true,
        };
        if !sound {
            // Nothing more is decided on what was staged; what is in flight is applied anew once it is committed.
            self.core.states.drop_staged();
            let open = std::mem::take(&mut self.open);
            self.troubled.push_back(Part::of(open.jobs));
        }
    }

    /// Sends the open batch on its way, unless one is.
    async fn append_open(&mut self) {
        if self.in_flight.is_some() || self.open.is_empty() || !self.troubled.is_empty() {
            return;
        }
        let closed = self.core.close(std::mem::take(&mut self.open));
        let log = self.core.log.clone();
        let append = async move {
            let outcome = closed.append_to(&log).await;
            (closed, outcome)
        };
        // Not a task of its own, which would cost two changes of thread. It goes out now; its answer comes while the next is decided.
        let mut append: InFlight = AssertUnwindSafe(append).catch_unwind().boxed();
        self.in_flight = Some(match poll!(&mut append) {
            Poll::Ready(outcome) => ready(outcome).boxed(),
            Poll::Pending => append,
        });
    }

    async fn appended(&mut self, outcome: Result<AppendOutcome, Box<dyn Any + Send>>) {
        self.in_flight = None;
        let (closed, failed) = match outcome {
            Ok((closed, Ok(Appended::Committed { first }))) => {
                self.core.committed(closed, first);
                self.end_turn();
                self.gather().await;
                return;
            }
            Ok((closed, Ok(Appended::Conflicts(found)))) => (closed, Ok(found)),
            Ok((closed, Err(error))) => (closed, Err(error)),
            Err(_panic) => {
                // Its jobs are gone, and their callers are told so by their dropped replies.
                tracing::error!("an append broke off");
                self.core.states.drop_staged();
                self.troubled.push_back(Part::of(std::mem::take(&mut self.open).jobs));
                return;
            }
        };
        let mut parts = VecDeque::from(self.core.failed(closed, failed).await);
        parts.push_back(Part::of(std::mem::take(&mut self.open).jobs));
        parts.append(&mut self.troubled);
        self.troubled = parts;
    }

    /// Steps back so that those who were just answered may ask again, and takes what they ask before the next append leaves. Two appends of
    /// half the jobs cost the server and this process far more than one of all, and a round is over at once when nobody has anything to do.
    async fn gather(&mut self) {
        for _ in 0..GATHER_ROUNDS {
            if !self.troubled.is_empty() || !(self.has_room() || self.has_room_for_callers()) {
                return;
            }
            tokio::task::yield_now().await;
            self.take_jobs();
        }
    }

    /// What jobs wait with is not to go before they are decided.
    fn end_turn(&mut self) {
        if self.core.states.is_full() {
            for stream in self.parked.reads(&self.core.states) {
                self.core.states.view(stream);
            }
        }
        self.core.states.end_turn();
    }

    async fn go_carefully(&mut self) {
        let mut parts = std::mem::take(&mut self.troubled);
        let open = std::mem::take(&mut self.open);
        if !open.is_empty() {
            parts.push_back(Part::of(open.jobs));
        }
        self.core.process(parts).await;
        self.end_turn();
    }
}

async fn joined(in_flight: &mut Option<InFlight>) -> Result<AppendOutcome, Box<dyn Any + Send>> {
    match in_flight {
        Some(append) => append.await,
        None => std::future::pending().await,
    }
}

/// Why a job that reads these streams cannot be decided now: one of them has not come.
fn failure_of<'c>(
    reads: &BTreeSet<StreamId>,
    waited: &[StreamId],
    come: &'c HashMap<StreamId, Option<LogError>>,
) -> Option<&'c LogError> {
    let failed = |stream: &StreamId| come.get(stream).and_then(Option::as_ref);
    waited.iter().filter(|stream| reads.contains(stream)).find_map(failed)
}
