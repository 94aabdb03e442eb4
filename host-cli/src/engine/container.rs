//! The container: which one is meant, its state, and the simple verbs.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bollard::Docker;
use bollard::models::{
    ContainerInspectResponse, ContainerStateStatusEnum as Status, ContainerSummary,
    ContainerUpdateBody, RestartPolicy,
};
use bollard::query_parameters::{
    ListContainersOptionsBuilder, RemoveContainerOptionsBuilder, RenameContainerOptionsBuilder,
    StopContainerOptionsBuilder,
};

use crate::error::{Error, Result, api_text, is_absent};
use crate::swap::steps::Names;

/// The label of everything that belongs to one instance.
pub(crate) const INSTANCE: &str = "dev.occ.instance";
/// Set on containers that are not the instance itself: kept or being tried.
pub(crate) const ROLE: &str = "dev.occ.role";
/// Seconds that a container gets to stop.
pub(crate) const STOP_SECONDS: i32 = 30;
/// Until the engine has removed what it was asked to remove.
const REMOVAL: Duration = Duration::from_secs(30);
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
    /// The same of what was inspected.
    pub(crate) fn of(found: ContainerInspectResponse) -> Self {
        Self {
            state: state_word(&found),
            name: name_of(&found),
            image: found
                .config
                .and_then(|config| config.image)
                .unwrap_or_default(),
            id: found.id.unwrap_or_default(),
        }
    }

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
    Ok(inspect(docker, instance).await?.map(Listed::of))
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

/// Stops a container; one that is stopped already is fine.
pub(crate) async fn stop(docker: &Docker, name: &str) -> Result<()> {
    let options = StopContainerOptionsBuilder::default()
        .t(STOP_SECONDS)
        .build();
    docker
        .stop_container(name, Some(options))
        .await
        .map_err(Error::engine(format!("stop the container '{name}'")))
}

/// Removes a container, running or not; its named volumes stay.
pub(crate) async fn remove(docker: &Docker, name: &str) -> Result<()> {
    let options = RemoveContainerOptionsBuilder::default().force(true).build();
    match docker.remove_container(name, Some(options)).await {
        Err(error) if is_absent(&error) => Ok(()),
        // Somebody who was killed had asked for it already.
        Err(error) if api_text(&error).contains("already in progress") => gone(docker, name).await,
        other => other.map_err(Error::engine(format!("remove the container '{name}'"))),
    }
}

/// Waits until the engine has removed it.
async fn gone(docker: &Docker, name: &str) -> Result<()> {
    let deadline = Instant::now() + REMOVAL;
    while inspect(docker, name).await?.is_some() {
        if Instant::now() > deadline {
            return Err(Error::Late {
                what: format!("the container engine did not remove the container '{name}'"),
                seconds: REMOVAL.as_secs(),
                hint: "try again".into(),
            });
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// Whether a container is one of the instance's. One without a label was found
/// by its name, before the first update; it has the store.
pub(crate) fn belongs(found: &ContainerInspectResponse, instance: &str) -> bool {
    let config = found.config.as_ref();
    match config.and_then(|config| config.labels.as_ref()?.get(INSTANCE)) {
        Some(label) => label == instance,
        None => crate::engine::spec::store_mount(found).is_some(),
    }
}

/// Removes a leftover of the instance; somebody else's container of that name
/// stays.
pub(crate) async fn remove_ours(docker: &Docker, instance: &str, name: &str) -> Result<()> {
    let Some(found) = inspect(docker, name).await? else {
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
    remove(docker, name).await
}

/// Gives a container another name.
pub(crate) async fn rename(docker: &Docker, container: &str, name: &str) -> Result<()> {
    let options = RenameContainerOptionsBuilder::default().name(name).build();
    docker
        .rename_container(container, options)
        .await
        .map_err(Error::engine(format!("give the name '{name}'")))
}

/// Sets the restart policy.
pub(crate) async fn set_restart(docker: &Docker, name: &str, policy: RestartPolicy) -> Result<()> {
    let body = ContainerUpdateBody {
        restart_policy: Some(policy),
        ..ContainerUpdateBody::default()
    };
    match docker.update_container(name, body).await {
        // Podman 4 has no such call; what was stopped stays stopped there.
        Err(error) if is_absent(&error) && inspect(docker, name).await?.is_some() => Ok(()),
        other => other.map_err(Error::engine(format!("set the restart policy of '{name}'"))),
    }
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
