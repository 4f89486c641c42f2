//! `cargo xtask kube`: control planes to try things on, which outlive the command.
//!
//! Each one is held by a process of its own (this program, with the hidden command `hold`), so it
//! ends like those of the tests do: with its holder. See [`holding`] for how a holder is found again.

mod holding;

use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use dcm_testkit::Assets;

use crate::output;
use holding::Place;

#[derive(clap::Subcommand)]
pub(crate) enum Task {
    /// Build etcd, kubectl, and kube-apiserver and kube-controller-manager in two versions into the cache
    Build,
    /// Start control planes that stay until `down`; prints their kubeconfig files
    Up {
        /// How many to start
        #[arg(default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=20))]
        count: u8,
    },
    /// Show the control planes that `up` started
    List,
    /// End the control planes that `up` started
    Down,
    #[command(hide = true, about = "Hold one control plane until killed")]
    Hold { folder: PathBuf },
}

impl Task {
    pub(super) fn run(self) -> Result<()> {
        match self {
            Self::Build => build(),
            Self::Up { count } => up(usize::from(count)),
            Self::List => list(),
            Self::Down => down(),
            Self::Hold { folder } => holding::hold(&folder),
        }
    }
}

fn build() -> Result<()> {
    let assets = Assets::obtain()?;
    let previous = Assets::obtain_previous()?;
    let all = [
        assets.etcd,
        assets.kube_apiserver,
        assets.kube_controller_manager,
        assets.kubectl,
        previous.kube_apiserver,
        previous.kube_controller_manager,
    ];
    for program in all {
        output::say(program.display());
    }
    Ok(())
}

fn up(count: usize) -> Result<()> {
    // Here, not in the holders, because here the progress can be seen.
    let assets = Assets::obtain()?;
    let holders: Vec<_> = (0..count)
        .map(|_| holding::spawn())
        .collect::<Result<_>>()?;
    for holder in holders {
        let place = holder.wait_until_ready()?;
        output::say(place.kubeconfig().display());
    }
    output::warn(format!(
        "try: {} --kubeconfig FILE get namespaces; end with: cargo xtask kube down",
        assets.kubectl.display()
    ));
    Ok(())
}

fn list() -> Result<()> {
    let heading = ["NAME", "PID", "ADDRESS", "VERSION", "ALIVE", "KUBECONFIG"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    rows.extend(Place::all()?.iter().map(row));
    if rows.len() == 1 {
        output::say("no control planes: start some with cargo xtask kube up");
        return Ok(());
    }
    output::table(&rows).iter().for_each(output::say);
    Ok(())
}

fn row(place: &Place) -> Vec<String> {
    let unknown = || "-".to_owned();
    let state = place.state();
    let reachable = state.as_ref().is_some_and(|state| {
        TcpStream::connect_timeout(&state.address, Duration::from_secs(1)).is_ok()
    });
    let alive = match (place.is_held(), reachable) {
        (true, true) => "yes",
        (true, false) => "not reachable",
        (false, _) => "no",
    };
    vec![
        place.name(),
        state
            .as_ref()
            .map_or_else(unknown, |state| state.pid.to_string()),
        state
            .as_ref()
            .map_or_else(unknown, |state| state.address.to_string()),
        state
            .as_ref()
            .map_or_else(unknown, |state| state.version.clone()),
        alive.to_owned(),
        place.kubeconfig().display().to_string(),
    ]
}

fn down() -> Result<()> {
    let places = Place::all()?;
    for place in &places {
        place.end()?;
        output::say(format!("ended {}", place.name()));
    }
    if places.is_empty() {
        output::say("no control planes were up");
    }
    Ok(())
}
