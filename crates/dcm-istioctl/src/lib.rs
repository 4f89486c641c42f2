//! Manifests of meshes by `istioctl`, run as a child process: the one place that starts a foreign program.
//!
//! Invariants: the program is the one that is configured, by an absolute path, never what a search path finds. It gets
//! an empty environment and an empty folder, so that neither settings of whoever runs us nor a kubeconfig can change
//! what comes out. Its time and its output are bounded, and it is killed when it goes beyond. It renders from the
//! charts that are built into it, and reaches no cluster.

mod child;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dcm_mesh::{Error, MeshRenderer};
use serde_json::Value;

use child::{Bounds, Output};

/// Far above the half second that it takes.
const TIME: Duration = Duration::from_secs(30);
/// A control plane with its definitions takes 1.1 MB.
const OUTPUT: usize = 8 << 20;
/// Characters of what a failing program said that are told.
const QUOTED: usize = 500;

/// A renderer that runs one program.
#[derive(Debug, Clone)]
pub struct Istioctl {
    program: PathBuf,
    bounds: Bounds,
}

impl Istioctl {
    /// The program at an absolute path.
    pub fn new(program: &Path) -> Result<Self, Error> {
        if !program.is_absolute() {
            return Err(Error::Render(
                "the path of the program must be absolute".to_owned(),
            ));
        }
        let bounds = Bounds {
            time: TIME,
            output: OUTPUT,
        };
        Ok(Self {
            program: program.to_owned(),
            bounds,
        })
    }

    /// With other bounds than the usual ones.
    #[must_use]
    pub fn bounded(self, time: Duration, output: usize) -> Self {
        Self {
            bounds: Bounds { time, output },
            ..self
        }
    }

    fn run(&self, arguments: &[&str], input: Option<&Value>) -> Result<String, Error> {
        let failed = |error: std::io::Error| Error::Render(error.to_string());
        let folder = tempfile::tempdir().map_err(failed)?;
        if let Some(input) = input {
            // JSON is YAML.
            fs::write(folder.path().join(INPUT), input.to_string()).map_err(failed)?;
        }
        let ended = child::run(&self.program, arguments, folder.path(), self.bounds);
        match ended.map_err(failed)? {
            Output::Ended {
                success: true, out, ..
            } => String::from_utf8(out)
                .map_err(|_| Error::Render("what it wrote is no text".to_owned())),
            Output::Ended { errors, .. } => {
                let said = String::from_utf8_lossy(&errors);
                let said: String = said.trim().chars().take(QUOTED).collect();
                Err(Error::Render(format!("the program failed: {said}")))
            }
            Output::TooLate => Err(Error::Render(format!(
                "the program took longer than {} s and was ended",
                self.bounds.time.as_secs()
            ))),
            Output::TooMuch => Err(Error::Render(format!(
                "the program wrote more than {} bytes and was ended",
                self.bounds.output
            ))),
        }
    }
}

/// In the folder that the program starts in.
const INPUT: &str = "operator.json";

impl MeshRenderer for Istioctl {
    fn version(&self) -> Result<String, Error> {
        let text = self.run(&["version", "--remote=false", "--short"], None)?;
        Ok(text.trim().to_owned())
    }

    fn render(&self, operator: &Value) -> Result<String, Error> {
        self.run(
            &["manifest", "generate", "--filename", INPUT],
            Some(operator),
        )
    }
}
