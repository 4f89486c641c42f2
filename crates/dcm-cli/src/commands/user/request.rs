//! `dcm user request`, and `--generate-key` of `create`: the certificate of a user who keeps their key. The
//! key is made and stays here; what is sent is a request that is signed with it.

use std::path::{Path as FilePath, PathBuf};

use clap::Args;
use dcm_pki::{UserKey, certificate_request};
use dcm_wire::documents::UserDocument;
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::{One, User, path};
use crate::arguments::Format;
use crate::client::{Answer, Path, decode};
use crate::error::Error;
use crate::file;
use crate::resource::Noun as _;
use crate::run::Context;

/// The type of a user who keeps their key.
pub(super) const TYPE: &str = "signing-request";

/// Arguments of `dcm user request`.
#[derive(Debug, Args)]
pub(super) struct Request {
    #[command(flatten)]
    one: One,
    #[command(flatten)]
    source: Source,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Source {
    /// A certificate signing request (PKCS#10, PEM) with the subject that `dcm user get` shows; `-` reads
    /// standard input
    #[arg(long, value_name = "FILE")]
    csr: Option<PathBuf>,
    /// Make a key into this new file, readable by its owner only, and a request with it
    #[arg(long, value_name = "FILE")]
    generate_key: Option<PathBuf>,
}

impl Request {
    pub(super) async fn run(&self, context: &Context<'_>, format: Format) -> Result<(), Error> {
        let place = path(&self.one);
        if let Some(csr) = &self.source.csr {
            let text = file::read_text(csr)?;
            let mut document = context.client.get(&place).await?.document;
            let answer = give(context, &place, &mut document, text).await?;
            return told(context, format, &self.one.name, &answer);
        }
        let Some(file) = &self.source.generate_key else {
            return Ok(());
        };
        with_new_key(
            context,
            (format, &self.one.name, &place),
            file,
            async || Ok(context.client.get(&place).await?.document),
        )
        .await
    }
}

/// Makes a key into a new file, and a request for it for the user that `user` gives. The file goes again when
/// the request surely was not taken.
pub(super) async fn with_new_key(
    context: &Context<'_>,
    (format, name, place): (Format, &str, &Path),
    file: &FilePath,
    user: impl AsyncFnOnce() -> Result<Value, Error>,
) -> Result<(), Error> {
    let failed = |source| Error::ClientKey {
        path: file.to_owned(),
        source,
    };
    let key = UserKey::generate().map_err(failed)?;
    file::create_secret(file, key.to_pem().expose_secret())?;
    let given = async {
        let mut document = user().await?;
        let name = common_name(context, place, &mut document).await?;
        let request = certificate_request(&key, &name).map_err(failed)?;
        give(context, place, &mut document, request).await
    };
    match given.await {
        Ok(answer) => {
            context.terminal.note(&format!(
                "the key is in {}, readable by you only; it was not sent",
                file.display()
            ));
            told(context, format, name, &answer)
        }
        Err(error) => {
            if !matches!(error, Error::NoAnswer { .. } | Error::Exchange { .. }) {
                // Nothing was or will be issued for it; that it stays is no second error.
                let _ = std::fs::remove_file(file);
            }
            Err(error)
        }
    }
}

/// What the subject must be; a user of another type becomes one who keeps their key.
async fn common_name(
    context: &Context<'_>,
    place: &Path,
    document: &mut Value,
) -> Result<String, Error> {
    if document["spec"]["type"] != TYPE {
        document["spec"]["type"] = TYPE.into();
        *document = context
            .client
            .write(Method::PUT, place, document)
            .await?
            .document;
        context
            .terminal
            .note("the type of the user changed; it counts from the next update on");
    }
    let user: UserDocument = decode(document.clone(), User::NAME)?;
    let name = user.status.and_then(|status| status.common_name);
    Ok(name.unwrap_or_default())
}

async fn give(
    context: &Context<'_>,
    place: &Path,
    document: &mut Value,
    request: String,
) -> Result<Answer, Error> {
    document["spec"]["type"] = TYPE.into();
    document["spec"]["csr"] = request.into();
    context.client.write(Method::PUT, place, document).await
}

fn told(context: &Context<'_>, format: Format, name: &str, answer: &Answer) -> Result<(), Error> {
    context
        .terminal
        .note(&format!("the signing request of user '{name}' is accepted"));
    context.terminal.show_data(format, &answer.document)
}
