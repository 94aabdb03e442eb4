//! The container: which one is meant, its state, and the simple verbs.

use std::collections::HashMap;

use bollard::Docker;
use bollard::models::{
    ContainerInspectResponse, ContainerStateStatusEnum as Status, ContainerSummary,
    ContainerUpdateBody, RestartPolicy, RestartPolicyNameEnum,
};
use bollard::query_parameters::{
    ListContainersOptionsBuilder, RemoveContainerOptionsBuilder, RenameContainerOptionsBuilder,
    StopContainerOptionsBuilder,
};

use crate::error::{Error, Result, is_absent};

/// The label of everything that belongs to one instance.
pub(crate) const INSTANCE: &str = "dev.occ.instance";
/// Set on containers that are not the instance itself: kept or being tried.
pub(crate) const ROLE: &str = "dev.occ.role";
/// Seconds that a container gets to stop.
pub(crate) const STOP_SECONDS: i32 = 30;
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
    let kept = [
        previous_name(instance),
        next_name(instance),
        older_name(instance),
    ];
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

/// Where the one before that waits until an update has succeeded.
pub(crate) fn older_name(container: &str) -> String {
    format!("{container}-older")
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
        Err(error) if !is_absent(&error) => Err(Error::engine(format!(
            "remove the container '{name}'"
        ))(error)),
        _ => Ok(()),
    }
}

/// Removes a leftover of ours; somebody else's container of that name stays.
pub(crate) async fn remove_if_there(docker: &Docker, name: &str) -> Result<()> {
    let Some(found) = inspect(docker, name).await? else {
        return Ok(());
    };
    let labels = found
        .config
        .and_then(|config| config.labels)
        .unwrap_or_default();
    if !labels.contains_key(INSTANCE) {
        return Err(Error::Conflict {
            message: format!("a container '{name}' is in the way, and it is not occ's"),
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

/// Gives a leftover of ours another name, in place of whatever has that.
pub(crate) async fn move_if_there(docker: &Docker, from: &str, to: &str) -> Result<()> {
    if inspect(docker, from).await?.is_none() {
        return Ok(());
    }
    remove_if_there(docker, to).await?;
    rename(docker, from, to).await
}

/// With a restart policy the engine would start it beside the new one when the
/// machine boots.
pub(crate) async fn keep_stopped(docker: &Docker, name: &str) -> Result<()> {
    set_restart(
        docker,
        name,
        crate::spec::restart_policy(RestartPolicyNameEnum::NO),
    )
    .await
}

/// Sets the restart policy.
pub(crate) async fn set_restart(docker: &Docker, name: &str, policy: RestartPolicy) -> Result<()> {
    let body = ContainerUpdateBody {
        restart_policy: Some(policy),
        ..ContainerUpdateBody::default()
    };
    docker
        .update_container(name, body)
        .await
        .map_err(Error::engine(format!("set the restart policy of '{name}'")))
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
