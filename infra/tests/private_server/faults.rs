//! What happens after somebody was killed.

use super::*;

#[tokio::test]
async fn a_killed_server_is_started_again_with_what_was_written() {
    let dir = data_dir();
    let durable = ServerOptions { durability: Durability::Durable, ..options(dir.path()) };
    let server = PrivateServer::start_or_attach(&durable).await.expect("a server");
    execute(&mut connect(&server).await, "CREATE TABLE note (); INSERT INTO note DEFAULT VALUES").await;
    kill_hard(postmaster_pid(&server));

    let again = PrivateServer::start_or_attach(&durable).await.expect("a server");
    assert_eq!(notes(&again).await, 1);
    assert_eq!(again.role(), Role::Attached, "the first handle still answers for it");
    drop(server);
    assert!(answers(&again.connect_options()).await);
    again.stop().await.expect("stop");
}

#[tokio::test]
async fn the_server_of_a_killed_owner_is_adopted() {
    let dir = data_dir();
    let mut owner = spawn_user(dir.path());
    let attached = start(dir.path()).await;
    assert_eq!(attached.role(), Role::Attached);
    let pid = postmaster_pid(&attached);
    drop(attached);
    owner.kill().and_then(|()| owner.wait()).expect("kill -9");

    let adopted = start(dir.path()).await;
    assert_eq!(adopted.role(), Role::Owner);
    assert_eq!(postmaster_pid(&adopted), pid, "it went on running");
    let options = adopted.connect_options();
    adopted.stop().await.expect("stop");
    assert!(!answers(&options).await, "an adopted server is stopped as well");
}

#[tokio::test]
async fn ctrl_c_in_the_terminal_reaches_the_program_and_not_its_server() {
    let dir = data_dir();
    let mut owner = spawn_user(dir.path());
    let group = format!("-{}", owner.id());
    let status = Command::new("kill").args(["-s", "INT", "--", &group]).status().expect("kill");
    assert!(status.success());
    owner.wait().expect("the program ends");

    let adopted = start(dir.path()).await;
    assert_eq!(adopted.role(), Role::Owner);
    let log = std::fs::read_to_string(dir.path().join("postgres/server.log")).expect("the log");
    assert!(!log.contains("shutdown request"), "{log}");
    adopted.stop().await.expect("stop");
}

#[tokio::test]
async fn a_stale_process_number_that_now_is_another_process_misleads_nobody() {
    let dir = data_dir();
    let server = start(dir.path()).await;
    let cluster = server.cluster_dir().join("data");
    let file = cluster.join("postmaster.pid");
    let text = std::fs::read_to_string(&file).expect("postmaster.pid");
    server.stop().await.expect("stop");
    let (_, rest) = text.split_once('\n').expect("lines");
    std::fs::write(&file, format!("{}\n{rest}", std::process::id())).expect("a stale file");

    let again = start(dir.path()).await;
    assert!(answers(&again.connect_options()).await);
    assert_ne!(postmaster_pid(&again), std::process::id());
    again.stop().await.expect("stop");
}

#[tokio::test]
async fn half_a_cluster_of_a_killed_first_run_is_thrown_away() {
    let dir = data_dir();
    let server = start(dir.path()).await;
    let cluster = server.cluster_dir().to_path_buf();
    server.stop().await.expect("stop");
    // As a kill in the middle of initdb leaves it.
    std::fs::rename(cluster.join("data"), cluster.join("data.new")).expect("rename");
    std::fs::remove_file(cluster.join("data.new/PG_VERSION")).expect("remove");

    let again = start(dir.path()).await;
    assert!(answers(&again.connect_options()).await);
    again.stop().await.expect("stop");
}

#[tokio::test]
async fn a_server_that_cannot_run_says_why() {
    let dir = data_dir();
    let server = start(dir.path()).await;
    let cluster = server.cluster_dir().to_path_buf();
    server.stop().await.expect("stop");
    std::fs::remove_file(cluster.join("data/global/pg_control")).expect("remove");

    let error = PrivateServer::start_or_attach(&options(dir.path())).await.expect_err("a broken cluster").to_string();
    assert!(error.contains("pg_control") && error.contains("server.log"), "{error}");
}

#[tokio::test]
async fn a_start_given_up_half_way_leaves_no_server() {
    let dir = data_dir();
    let server = start(dir.path()).await;
    let options_of_server = server.connect_options();
    server.stop().await.expect("stop");
    for give_up_after_ms in [0, 10, 30, 60, 120] {
        let wanted = options(dir.path());
        let starting = PrivateServer::start_or_attach(&wanted);
        let limit = Duration::from_millis(give_up_after_ms);
        // Whether it was given up or got ready and was dropped: nothing stays.
        drop(tokio::time::timeout(limit, starting).await);
        assert!(!answers(&options_of_server).await, "given up after {give_up_after_ms} ms");
    }
    let server = start(dir.path()).await;
    assert_eq!(server.role(), Role::Owner);
    server.stop().await.expect("stop");
}
