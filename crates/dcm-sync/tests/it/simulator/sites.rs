//! The simulated members and the way into them: authorities and credentials are made once for all runs.

use std::sync::{Arc, LazyLock};

use dcm_testkit::kubesim::{Authority, Member, Options};
use dcm_types::Timestamp;
use dcm_types::ports::Clock;
use secrecy::ExposeSecret as _;

/// Names of the members.
pub(crate) const NAMES: [&str; 4] = ["one", "two", "three", "four"];

/// When every run begins.
pub(crate) const START: &str = "2026-01-01T00:00:00Z";

/// What of a member is the same in all runs.
pub(crate) struct Site {
    pub(crate) name: &'static str,
    pub(crate) server: String,
    /// JSON of the administrator's credential.
    pub(crate) credential: String,
    authority: Arc<Authority>,
}

/// Time that stands still.
struct Still(Timestamp);

impl Clock for Still {
    fn now(&self) -> Timestamp {
        self.0
    }
}

pub(crate) static SITES: LazyLock<Vec<Site>> =
    LazyLock::new(|| NAMES.into_iter().map(Site::new).collect());

impl Site {
    fn new(name: &'static str) -> Self {
        let start: Timestamp = START.parse().unwrap();
        let authority = Arc::new(Authority::create(&format!("{name}-ca"), start).unwrap());
        let clock = Arc::new(Still(start));
        let member = member(name, 0, &authority, clock);
        let kubeconfig = member.kubeconfig().unwrap();
        let credential = dcm_pki::kubeconfig::parse(kubeconfig.as_bytes()).unwrap();
        Self {
            name,
            server: credential.server.to_string(),
            credential: credential.to_json().expose_secret().to_owned(),
            authority,
        }
    }

    /// A member in a run.
    pub(crate) fn member(&self, seed: u64, clock: Arc<dyn Clock>) -> Member {
        member(self.name, seed, &self.authority, clock)
    }
}

fn member(name: &str, seed: u64, authority: &Arc<Authority>, clock: Arc<dyn Clock>) -> Member {
    let options = Options {
        seed,
        version: "v1.36.3".to_owned(),
        clock,
        authority: Some(Arc::clone(authority)),
    };
    Member::new(name, options).unwrap()
}
