//! Decides which containers are an instance's. Nothing else reads the label of a
//! container, and no command touches one that is refused here.

use std::collections::HashMap;

use bollard::Docker;
use bollard::models::ContainerInspectResponse;

use crate::engine::container::{self, Listed, store_mount};
use crate::engine::labels::{Beside, INSTANCE, Names, SERVICE_ID, STORE};
use crate::error::{Error, Result};

/// The filter for containers that carry the instance's label.
pub(crate) fn labelled(instance: &str) -> HashMap<&'static str, Vec<String>> {
    HashMap::from([("label", vec![format!("{INSTANCE}={instance}")])])
}

/// The container of an instance: the one of that name (or id), else the only one with
/// its label and a store; `None` if there is none.
///
/// Any image can bring a label, and with it a container of any name: it is no proof of
/// anything, and must not get what is meant for another.
pub(crate) async fn find(docker: &Docker, instance: &str) -> Result<Option<Listed>> {
    if let Some(named) = container::inspect(docker, instance).await? {
        return Ok(Some(Listed::of(&named)));
    }
    pick(instance, with_store(docker, instance).await?)
}

/// The containers that have the instance's label and a store that somebody gave them:
/// an image's VOLUME line gets one without a name.
pub(crate) async fn with_store(docker: &Docker, instance: &str) -> Result<Vec<Listed>> {
    let mut found = Vec::new();
    for one in container::list(docker, &labelled(instance)).await? {
        let inspected = container::inspect(docker, &one.id).await?;
        let store = inspected.as_ref().and_then(store_mount);
        let source = store.and_then(|store| store.source).unwrap_or_default();
        if !source.is_empty() && !is_anonymous(&source) {
            let inspected = inspected.as_ref();
            let service = inspected.and_then(|found| container::label_of(found, SERVICE_ID));
            found.push((one, service.map(str::to_owned)));
        }
    }
    Ok(without_past_tasks(&found))
}

/// A service of Docker Swarm leaves its ended containers behind: those that run stand for
/// it, else the newest, which engines list first.
fn without_past_tasks(found: &[(Listed, Option<String>)]) -> Vec<Listed> {
    let is_past = |place: usize, one: &Listed, service: &String| {
        let tasks = found.iter().enumerate();
        let mut others = tasks.filter(|(_, (_, other))| other.as_ref() == Some(service));
        one.state != "running"
            && others.any(|(other, (task, _))| task.state == "running" || other < place)
    };
    let kept = found.iter().enumerate().filter(|(place, (one, service))| {
        !service
            .as_ref()
            .is_some_and(|service| is_past(*place, one, service))
    });
    kept.map(|(_, (one, _))| one.clone()).collect()
}

/// Engines name a volume that nobody named by 64 hexadecimal digits.
fn is_anonymous(volume: &str) -> bool {
    volume.len() == 64 && volume.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The only one. What updates leave beside it has the label too.
fn pick(instance: &str, labelled: Vec<Listed>) -> Result<Option<Listed>> {
    let mut others: Vec<_> = labelled
        .into_iter()
        .filter(|one| Names::around(&one.name).is_none())
        .collect();
    if others.len() < 2 {
        return Ok(others.pop());
    }
    let names: Vec<_> = others.iter().map(|one| one.name.as_str()).collect();
    Err(Error::Several {
        name: instance.to_owned(),
        found: names.join(", "),
    })
}

/// The label under which a container, or one beside it, was made; else its name.
pub(crate) async fn label_of(docker: &Docker, instance: &str) -> Result<String> {
    let names = Names::of(instance);
    let beside = Beside::ALL.map(|one| names.with(one));
    for name in std::iter::once(&names.own).chain(&beside) {
        let found = container::inspect(docker, name).await?;
        let found = found.filter(|found| store_mount(found).is_some());
        if let Some(label) = found.as_ref().and_then(label) {
            return Ok(label.clone());
        }
    }
    Ok(instance.to_owned())
}

/// The name of the container that a name or an id stands for.
pub(crate) async fn name_of(docker: &Docker, word: &str) -> Result<String> {
    let Some(found) = container::inspect(docker, word).await? else {
        return Ok(word.to_owned());
    };
    let name = container::name_of(&found);
    // The id of one that an update has kept is still that of its successor to people.
    if let Some(names) = Names::around(&name)
        && container::inspect(docker, &names.own).await?.is_some()
    {
        return Ok(names.own);
    }
    Ok(name)
}

/// The names of all containers of occ, to choose from.
pub(crate) async fn all_names(docker: &Docker) -> Result<Vec<String>> {
    let filters = HashMap::from([("label", vec![INSTANCE.to_owned()])]);
    let all = container::list(docker, &filters).await?;
    let names = all.into_iter().map(|one| one.name);
    Ok(names.filter(|name| Names::around(name).is_none()).collect())
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
            hint: format!("give it another name: `docker rename {name} {name}-aside`"),
        });
    }
    container::remove(docker, name).await
}

#[cfg(test)]
mod tests;
