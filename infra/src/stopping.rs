//! How tasks are told to end.

use tokio::sync::watch;

/// Waits until a task is told to stop. That whoever could tell it has gone counts as well.
pub async fn told(stop: &mut watch::Receiver<bool>) {
    stop.wait_for(|stop| *stop).await.ok();
}
