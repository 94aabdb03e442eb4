//! A container: what the engine tells of it, and the simple verbs. Which one is
//! meant is decided in identity/.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bollard::Docker;
use bollard::models::{
    ContainerCreateBody, ContainerInspectResponse, ContainerStateStatusEnum as Status,
    ContainerSummary, ContainerUpdateBody, Mount, MountType, RestartPolicy, RestartPolicyNameEnum,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, ListContainersOptionsBuilder, LogsOptions,
    RemoveContainerOptionsBuilder, RenameContainerOptionsBuilder, StopContainerOptionsBuilder,
};
use futures_util::StreamExt;

use crate::engine::labels::{IMAGE_NAME, ROLE, STORE};
use crate::error::{Error, Result, api_text, is_absent};

/// Seconds that a container gets to stop.
pub(crate) const STOP_SECONDS: i32 = 30;
/// Digits of an id as engines show it.
pub(crate) const SHORT_ID: usize = 12;
/// Until the engine has removed what it was asked to remove.
const REMOVAL: Duration = Duration::from_secs(30);

/// A container as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    /// The full id.
    pub id: String,
    /// The name without its slash.
    pub name: String,
    /// `running`, `paused`, `exited`, …
    pub state: String,
}

impl Listed {
    /// The same of what was inspected.
    pub(crate) fn of(found: &ContainerInspectResponse) -> Self {
        Self {
            state: state_word(found),
            name: name_of(found),
            id: found.id.clone().unwrap_or_default(),
        }
    }

