//! The private server is the program's own: should it die, whoever serves on it starts it again.

use std::path::PathBuf;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::task::JoinHandle;
use traveladvisor_infra::private_server::{PrivateServer, ServerOptions};

use super::house::{House, server_options};

/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Looks after the private server of a house until aborted; nothing for a server of the user's.
pub(crate) fn revive(house: &House) -> Option<JoinHandle<()>> {
    let directory = house.server()?.socket_dir();
    let options = server_options(&house.config);
    Some(tokio::spawn(look_after(directory, options)))
}

async fn look_after(directory: PathBuf, options: ServerOptions) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        if answers(&directory).await {
            continue;
        }
        tracing::warn!("the private Postgres has gone; it is started again");
        match PrivateServer::start_or_attach(&options).await {
            // The house keeps its own hold on the server; this one is not needed any more.
            Ok(again) => match again.stop().await {
                Ok(()) => tracing::warn!("the private Postgres is back"),
                Err(error) => tracing::warn!(%error, "the private Postgres is back, but could not be let go"),
            },
            Err(error) => tracing::error!(%error, "the private Postgres could not be started again"),
        }
    }
}

/// Its sockets are files; a server that has died accepts on none of them.
async fn answers(directory: &PathBuf) -> bool {
    let Ok(mut entries) = tokio::fs::read_dir(directory).await else { return false };
    while let Ok(Some(entry)) = entries.next_entry().await {
        let name = entry.file_name();
        let is_lock = name.to_string_lossy().ends_with(".lock");
        if !is_lock && UnixStream::connect(entry.path()).await.is_ok() {
            return true;
        }
    }
    false
}
