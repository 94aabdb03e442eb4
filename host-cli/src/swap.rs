//! A container takes another's place: same volumes, ports and settings, and
//! the old one comes back by itself when the new one is not as good.
//!
//! A signal in the middle waits: half a swap leaves nothing under the name.

use std::collections::BTreeSet;

use accounts::wire::ListReply;
use bollard::Docker;
use bollard::models::{
    ContainerInspectResponse, ContainerUpdateBody, ImageConfig, NetworkConnectRequest,
    RestartPolicy, RestartPolicyNameEnum,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, RemoveContainerOptionsBuilder, RenameContainerOptionsBuilder,
    StopContainerOptionsBuilder,
};

use crate::container::{self, Listed, next_name, previous_name};
use crate::error::{Error, Result, is_absent};
use crate::progress::Progress;
use crate::spec::{self, Published};
use crate::{guard, health, image, init, interrupt};

/// Seconds that a container gets to stop.
pub(crate) const STOP_SECONDS: i32 = 30;

/// What happens to the old container after a good swap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It stays, stopped, for `--rollback`.
    Yes,
    /// It is removed.
    No,
}

/// What the new container is like.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    /// The instance.
    pub instance: &'a str,
    /// Its image.
    pub image: &'a str,
    /// Where it is published; None: as the old one.
    pub published: Option<Published>,
    /// How long it may take to become healthy.
    pub seconds: u64,
}

/// Puts a copy of `old` on another image in its place.
///
/// Errors: what happened, and that the old container is back.
pub(crate) async fn run(
    docker: &Docker,
    old: &ContainerInspectResponse,
    plan: &Plan<'_>,
    kept: Kept,
    progress: &Progress,
) -> Result<()> {
    refuse_auto_remove(old)?;
    let names = Names::new(old, plan.instance);
    let expected = account_names(docker, old).await?;
    if !same_image(docker, old, plan.image).await? {
        guard::check_accounts(docker, plan.instance, old, plan.image, progress).await?;
    }
    remove_if_there(docker, &names.next).await?;
    let made = create_next(docker, old, plan, &names.next).await?;
    let _deferred = interrupt::defer();
    progress.step(&format!("Stopping container '{}'", names.own));
    let swapped = exchange(docker, old, &made, &names).await;
    let proved = match swapped {
        Ok(()) => prove(docker, &made, &expected, plan.seconds, progress).await,
        Err(error) => Err(error),
    };
    if let Err(error) = proved {
        progress.step("Going back to the old container");
        put_back(docker, old, &made, &names, plan.seconds).await?;
        return Err(rolled_back(&error, &names.own));
    }
    match kept {
        Kept::Yes => keep_stopped(docker, &names.previous).await,
        Kept::No => remove(docker, old.id.as_deref().unwrap_or_default()).await,
    }
}

/// Whether the name stands for the very image that the container has.
async fn same_image(docker: &Docker, old: &ContainerInspectResponse, name: &str) -> Result<bool> {
    Ok(image::inspect(docker, name)
        .await?
        .is_some_and(|image| image.id == old.image))
}

struct Names {
    own: String,
    next: String,
    previous: String,
}

impl Names {
    fn new(old: &ContainerInspectResponse, instance: &str) -> Self {
        Self {
            own: container::name_of(old),
            next: next_name(instance),
            previous: previous_name(instance),
        }
    }
}

fn rolled_back(error: &Error, own: &str) -> Error {
    Error::Unhealthy {
        message: format!(
            "the new container was not taken: {error}\nThe old container '{own}' is back"
        ),
        hint: error.hint(),
    }
}

/// The engine deletes such a container as it stops: nothing to go back to.
fn refuse_auto_remove(old: &ContainerInspectResponse) -> Result<()> {
    if old.host_config.as_ref().and_then(|host| host.auto_remove) != Some(true) {
        return Ok(());
    }
    Err(Error::Refused {
        message: format!(
            "container '{}' was started with --rm and cannot be kept for a way back",
            container::name_of(old)
        ),
        hint: "stop it, then `occ start`".into(),
    })
}

