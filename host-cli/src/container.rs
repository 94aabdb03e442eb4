//! The container: which one is meant, its state, and the simple verbs.

use std::collections::HashMap;

use bollard::Docker;
use bollard::models::{
    ContainerInspectResponse, ContainerStateStatusEnum as Status, ContainerSummary,
};
use bollard::query_parameters::ListContainersOptionsBuilder;

use crate::error::{Error, Result, is_absent};

/// The label of everything that belongs to one instance.
pub(crate) const INSTANCE: &str = "dev.occ.instance";
/// Set on containers that are not the instance itself: kept or being tried.
pub(crate) const ROLE: &str = "dev.occ.role";
/// Where the store is mounted.
pub(crate) const STORE: &str = "/var/lib/opencode-users";

/// A container as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    /// The full id.
    pub id: String,
    /// The name without its slash.
    pub name: String,
    /// `running`, `paused`, `exited`, …
    pub state: String,
    /// The image as it was named.
    pub image: String,
}

impl Listed {
    fn new(summary: ContainerSummary) -> Self {
        let name = summary
            .names
            .and_then(|names| names.into_iter().next())
            .unwrap_or_default();
        Self {
            id: summary.id.unwrap_or_default(),
            name: name.trim_start_matches('/').to_owned(),
            state: summary
                .state
                .map(|state| state.to_string())
                .unwrap_or_default(),
            image: summary.image.unwrap_or_default(),
        }
    }
}

/// The container of an instance: by label, else by name; None if there is none.
pub(crate) async fn find(docker: &Docker, instance: &str) -> Result<Option<Listed>> {
    let filters = HashMap::from([("label", vec![format!("{INSTANCE}={instance}")])]);
    let labelled = list(docker, &filters).await?;
    if let Some(found) = pick(instance, labelled)? {
        return Ok(Some(found));
    }
    Ok(inspect(docker, instance).await?.map(|found| Listed {
        state: state_word(&found),
        name: name_of(&found),
        image: found
            .config
            .and_then(|config| config.image)
            .unwrap_or_default(),
        id: found.id.unwrap_or_default(),
    }))
}

/// Containers that match the filters, stopped ones too.
pub(crate) async fn list(
    docker: &Docker,
    filters: &HashMap<&str, Vec<String>>,
) -> Result<Vec<Listed>> {
    let options = ListContainersOptionsBuilder::default()
        .all(true)
        .filters(filters)
        .build();
    let found = docker
        .list_containers(Some(options))
        .await
        .map_err(Error::engine("list containers"))?;
    Ok(found
        .into_iter()
        .filter(|summary| !has_role(summary))
        .map(Listed::new)
        .collect())
}

fn has_role(summary: &ContainerSummary) -> bool {
    summary
        .labels
        .as_ref()
        .is_some_and(|labels| labels.contains_key(ROLE))
}

/// The one of that name; else the only one; else the only one that runs. The
/// one that an update kept has the label too, under the name `X-previous`.
fn pick(instance: &str, labelled: Vec<Listed>) -> Result<Option<Listed>> {
    if let Some(named) = labelled.iter().find(|one| one.name == instance) {
        return Ok(Some(named.clone()));
    }
    let kept = [previous_name(instance), next_name(instance)];
    let others: Vec<_> = labelled
        .into_iter()
        .filter(|one| !kept.contains(&one.name))
        .collect();
    let running: Vec<_> = others.iter().filter(|one| one.state == "running").collect();
    match (others.as_slice(), running.as_slice()) {
        ([], _) => Ok(None),
        ([only], _) => Ok(Some(only.clone())),
        (_, [only]) => Ok(Some((*only).clone())),
        _ => {
            let found = others
                .iter()
                .map(|one| one.name.as_str())
                .collect::<Vec<_>>()
                .join(", ");
            Err(Error::Several {
                name: instance.to_owned(),
                found,
            })
        }
    }
}

/// The name of the container that an update keeps for a rollback.
pub(crate) fn previous_name(container: &str) -> String {
    format!("{container}-previous")
}

/// The name of the container that an update tries.
pub(crate) fn next_name(container: &str) -> String {
    format!("{container}-next")
}

/// The container of an instance, which has to run.
pub(crate) async fn running(docker: &Docker, instance: &str) -> Result<Listed> {
    let found = find(docker, instance).await?.ok_or(Error::NotRunning)?;
    match found.state.as_str() {
        "running" => Ok(found),
        "paused" => Err(Error::Paused(found.name)),
        _ => Err(Error::NotRunning),
    }
}

/// Everything about a container; None if there is none.
pub(crate) async fn inspect(
    docker: &Docker,
    name: &str,
) -> Result<Option<ContainerInspectResponse>> {
    match docker.inspect_container(name, None).await {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(Error::engine(format!("inspect the container '{name}'"))(
            error,
        )),
    }
}

/// The state in the engine's word; empty if it gives none.
pub(crate) fn state_word(found: &ContainerInspectResponse) -> String {
    status(found)
        .map(|status| status.to_string())
        .unwrap_or_default()
}

/// The state.
pub(crate) fn status(found: &ContainerInspectResponse) -> Option<Status> {
    found.state.as_ref().and_then(|state| state.status)
}

/// The name without its slash.
pub(crate) fn name_of(found: &ContainerInspectResponse) -> String {
    found
        .name
        .as_deref()
        .unwrap_or_default()
        .trim_start_matches('/')
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(name: &str, state: &str) -> Listed {
        Listed {
            id: format!("id-{name}"),
            name: name.into(),
            state: state.into(),
            image: "occ:local".into(),
        }
    }

    fn picked(labelled: Vec<Listed>) -> Option<String> {
        pick("opencode", labelled).unwrap().map(|one| one.name)
    }

    #[test]
    fn the_name_comes_before_what_only_has_the_label() {
        let kept = listed("opencode-previous", "running");
        assert_eq!(
            picked(vec![kept.clone(), listed("opencode", "exited")]).as_deref(),
            Some("opencode")
        );
        assert_eq!(
            picked(vec![kept.clone(), listed("web_opencode_1", "exited")]).as_deref(),
            Some("web_opencode_1")
        );
        assert_eq!(picked(vec![kept]), None);
        assert_eq!(
            picked(vec![listed("a", "exited"), listed("b", "running")]).as_deref(),
            Some("b")
        );
        assert_eq!(picked(vec![]), None);
    }

    #[test]
    fn several_that_run_are_never_guessed_between() {
        let error = pick(
            "opencode",
            vec![listed("a", "running"), listed("b", "running")],
        )
        .unwrap_err();
        assert_eq!(error.kind().exit_code(), 4);
        assert!(error.to_string().ends_with("a, b"));
    }
}
