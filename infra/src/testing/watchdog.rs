//! Stops the shared test server some seconds after the last test program ended.
//!
//! A test program ends without a word, and the next one wants the server to be there. So each leaves a small shell
//! behind that reads from it: at the end of its input the program is gone, and if after a while no other has entered
//! its number, the shell stops the server.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// How long the server waits for the next test program, in seconds.
const GRACE_S: u32 = 20;

/// Arguments: directory of the programs' numbers, this program's number, postmaster.pid, seconds to wait.
const SCRIPT: &str = r#"
read -r _
rm -f "$1/$2"
sleep "$4"
for user in "$1"/*; do
    number=${user##*/}
    if [ -e "$user" ]; then
        if kill -0 "$number"; then exit; fi
        rm -f "$user"
    fi
done
if read -r postmaster <"$3"; then kill -s INT "$postmaster"; fi
"#;

/// Keeps the shell's input open until the process ends.
static WATCHDOG: OnceLock<Child> = OnceLock::new();

fn users_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("test-programs")
}

/// Tells the watchdogs of former programs that this one uses the server.
pub(super) fn enter(data_dir: &Path) {
    let users = users_dir(data_dir);
    std::fs::create_dir_all(&users).expect("the temporary directory is writable");
    std::fs::write(users.join(std::process::id().to_string()), "").expect("the temporary directory is writable");
}

/// Leaves the watchdog of this program behind.
pub(super) fn begin(data_dir: &Path, cluster_dir: &Path) {
    let shell = Command::new("/bin/sh")
        .args(["-c", SCRIPT, "sh"])
        .arg(users_dir(data_dir))
        .arg(std::process::id().to_string())
        .arg(cluster_dir.join("data").join("postmaster.pid"))
        .arg(GRACE_S.to_string())
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("a shell");
    WATCHDOG.set(shell).ok();
}
