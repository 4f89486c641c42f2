//! A controller behind a socket.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use dcm_rpc::{Client, Socket, serve};
use dcm_types::ca::CaController;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) struct Wire {
    path: PathBuf,
    _folder: TempDir,
    serving: Option<Serving>,
}

struct Serving {
    task: JoinHandle<Result<(), dcm_rpc::Error>>,
    token: CancellationToken,
}

impl Wire {
    pub(crate) fn new(controller: Arc<dyn CaController>) -> Self {
        let folder = TempDir::new().unwrap();
        let mut wire = Self {
            path: folder.path().join("ca/ca.sock"),
            _folder: folder,
            serving: None,
        };
        wire.start(controller);
        wire
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.path)
    }

    pub(crate) fn start(&mut self, controller: Arc<dyn CaController>) {
        let socket = Socket::bind(&self.path).unwrap();
        let token = CancellationToken::new();
        let task = tokio::spawn(serve(socket, controller, token.clone()));
        self.serving = Some(Serving { task, token });
    }

    pub(crate) async fn stop(&mut self) {
        let serving = self.serving.take().unwrap();
        serving.token.cancel();
        serving.task.await.unwrap().unwrap();
    }
}
