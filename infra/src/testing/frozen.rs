//! Processes that were stopped in the middle of what they did and do not know it.

use std::collections::BTreeSet;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Stopped processes. Dropping it lets them go on.
#[derive(Debug)]
pub struct Frozen(Vec<Pid>);

impl Frozen {
    /// Freezes these processes.
    ///
    /// # Panics
    ///
    /// When one of them cannot be signalled.
    pub fn these(processes: impl IntoIterator<Item = i32>) -> Self {
        let mut frozen = Self(Vec::new());
        for process in processes {
            frozen.stop(Pid::from_raw(process));
        }
        frozen
    }

    /// Freezes a process, then its children: no new ones can come any more.
    pub(super) fn family(parent: Pid) -> Self {
        let mut frozen = Self(Vec::new());
        frozen.stop(parent);
        for child in with_children(parent) {
            // One may just have ended.
            if child != parent && kill(child, Signal::SIGSTOP).is_ok() {
                frozen.0.push(child);
            }
        }
        frozen
    }

    fn stop(&mut self, process: Pid) {
        kill(process, Signal::SIGSTOP).expect("the process is ours to stop");
        self.0.push(process);
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        for process in &self.0 {
            // What has ended meanwhile need not go on.
            kill(*process, Signal::SIGCONT).ok();
        }
    }
}

/// A process and its children, as the kernel lists them.
pub(super) fn with_children(parent: Pid) -> BTreeSet<Pid> {
    let entries = std::fs::read_dir("/proc").expect("processes are listed under /proc: these tests need Linux");
    let numbers = entries.flatten().filter_map(|entry| entry.file_name().to_string_lossy().parse::<i32>().ok());
    let is_child = |process: &Pid| status_of(*process).is_some_and(|(_, of)| of == parent.as_raw());
    numbers.map(Pid::from_raw).filter(is_child).chain([parent]).collect()
}

/// Whether a process is still at work. Nobody may have collected one that has ended.
pub(super) fn is_alive(process: Pid) -> bool {
    status_of(process).is_some_and(|(state, _)| state != 'Z')
}

/// State and parent: the third and fourth field of the process's status. Its name, the second one, may hold blanks and parentheses.
fn status_of(process: Pid) -> Option<(char, i32)> {
    let status = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, after_name) = status.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}
