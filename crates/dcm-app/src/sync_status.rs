//! The status of the synchronizer: what it says of itself, for operators.

use dcm_types::report::SyncReport;

use crate::{App, Error, Principal};

impl App {
    /// Queues, members that are waited for, and the last runs.
    pub async fn sync_status(&self, _who: &Principal) -> Result<SyncReport, Error> {
        let report = self.synchronizer().report().await;
        report.map_err(|error| Error::new(error.kind, error.message))
    }
}
