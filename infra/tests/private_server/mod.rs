//! The private server as a user meets it: started, shared, killed, adopted, in awkward places.

mod faults;
mod places;

use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use traveladvisor_infra::private_server::{Durability, PrivateServer, Role, ServerOptions};

/// An installation that needs no download, used where there is one.
const LOCAL_BIN: &str = "/usr/lib/postgresql/15/bin";
/// Names the data directory of a child process of these tests, and the file by which it says that it is ready.
const CHILD_DATA_DIR: &str = "TEST_CHILD_DATA_DIR";
/// Set in a child that shall not be told where binaries are.
const CHILD_PINNED: &str = "TEST_CHILD_PINNED";
/// Longest time for a child to get ready.
const CHILD_LIMIT: Duration = Duration::from_mins(5);

fn options(data_dir: &Path) -> ServerOptions {
    ServerOptions {
        data_dir: data_dir.to_path_buf(),
        postgres_bin: Some(PathBuf::from(LOCAL_BIN)).filter(|dir| dir.is_dir()),
        durability: Durability::Volatile,
    }
}

fn data_dir() -> TempDir {
    tempfile::Builder::new()
        .prefix("traveladvisor-test-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .tempdir()
        .expect("a temporary directory")
}

async fn start(data_dir: &Path) -> PrivateServer {
    PrivateServer::start_or_attach(&options(data_dir)).await.expect("a running server")
}

async fn connect(server: &PrivateServer) -> PgConnection {
    PgConnection::connect_with(&server.connect_options()).await.expect("a connection")
}

async fn execute(connection: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(sql).execute(connection).await.expect(sql);
}

async fn notes(server: &PrivateServer) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM note")
        .fetch_one(&mut connect(server).await)
        .await
        .expect("the table of before")
}

async fn answers(server: &sqlx::postgres::PgConnectOptions) -> bool {
    PgConnection::connect_with(server).await.is_ok()
}

fn postmaster_pid(server: &PrivateServer) -> u32 {
    let file = server.cluster_dir().join("data").join("postmaster.pid");
    let text = std::fs::read_to_string(file).expect("postmaster.pid");
    text.lines().next().expect("a line").parse().expect("a number")
}

fn kill_hard(pid: u32) {
    let status = Command::new("kill").args(["-9", &pid.to_string()]).status().expect("kill");
    assert!(status.success());
}

/// Another process that starts or attaches and then waits to be killed, in a process group of its own as under a
/// shell.
fn spawn_user(data_dir: &Path) -> Child {
    spawn_user_with(data_dir, &[])
}

fn spawn_user_with(data_dir: &Path, variables: &[(&str, &OsStr)]) -> Child {
    let mut child = Command::new(std::env::current_exe().expect("this test program"))
        .args(["--exact", "private_server::uses_a_server_until_killed"])
        .env(CHILD_DATA_DIR, data_dir)
        .envs(variables.iter().copied())
        .stdout(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("a child process");
    let ready = data_dir.join(format!("ready-{}", child.id()));
    let begun = std::time::Instant::now();
    while !ready.exists() {
        assert!(begun.elapsed() < CHILD_LIMIT, "the child never got ready");
        assert!(child.try_wait().expect("its state").is_none(), "the child ended early");
        std::thread::sleep(Duration::from_millis(20));
    }
    child
}

/// Not a test of its own: the body of the processes that `spawn_user` starts.
#[tokio::test]
async fn uses_a_server_until_killed() {
    let Some(dir) = std::env::var_os(CHILD_DATA_DIR).map(PathBuf::from) else {
        return;
    };
    let mut wanted = options(&dir);
    if std::env::var_os(CHILD_PINNED).is_some() {
        wanted.postgres_bin = None;
    }
    let _server = PrivateServer::start_or_attach(&wanted).await.expect("a running server");
    std::fs::write(dir.join(format!("ready-{}", std::process::id())), "").expect("ready");
    tokio::time::sleep(CHILD_LIMIT).await;
}

#[tokio::test]
async fn starts_from_nothing_stops_and_keeps_what_was_written() {
    let dir = data_dir();
    let server = start(dir.path()).await;
    assert_eq!(server.role(), Role::Owner);
    assert!(!server.version().is_empty());
    execute(&mut connect(&server).await, "CREATE TABLE note (); INSERT INTO note DEFAULT VALUES").await;
    let options = server.connect_options();
    server.stop().await.expect("an orderly stop");
    assert!(!answers(&options).await, "the server is gone");

    let again = start(dir.path()).await;
    assert_eq!(again.role(), Role::Owner);
    assert_eq!(notes(&again).await, 1);
    again.stop().await.expect("an orderly stop");
}

#[tokio::test]
async fn the_last_one_out_stops_it() {
    let dir = data_dir();
    let owner = start(dir.path()).await;
    let attached = start(dir.path()).await;
    assert_eq!((owner.role(), attached.role()), (Role::Owner, Role::Attached));
    assert_eq!(owner.socket_dir(), attached.socket_dir());

    let options = owner.connect_options();
    owner.stop().await.expect("stop");
    assert!(answers(&options).await, "somebody still uses it");
    attached.stop().await.expect("stop");
    assert!(!answers(&options).await, "nobody uses it any more");
}

#[tokio::test]
async fn an_attached_process_never_stops_its_owners_server() {
    let dir = data_dir();
    let owner = start(dir.path()).await;
    start(dir.path()).await.stop().await.expect("stop");
    assert!(answers(&owner.connect_options()).await);
    drop(owner);
}

#[tokio::test]
async fn dropping_the_owner_stops_the_server() {
    let dir = data_dir();
    let server = start(dir.path()).await;
    let options = server.connect_options();
    drop(server);
    assert!(!answers(&options).await);
}

#[tokio::test]
async fn it_listens_on_no_network_and_admits_nobody_else() {
    let dir = data_dir();
    let server = start(dir.path()).await;
    let mut connection = connect(&server).await;
    let addresses: String =
        sqlx::query_scalar("SHOW listen_addresses").fetch_one(&mut connection).await.expect("a setting");
    assert_eq!(addresses, "");
    let open: i64 =
        sqlx::query_scalar("SELECT count(*) FROM pg_hba_file_rules WHERE type <> 'local' OR auth_method <> 'peer'")
            .fetch_one(&mut connection)
            .await
            .expect("the rules");
    assert_eq!(open, 0, "no rule lets anybody in without the kernel's word");
    drop(connection);
    server.stop().await.expect("stop");
}

#[tokio::test]
async fn many_may_start_it_at_once() {
    let dir = data_dir();
    let mut children = Vec::new();
    let (first, second, third) = tokio::join!(start(dir.path()), start(dir.path()), async {
        let path = dir.path().to_path_buf();
        let child = tokio::task::spawn_blocking(move || spawn_user(&path)).await;
        children.push(child.expect("a child"));
    });
    let () = third;
    let owners = [&first, &second].iter().filter(|server| server.role() == Role::Owner).count();
    assert!(owners <= 1, "never two owners");
    assert!(answers(&first.connect_options()).await && answers(&second.connect_options()).await);
    for mut child in children {
        child.kill().and_then(|()| child.wait()).expect("kill");
    }
    first.stop().await.expect("stop");
    second.stop().await.expect("stop");
}
