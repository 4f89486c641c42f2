//! The end of the process: one signal asks for it, a second one does not wait.

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Cancels the token with the first SIGINT or SIGTERM; ends the process at once with the second.
pub fn cancel_on_signal(cancellation: CancellationToken) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    tokio::spawn(async move {
        let mut asked = false;
        loop {
            let name = tokio::select! {
                _ = interrupt.recv() => "SIGINT",
                _ = terminate.recv() => "SIGTERM",
            };
            if asked {
                tracing::warn!(signal = name, "ending without waiting");
                std::process::exit(1);
            }
            asked = true;
            tracing::info!(signal = name, "ending; a second signal does not wait");
            cancellation.cancel();
        }
    });
    Ok(())
}
