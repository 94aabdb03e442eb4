//! Decides which containers are an instance's. Nothing else reads the label of a
//! container, and no command touches one that is refused here.

use std::collections::HashMap;

use bollard::Docker;
use bollard::models::ContainerInspectResponse;

use crate::engine::container::{self, Listed, store_mount};
use crate::engine::labels::{INSTANCE, Names, STORE};
use crate::error::{Error, Result};

/// The filter for containers that carry the instance's label.
pub(crate) fn labelled(instance: &str) -> HashMap<&'static str, Vec<String>> {
    HashMap::from([("label", vec![format!("{INSTANCE}={instance}")])])
}

/// The container of an instance: by label, else by name; `None` if there is none.
pub(crate) async fn find(docker: &Docker, instance: &str) -> Result<Option<Listed>> {
    let candidates = container::list(docker, &labelled(instance)).await?;
    if let Some(found) = pick(instance, candidates)? {
        return Ok(Some(found));
    }
    Ok(container::inspect(docker, instance)
        .await?
        .as_ref()
        .map(Listed::of))
}

/// The one of that name; else the only one; else the only one that runs. What
/// updates leave beside it has the label too.
fn pick(instance: &str, labelled: Vec<Listed>) -> Result<Option<Listed>> {
    if let Some(named) = labelled.iter().find(|one| one.name == instance) {
        return Ok(Some(named.clone()));
    }
    let others: Vec<_> = labelled
        .into_iter()
        .filter(|one| Names::around(&one.name).is_none())
        .collect();
    let running: Vec<_> = others.iter().filter(|one| one.state == "running").collect();
    match (others.as_slice(), running.as_slice()) {
        ([], _) => Ok(None),
        ([only], _) => Ok(Some(only.clone())),
        (_, [only]) => Ok(Some((*only).clone())),
        _ => {
            let names: Vec<_> = others.iter().map(|one| one.name.as_str()).collect();
            Err(Error::Several {
                name: instance.to_owned(),
                found: names.join(", "),
            })
        }
    }
}

/// The container of an instance, which has to run.
pub(crate) async fn running(docker: &Docker, instance: &str) -> Result<Listed> {
    let found = find(docker, instance).await?.ok_or(Error::NotRunning)?;
    match found.state.as_str() {
        "running" => Ok(found),
        "paused" => Err(Error::Paused(found.name)),
        "restarting" => Err(Error::Restarting(found.name)),
        _ => Err(Error::NotRunning),
    }
}

fn label(found: &ContainerInspectResponse) -> Option<&String> {
    found.config.as_ref()?.labels.as_ref()?.get(INSTANCE)
}

/// Returns true for a container of the instance. One without a label was found
/// by its name, before the first update; it has the store.
pub(crate) fn belongs(found: &ContainerInspectResponse, instance: &str) -> bool {
    label(found).map_or_else(|| store_mount(found).is_some(), |label| label == instance)
}

/// Inspects a container; `None` if it is gone.
///
/// Errors: it has neither a store nor a label of ours, so it only happens to have
/// the name.
pub(crate) async fn inspect_ours(
    docker: &Docker,
    listed: &Listed,
) -> Result<Option<ContainerInspectResponse>> {
    let found = container::inspect(docker, &listed.id).await?;
    match &found {
        Some(found) if label(found).is_none() && store_mount(found).is_none() => {
            Err(Error::Refused {
                message: format!(
                    "the container '{}' is not occ's: it has neither the label '{INSTANCE}' nor a store at '{STORE}'",
                    listed.name
                ),
                hint: "pick another name with --container".into(),
            })
        }
        _ => Ok(found),
    }
}

/// Removes a leftover of the instance; somebody else's container of that name
/// stays.
pub(crate) async fn remove_ours(docker: &Docker, instance: &str, name: &str) -> Result<()> {
    let Some(found) = container::inspect(docker, name).await? else {
        return Ok(());
    };
    if !belongs(&found, instance) {
        return Err(Error::Conflict {
            message: format!(
                "a container '{name}' is in the way, and it does not belong to '{instance}'"
            ),
            hint: format!("remove or rename it: `docker rename {name} …`"),
        });
    }
    container::remove(docker, name).await
}

#[cfg(test)]
mod tests;
