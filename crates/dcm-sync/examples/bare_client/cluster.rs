//! One cluster over one connection that is kept alive: plain requests with JSON, and watches beside them.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use http::{Method, Request};
use http_body_util::BodyExt as _;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::client::{Body, ConfigExt as _};
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tower::ServiceBuilder;

/// What a watch told, and when it was here.
pub(crate) struct Event {
    pub(crate) at: Instant,
    pub(crate) object: Value,
    pub(crate) gone: bool,
}

#[derive(Clone)]
pub(crate) struct Cluster {
    client: kube::Client,
}

impl Cluster {
    pub(crate) async fn connect(file: PathBuf) -> Result<Self> {
        let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let kubeconfig = Kubeconfig::from_yaml(&text)?;
        let options = KubeConfigOptions::default();
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await?;
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.enforce_http(false);
        // Only version 2 has requests and watches on one connection.
        let https = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(config.rustls_client_config()?)
            .https_only()
            .enable_http2()
            .wrap_connector(tcp);
        let hyper = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
            .http2_only(true)
            .build::<_, Body>(https);
        let service = ServiceBuilder::new()
            .layer(config.base_uri_layer())
            .map_err(tower::BoxError::from)
            .service(hyper);
        Ok(Self {
            client: kube::Client::new(service, "default"),
        })
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        self.ask(Method::GET, path, &Value::Null).await
    }

    pub(crate) async fn create(&self, path: &str, object: &Value) -> Result<Value> {
        self.ask(Method::POST, path, object).await
    }

    pub(crate) async fn replace(&self, path: &str, object: &Value) -> Result<Value> {
        self.ask(Method::PUT, path, object).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<Value> {
        self.ask(Method::DELETE, path, &Value::Null).await
    }

    async fn ask(&self, method: Method, path: &str, object: &Value) -> Result<Value> {
        let body = if object.is_null() {
            Vec::new()
        } else {
            serde_json::to_vec(object)?
        };
        let request = Request::builder()
            .method(&method)
            .uri(path)
            .header("content-type", "application/json")
            .header("accept", "application/json")
            .body(Body::from(body))?;
        let response = self.client.send(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        if !status.is_success() {
            bail!(
                "{method} {path}: {status}: {}",
                String::from_utf8_lossy(&body)
            );
        }
        Ok(serde_json::from_slice(&body)?)
    }

    /// Watches a collection by label selector from a resourceVersion on; events come until the
    /// receiver is dropped.
    pub(crate) async fn watch(
        &self,
        path: &str,
        selector: &str,
        from: &str,
    ) -> Result<UnboundedReceiver<Event>> {
        let query = format!("watch=true&labelSelector={selector}&resourceVersion={from}");
        let request = Request::builder()
            .uri(format!("{path}?{query}"))
            .body(Body::empty())?;
        let response = self.client.send(request).await?;
        let status = response.status();
        if !status.is_success() {
            bail!("watch {path}: {status}");
        }
        let (sender, receiver) = unbounded_channel();
        tokio::spawn(async move {
            let mut body = response.into_body();
            let mut text = Vec::new();
            while let Some(Ok(frame)) = body.frame().await {
                text.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
                while let Some(end) = text.iter().position(|byte| *byte == b'\n') {
                    let line: Vec<u8> = text.drain(..=end).collect();
                    let told = event(&line).is_none_or(|event| sender.send(event).is_ok());
                    if !told {
                        return;
                    }
                }
            }
        });
        Ok(receiver)
    }
}

fn event(line: &[u8]) -> Option<Event> {
    let mut value: Value = serde_json::from_slice(line).ok()?;
    let gone = match value["type"].as_str()? {
        "ADDED" | "MODIFIED" => false,
        "DELETED" => true,
        _ => return None,
    };
    Some(Event {
        at: Instant::now(),
        object: value["object"].take(),
        gone,
    })
}

/// The text at a place of an object; empty when there is none.
pub(crate) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}
