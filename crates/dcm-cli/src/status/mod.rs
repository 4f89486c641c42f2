//! The status of a logical cloud: shown once, or watched until it is what was wished.

mod table;
mod wait;
mod watch;

use dcm_wire::views::{MemberStateView, StatusView};

use crate::arguments::Format;
use crate::client::Path;
use crate::error::Error;
use crate::run::Context;

pub(crate) use wait::{reach, wait};

/// Shows the status as it is. A member that needs attention makes it an error.
pub(crate) async fn show(context: &Context<'_>, format: Format, cloud: &Path) -> Result<(), Error> {
    let answer = context.client.get(&cloud.join("status")).await?;
    let status: StatusView = answer.decode("status")?;
    context.terminal.show(format, &answer.document, |palette| {
        Ok(table::render(&status, palette))
    })?;
    degraded(&status)
}

/// An error when a member does not move on its own.
fn degraded(status: &StatusView) -> Result<(), Error> {
    let needy: Vec<String> = status
        .members
        .iter()
        .filter(|member| {
            matches!(
                member.state,
                MemberStateView::Blocked | MemberStateView::Unreachable
            )
        })
        .map(|member| {
            let (_, state) = table::show_state(member.state);
            format!("{}/{} is {state}", member.cluster_provider, member.cluster)
        })
        .collect();
    if needy.is_empty() {
        return Ok(());
    }
    Err(Error::Degraded(format!(
        "logical cloud '{}' is degraded: {}",
        status.name,
        needy.join(", ")
    )))
}
