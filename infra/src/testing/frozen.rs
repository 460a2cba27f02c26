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
    let is_child = |number: &i32| parent_of(*number) == Some(parent.as_raw());
    numbers.filter(is_child).map(Pid::from_raw).chain([parent]).collect()
}

/// The fourth field of the process's status; its name, the second one, may hold blanks and parentheses.
fn parent_of(process: i32) -> Option<i32> {
    let status = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, after_name) = status.rsplit_once(')')?;
    after_name.split_whitespace().nth(1)?.parse().ok()
}
