//! Data directories in awkward places, and users without rights.

#![expect(clippy::print_stdout, reason = "a test that is skipped says why")]

use std::os::unix::fs::PermissionsExt;

use super::*;

/// An unprivileged user that every system has.
const NOBODY: u32 = 65_534;

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

#[tokio::test]
async fn a_long_path_gets_a_short_socket() {
    let dir = data_dir();
    let long = dir.path().join("a directory, with \"quotes\" and spaces".repeat(4));
    std::fs::create_dir(&long).expect("a long path");
    let server = start(&long).await;
    assert!(server.socket_dir().as_os_str().len() < 90);
    assert!(answers(&server.connect_options()).await);
    let socket_dir = server.socket_dir();
    server.stop().await.expect("stop");
    std::fs::remove_dir_all(socket_dir).expect("tidy up");
}

#[tokio::test]
async fn a_socket_directory_made_by_somebody_else_is_not_used() {
    let dir = data_dir();
    let long = dir.path().join("x".repeat(200));
    std::fs::create_dir(&long).expect("a long path");
    let server = start(&long).await;
    let socket_dir = server.socket_dir();
    server.stop().await.expect("stop");
    std::fs::set_permissions(&socket_dir, PermissionsExt::from_mode(0o777)).expect("open it");

    let error = PrivateServer::start_or_attach(&options(&long)).await.expect_err("an unsafe directory").to_string();
    assert!(error.contains(&*socket_dir.to_string_lossy()), "{error}");
    std::fs::remove_dir_all(socket_dir).expect("tidy up");
}

#[tokio::test]
async fn where_the_servers_user_cannot_reach_the_cluster_lies_elsewhere() {
    if !is_root() {
        println!("skipped: only root runs the server as another user");
        return;
    }
    let home = data_dir();
    std::fs::set_permissions(home.path(), PermissionsExt::from_mode(0o700)).expect("a closed home");
    let dir = home.path().join("data");
    let server = start(&dir).await;
    let cluster = server.cluster_dir().to_path_buf();
    assert!(!cluster.starts_with(home.path()));
    let named = std::fs::read_to_string(dir.join("postgres/place")).expect("the place's name");
    assert_eq!(Path::new(named.trim()), cluster);
    execute(&mut connect(&server).await, "CREATE TABLE note ()").await;
    server.stop().await.expect("stop");

    let again = start(&dir).await;
    assert_eq!(notes(&again).await, 0);
    again.stop().await.expect("stop");
    let mode = std::fs::metadata(home.path()).expect("home").permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "nobody's rights were changed");

    // A data directory made anew begins anew, and a place that was lost is not silently replaced.
    std::fs::remove_dir_all(&dir).expect("remove");
    let fresh = start(&dir).await;
    let second = fresh.cluster_dir().to_path_buf();
    assert_ne!(second, cluster);
    fresh.stop().await.expect("stop");
    std::fs::remove_dir_all(&second).expect("lose it");
    let error = PrivateServer::start_or_attach(&options(&dir)).await.expect_err("lost");
    assert!(error.to_string().contains("begin anew"), "{error}");
    std::fs::remove_dir_all(&cluster).expect("tidy up");
}

#[tokio::test]
async fn binaries_that_do_not_fit_are_refused() {
    let dir = data_dir();
    let server = start(dir.path()).await;
    let cluster = server.cluster_dir().to_path_buf();
    server.stop().await.expect("stop");
    std::fs::write(cluster.join("data/PG_VERSION"), "99\n").expect("another version");
    let error =
        PrivateServer::start_or_attach(&options(dir.path())).await.expect_err("another major version").to_string();
    assert!(error.contains("99"), "{error}");

    let nowhere = ServerOptions { postgres_bin: Some(dir.path().to_path_buf()), ..options(&dir.path().join("other")) };
    let error = PrivateServer::start_or_attach(&nowhere).await.expect_err("no binaries");
    assert!(error.to_string().contains("--postgres-bin"), "{error}");
}

#[tokio::test]
async fn the_pinned_binaries_are_fetched_and_run() {
    let dir = data_dir();
    let pinned = ServerOptions { postgres_bin: None, ..options(dir.path()) };
    let server = match PrivateServer::start_or_attach(&pinned).await {
        Ok(server) => server,
        Err(error) => {
            println!("skipped: no network and no local installation: {error}");
            return;
        }
    };
    if server.version() == "17.7" {
        assert!(answers(&server.connect_options()).await);
    } else {
        println!("skipped: no network; used the local {}", server.version());
    }
    server.stop().await.expect("stop");
}

#[test]
fn without_a_network_a_local_installation_serves() {
    if !Path::new(LOCAL_BIN).is_dir() {
        println!("skipped: there is no local installation");
        return;
    }
    let dir = data_dir();
    let cache = data_dir();
    let nobody_listens = OsStr::new("http://127.0.0.1:1");
    let variables = [
        (CHILD_PINNED, OsStr::new("1")),
        ("XDG_CACHE_HOME", cache.path().as_os_str()),
        ("HTTPS_PROXY", nobody_listens),
        ("https_proxy", nobody_listens),
    ];
    let mut child = spawn_user_with(dir.path(), &variables);
    let version = std::fs::read_to_string(dir.path().join("postgres/cluster/data/PG_VERSION"));
    child.kill().and_then(|()| child.wait()).expect("kill");
    stop_orphan(dir.path());
    assert!(version.expect("a cluster").trim().parse::<u32>().expect("a version") >= 15);
    assert!(!cache.path().join("traveladvisor/postgres/17.7.0").exists(), "nothing was fetched");
}

/// Adopts and stops what a killed child left running.
fn stop_orphan(data_dir: &Path) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async { start(data_dir).await.stop().await.expect("stop") });
}

/// Runs the rest of these tests once more as an ordinary user.
#[test]
fn an_ordinary_user_can_do_the_same() {
    if !is_root() {
        println!("skipped: this is an ordinary user already");
        return;
    }
    let dir = data_dir();
    std::os::unix::fs::chown(dir.path(), Some(NOBODY), Some(NOBODY)).expect("chown");
    let program = dir.path().join("tests");
    std::fs::copy(std::env::current_exe().expect("this test program"), &program).expect("copy");
    let output = Command::new(&program)
        .args(["private_server::starts", "private_server::the_last", "private_server::faults"])
        .uid(NOBODY)
        .gid(NOBODY)
        .current_dir(dir.path())
        .env("TMPDIR", dir.path())
        .env("HOME", dir.path())
        .env_remove("XDG_CACHE_HOME")
        .output()
        .expect("the tests run");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("9 passed"), "{said}");
}
