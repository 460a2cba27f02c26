//! Dead letters that are open are counted by whoever delivers, now and then.

use tokio::sync::watch;
use traveladvisor_infra::stopping::told;

use crate::engine::limits::LETTERS_COUNTED_EVERY;
use crate::engine::source::Source;

/// Counts until told to stop. What could not be counted is not told.
pub(crate) async fn count(source: &Source, mut stop: watch::Receiver<bool>) {
    loop {
        let counted = source.log.open_letters().await;
        if let Err(error) = &counted {
            tracing::debug!(%error, "dead letters could not be counted; tried again");
        }
        source.gauges.letters_are(counted.ok());
        tokio::select! {
            () = told(&mut stop) => return,
            () = tokio::time::sleep(LETTERS_COUNTED_EVERY) => {}
        }
    }
}