/// Who has to be there afterwards; a stopped container can't say.
async fn account_names(
    docker: &Docker,
    found: &ContainerInspectResponse,
) -> Result<BTreeSet<String>> {
    if container::state_word(found) != "running" {
        return Ok(BTreeSet::new());
    }
    let listed = Listed {
        id: found.id.clone().unwrap_or_default(),
        name: container::name_of(found),
        state: "running".into(),
        image: String::new(),
    };
    let reply: ListReply = init::call(
        docker,
        &listed,
        vec!["user".into(), "list".into(), "--json".into()],
        None,
    )
    .await?;
    Ok(reply
        .accounts
        .into_iter()
        .map(|account| account.user_name)
        .collect())
}

async fn create_next(
    docker: &Docker,
    old: &ContainerInspectResponse,
    plan: &Plan<'_>,
    name: &str,
) -> Result<String> {
    let old_image = old_image(docker, old).await?;
    let body = spec::copy(old, &old_image, plan.image, plan.published);
    let options = CreateContainerOptionsBuilder::default().name(name).build();
    let made = docker
        .create_container(Some(options), body)
        .await
        .map_err(Error::engine(format!("make the container '{name}'")))?;
    for (network, settings) in spec::networks(old).into_iter().skip(1) {
        let request = NetworkConnectRequest {
            container: made.id.clone(),
            endpoint_config: Some(settings),
        };
        docker
            .connect_network(&network, request)
            .await
            .map_err(Error::engine(format!(
                "connect the container to '{network}'"
            )))?;
    }
    Ok(made.id)
}

async fn old_image(docker: &Docker, old: &ContainerInspectResponse) -> Result<ImageConfig> {
    let id = old.image.as_deref().unwrap_or_default();
    Ok(image::inspect(docker, id)
        .await?
        .and_then(|image| image.config)
        .unwrap_or_default())
}

async fn exchange(
    docker: &Docker,
    old: &ContainerInspectResponse,
    new: &str,
    names: &Names,
) -> Result<()> {
    let old = old.id.as_deref().unwrap_or_default();
    stop(docker, old).await?;
    remove_if_there(docker, &names.previous).await?;
    rename(docker, old, &names.previous).await?;
    rename(docker, new, &names.own).await?;
    docker
        .start_container(new, None)
        .await
        .map_err(Error::engine("start the new container"))
}

/// Healthy, and everybody who was there still is.
async fn prove(
    docker: &Docker,
    new: &str,
    expected: &BTreeSet<String>,
    seconds: u64,
    progress: &Progress,
) -> Result<()> {
    progress.step("Waiting until the new container is healthy");
    health::wait(docker, new, seconds).await?;
    let found = container::inspect(docker, new)
        .await?
        .ok_or(Error::NotRunning)?;
    let present = account_names(docker, &found).await?;
    let lost: Vec<_> = expected.difference(&present).map(String::as_str).collect();
    if lost.is_empty() {
        return Ok(());
    }
    Err(Error::Unhealthy {
        message: format!("it does not have the accounts {}", lost.join(", ")),
        hint: String::new(),
    })
}

/// Undoes `exchange`, as far as it went.
async fn put_back(
    docker: &Docker,
    old: &ContainerInspectResponse,
    new: &str,
    names: &Names,
    seconds: u64,
) -> Result<()> {
    let old_id = old.id.as_deref().unwrap_or_default();
    remove(docker, new).await?;
    let now = container::inspect(docker, old_id)
        .await?
        .ok_or(Error::NotRunning)?;
    if container::name_of(&now) != names.own {
        rename(docker, old_id, &names.own).await?;
    }
    if container::state_word(old) == "running" {
        docker
            .start_container(old_id, None)
            .await
            .map_err(Error::engine("start the old container again"))?;
        health::wait(docker, old_id, seconds).await?;
    }
    Ok(())
}

/// With a restart policy the engine would start it beside the new one when the
/// machine boots.
async fn keep_stopped(docker: &Docker, name: &str) -> Result<()> {
    set_restart(
        docker,
        name,
        spec::restart_policy(RestartPolicyNameEnum::NO),
    )
    .await
}

