//! The conformance suite on the MongoDB backend; each case has a collection of its own.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dcm_store::conformance::Subject;
use dcm_store::{MongoOptions, MongoStore, Store};
use mongodb::bson::{Document, doc};
use mongodb::{Client, Collection};

/// A store in a collection that nobody else uses; it goes with the value.
pub(crate) struct InMongo {
    pub(crate) store: Arc<MongoStore>,
    pub(crate) options: MongoOptions,
    pub(crate) collection: Collection<Document>,
}

#[async_trait]
impl Subject for InMongo {
    fn store(&self) -> Arc<dyn Store> {
        self.store.clone()
    }

    /// The clock is the server's: what shall be over ends earlier instead.
    async fn pass(&self, time: Duration) {
        let earlier = i64::try_from(time.as_millis()).unwrap();
        let until = doc! { "$subtract": ["$until", earlier] };
        let change = vec![doc! { "$set": { "until": until } }];
        let leases = self
            .collection
            .update_many(doc! { "kind": "~lease" }, change);
        leases.await.unwrap();
    }
}

impl Drop for InMongo {
    fn drop(&mut self) {
        let collection = self.collection.clone();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { collection.drop().await });
        }
    }
}

/// Options for a collection of its own on a server.
pub(crate) fn options(uri: &str) -> MongoOptions {
    let id = mongodb::bson::oid::ObjectId::new();
    MongoOptions {
        database: "dcm-test".to_owned(),
        collection: format!("store-{id}"),
        ..MongoOptions::new(uri.into())
    }
}

pub(crate) async fn collection(options: &MongoOptions) -> Collection<Document> {
    use secrecy::ExposeSecret as _;
    let client = Client::with_uri_str(options.uri.expose_secret())
        .await
        .unwrap();
    client
        .database(&options.database)
        .collection(&options.collection)
}

pub(crate) async fn fresh() -> InMongo {
    let uri = tokio::task::spawn_blocking(dcm_testkit::shared_replica_set);
    let options = options(&uri.await.unwrap().unwrap());
    InMongo {
        store: Arc::new(MongoStore::open(&options).await.unwrap()),
        collection: collection(&options).await,
        options,
    }
}

dcm_store::conformance_suite!(fresh);