    fn new(summary: ContainerSummary) -> Self {
        let name = summary.names.into_iter().flatten().next();
        let state = summary.state.map(|state| state.to_string());
        Self {
            id: summary.id.unwrap_or_default(),
            name: name.unwrap_or_default().trim_start_matches('/').to_owned(),
            state: state.unwrap_or_default(),
        }
    }
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

/// Returns true for one that is kept or tried, and not the instance itself.
fn has_role(summary: &ContainerSummary) -> bool {
    let labels = summary.labels.as_ref();
    labels.is_some_and(|labels| labels.contains_key(ROLE))
}

/// Everything about a container of that name or id; `None` if there is none.
pub(crate) async fn inspect(
    docker: &Docker,
    name: &str,
) -> Result<Option<ContainerInspectResponse>> {
    match docker.inspect_container(name, None).await {
        Ok(found) => Ok(Some(found).filter(|found| is_called(found, name))),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(Error::engine(format!("inspect the container '{name}'"))(
            error,
        )),
    }
}

/// An engine takes the begin of an id as well, however short: `cafe` is a name first.
fn is_called(found: &ContainerInspectResponse, name: &str) -> bool {
    let id = found.id.as_deref().unwrap_or_default();
    name_of(found) == name || name.len() >= SHORT_ID && id.starts_with(name)
}

/// Everything about a container that has to be there.
pub(crate) async fn present(docker: &Docker, name: &str) -> Result<ContainerInspectResponse> {
    inspect(docker, name).await?.ok_or(Error::NotRunning)
}

/// The image as it was named when the container was made; one that was made from an id
/// because its image had lost the name keeps it in a label.
pub(crate) fn image_name(found: &ContainerInspectResponse) -> Option<&str> {
    let config = found.config.as_ref()?;
    let name = config.image.as_deref();
    if name.is_none_or(is_id) {
        let labels = config.labels.as_ref();
        let kept = labels.and_then(|labels| labels.get(IMAGE_NAME));
        return kept.map(String::as_str).or(name);
    }
    name
}

/// Returns true for the id of an image, which is no name.
pub(crate) fn is_id(image: &str) -> bool {
    image.starts_with("sha256:")
}

/// The state in the engine's word; empty if it gives none.
pub(crate) fn state_word(found: &ContainerInspectResponse) -> String {
    status(found)
        .map(|status| status.to_string())
        .unwrap_or_default()
}

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

/// Makes a container of that name; returns its id.
pub(crate) async fn create(
    docker: &Docker,
    name: &str,
    body: ContainerCreateBody,
) -> Result<String> {
    let options = CreateContainerOptionsBuilder::default().name(name).build();
    let made = docker.create_container(Some(options), body).await;
    made.map(|made| made.id)
        .map_err(Error::engine(format!("make the container '{name}'")))
}

pub(crate) async fn start(docker: &Docker, id: &str, name: &str) -> Result<()> {
    let started = docker.start_container(id, None).await;
    started.map_err(|cause| Error::NotStarted {
        name: name.to_owned(),
        cause: api_text(&cause),
    })
}

/// Stops a container; one that is stopped already is fine.
pub(crate) async fn stop(docker: &Docker, name: &str) -> Result<()> {
    stop_within(docker, name, STOP_SECONDS).await
}

/// The same, killed after that many seconds.
pub(crate) async fn stop_within(docker: &Docker, name: &str, seconds: i32) -> Result<()> {
    let options = StopContainerOptionsBuilder::default().t(seconds).build();
    docker
        .stop_container(name, Some(options))
        .await
        .map_err(Error::engine(format!("stop the container '{name}'")))
}

/// The log of a container, as far as the engine still has it.
pub(crate) async fn log(docker: &Docker, name: &str, options: LogsOptions) -> String {
    let mut chunks = docker.logs(name, Some(options));
    let mut bytes = Vec::new();
    while let Some(Ok(chunk)) = chunks.next().await {
        bytes.extend_from_slice(chunk.as_ref());
    }
    String::from_utf8_lossy(&bytes).into_owned()
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

pub(crate) async fn rename(docker: &Docker, container: &str, name: &str) -> Result<()> {
    let options = RenameContainerOptionsBuilder::default().name(name).build();
    docker
        .rename_container(container, options)
        .await
        .map_err(Error::engine(format!("give the name '{name}'")))
}

/// Changes the restart policy; false for an engine that has no such call (Podman 4).
pub(crate) async fn set_restart(
    docker: &Docker,
    name: &str,
    policy: RestartPolicy,
) -> Result<bool> {
    let body = ContainerUpdateBody {
        restart_policy: Some(policy),
        ..ContainerUpdateBody::default()
    };
    match docker.update_container(name, body).await {
        Ok(()) => Ok(true),
        Err(error) if is_absent(&error) && inspect(docker, name).await?.is_some() => Ok(false),
        Err(error) => Err(Error::engine(format!("set the restart policy of '{name}'"))(error)),
    }
}

/// The restart policy of a container that is there.
pub(crate) fn restart_policy_of(found: &ContainerInspectResponse) -> Option<RestartPolicy> {
    found.host_config.as_ref()?.restart_policy.clone()
}

/// Returns true if the engine starts the container by itself.
pub(crate) fn restarts(found: &ContainerInspectResponse) -> bool {
    let policy = restart_policy_of(found);
    !matches!(
        policy.and_then(|policy| policy.name),
        None | Some(RestartPolicyNameEnum::EMPTY | RestartPolicyNameEnum::NO)
    )
}

/// The value of a label; `None` for one that is empty.
pub(crate) fn label_of<'a>(found: &'a ContainerInspectResponse, name: &str) -> Option<&'a str> {
    let labels = found.config.as_ref()?.labels.as_ref()?;
    let value = labels.get(name).map(String::as_str);
    value.filter(|value| !value.is_empty())
}

/// The container whose network it has (`--network container:X`, a pod), if it has none of
/// its own.
pub(crate) fn shares_network_of(found: &ContainerInspectResponse) -> Option<&str> {
    let network = found.host_config.as_ref()?.network_mode.as_deref()?;
    network.strip_prefix("container:")
}

pub(crate) fn restart_policy(name: RestartPolicyNameEnum) -> RestartPolicy {
    RestartPolicy {
        name: Some(name),
        maximum_retry_count: None,
    }
}

/// The mount of the store, whatever kind it is; `None` if there is none.
pub(crate) fn store_mount(found: &ContainerInspectResponse) -> Option<Mount> {
    let mounts = found.mounts.as_ref()?;
    let mount = mounts
        .iter()
        .find(|mount| mount.destination.as_deref() == Some(STORE))?;
    let volume = mount.name.clone().filter(|name| !name.is_empty());
    let (source, kind) = match volume {
        Some(name) => (Some(name), MountType::VOLUME),
        None => (mount.source.clone(), MountType::BIND),
    };
    Some(Mount {
        target: Some(STORE.to_owned()),
        source,
        typ: Some(kind),
        ..Mount::default()
    })
}