async fn set_restart(docker: &Docker, name: &str, policy: RestartPolicy) -> Result<()> {
    let body = ContainerUpdateBody {
        restart_policy: Some(policy),
        ..ContainerUpdateBody::default()
    };
    docker
        .update_container(name, body)
        .await
        .map_err(Error::engine(format!("set the restart policy of '{name}'")))
}

/// Changes places with the container that the last update kept.
pub(crate) async fn roll_back(
    docker: &Docker,
    instance: &str,
    seconds: u64,
    progress: &Progress,
) -> Result<String> {
    let current = container::find(docker, instance)
        .await?
        .ok_or(Error::NotRunning)?;
    let current = container::inspect(docker, &current.id)
        .await?
        .ok_or(Error::NotRunning)?;
    let previous = container::inspect(docker, &previous_name(instance))
        .await?
        .ok_or_else(|| {
            Error::failed(
                format!(
                    "there is no container '{}' to go back to",
                    previous_name(instance)
                ),
                "",
            )
        })?;
    let names = Names::new(&current, instance);
    let expected = account_names(docker, &current).await?;
    let policy = current
        .host_config
        .as_ref()
        .and_then(|host| host.restart_policy.clone());
    let (current_id, previous_id) = (
        current.id.clone().unwrap_or_default(),
        previous.id.clone().unwrap_or_default(),
    );
    remove_if_there(docker, &names.next).await?;
    let _deferred = interrupt::defer();
    progress.step(&format!("Stopping container '{}'", names.own));
    stop(docker, &current_id).await?;
    rename(docker, &previous_id, &names.next).await?;
    let swapped = exchange(docker, &current, &previous_id, &names).await;
    let proved = match swapped {
        Ok(()) => prove(docker, &previous_id, &expected, seconds, progress).await,
        Err(error) => Err(error),
    };
    if let Err(error) = proved {
        undo_roll_back(docker, &current, &previous_id, &names, seconds).await?;
        return Err(rolled_back(&error, &names.own));
    }
    set_restart(docker, &names.own, policy.unwrap_or_default()).await?;
    keep_stopped(docker, &names.previous).await?;
    Ok(describe(&previous))
}

/// The image's name and the start of its id.
fn describe(found: &ContainerInspectResponse) -> String {
    let name = found
        .config
        .as_ref()
        .and_then(|config| config.image.as_deref())
        .unwrap_or_default();
    let id = found
        .image
        .as_deref()
        .unwrap_or_default()
        .trim_start_matches("sha256:");
    format!("{name} ({})", id.get(..12).unwrap_or(id))
}

/// The current one gets its name back, the previous one stays for another try.
async fn undo_roll_back(
    docker: &Docker,
    current: &ContainerInspectResponse,
    previous: &str,
    names: &Names,
    seconds: u64,
) -> Result<()> {
    let id = current.id.as_deref().unwrap_or_default();
    stop(docker, previous).await?;
    rename(docker, previous, &names.next).await?;
    rename(docker, id, &names.own).await?;
    rename(docker, previous, &names.previous).await?;
    docker
        .start_container(id, None)
        .await
        .map_err(Error::engine("start the container again"))?;
    health::wait(docker, id, seconds).await
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
async fn remove_if_there(docker: &Docker, name: &str) -> Result<()> {
    let Some(found) = container::inspect(docker, name).await? else {
        return Ok(());
    };
    let labels = found
        .config
        .and_then(|config| config.labels)
        .unwrap_or_default();
    if !labels.contains_key(container::INSTANCE) {
        return Err(Error::Conflict {
            message: format!("a container '{name}' is in the way, and it is not occ's"),
            hint: format!("remove or rename it: `docker rename {name} …`"),
        });
    }
    remove(docker, name).await
}

async fn rename(docker: &Docker, container: &str, name: &str) -> Result<()> {
    let options = RenameContainerOptionsBuilder::default().name(name).build();
    docker
        .rename_container(container, options)
        .await
        .map_err(Error::engine(format!("give the name '{name}'")))
}
