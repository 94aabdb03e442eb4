//! Swaps a container for one on another image: same volumes, ports and settings. The
//! old one is restored if the new one fails its check.
//!
//! steps are pure values, recover applies them, clone describes the new container,
//! checks refuse beforehand and health waits afterwards. Signals wait until a swap is
//! done; what a kill cuts in two, recover undoes at the next command.

pub(crate) mod checks;
mod clone;
pub(crate) mod health;
pub(crate) mod recover;
pub(crate) mod steps;

use std::collections::BTreeSet;

use bollard::Docker;
use bollard::models::{ContainerInspectResponse, ImageConfig, NetworkConnectRequest};
use bollard::query_parameters::CreateContainerOptionsBuilder;

use crate::engine::container;
use crate::engine::identity;
use crate::engine::labels::{self, Beside, Names};
use crate::engine::spec::Published;
use crate::error::{Error, Result};
use crate::image;
use crate::occ_init::OccInit;
use crate::ui::interrupt;
use crate::ui::progress::Progress;

/// The old container's fate after a good swap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It stays, stopped, for `--rollback`.
    Yes,
    /// It is removed.
    No,
}

/// The new container.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    /// The instance.
    pub instance: &'a str,
    /// Its image.
    pub image: &'a str,
    /// Its port; `None` for that of the old one.
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
    let names = Names::of(container::name_of(old));
    let expected = account_names(docker, old).await?;
    if !same_image(docker, old, plan.image).await? {
        checks::check_accounts(docker, plan.instance, old, plan.image, progress).await?;
    }
    let _deferred = interrupt::defer();
    identity::remove_ours(docker, plan.instance, &names.with(Beside::Next)).await?;
    progress.step(&format!("Replacing container '{}'", names.own));
    if let Err(error) = exchange(docker, old, plan, &names, &expected, progress).await {
        progress.step("Going back to the old container");
        put_back(docker, old, plan.instance, plan.seconds).await?;
        return Err(rolled_back(&error));
    }
    let there = recover::look(docker, plan.instance, &names).await?;
    let steps = match kept {
        Kept::Yes => steps::keep_replaced(&names, &there),
        Kept::No => steps::drop_replaced(&names),
    };
    recover::apply(docker, plan.instance, &steps).await
}

/// Puts the new one in the old one's place, and proves it.
async fn exchange(
    docker: &Docker,
    old: &ContainerInspectResponse,
    plan: &Plan<'_>,
    names: &Names,
    expected: &BTreeSet<String>,
    progress: &Progress,
) -> Result<()> {
    let made = create_next(docker, old, plan, &names.with(Beside::Next)).await?;
    recover::apply(docker, plan.instance, &steps::replace(names)).await?;
    prove(docker, &made, expected, plan.seconds, progress).await
}

/// Returns true if the name stands for the very image that the container has.
async fn same_image(docker: &Docker, old: &ContainerInspectResponse, name: &str) -> Result<bool> {
    Ok(image::inspect(docker, name)
        .await?
        .is_some_and(|image| image.id == old.image))
}

/// The error after a swap that was undone.
pub(crate) fn rolled_back(error: &Error) -> Error {
    Error::Unhealthy {
        message: format!("the new container failed its check; the old one was restored: {error}"),
        hint: if error.hint().contains("--port") {
            error.hint()
        } else {
            String::new()
        },
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

/// The accounts that must be there afterwards; a stopped container tells none.
pub(crate) async fn account_names(
    docker: &Docker,
    found: &ContainerInspectResponse,
) -> Result<BTreeSet<String>> {
    if container::state_word(found) != "running" {
        return Ok(BTreeSet::new());
    }
    let reply = OccInit::of(docker, found).accounts().await?;
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
    let mut body = clone::copy(old, &old_image, plan.image, plan.published);
    // One that was found by its name only is ours from now on.
    body.labels
        .get_or_insert_default()
        .extend(labels::labels(plan.instance));
    let options = CreateContainerOptionsBuilder::default().name(name).build();
    let made = docker
        .create_container(Some(options), body)
        .await
        .map_err(Error::engine(format!("make the container '{name}'")))?;
    connect_all(docker, old, &made.id).await?;
    Ok(made.id)
}

/// Connects to the networks of the old container that the new one is not in yet.
async fn connect_all(docker: &Docker, old: &ContainerInspectResponse, new: &str) -> Result<()> {
    let made = container::inspect(docker, new).await?.unwrap_or_default();
    let there = made.network_settings.and_then(|settings| settings.networks);
    let there = there.unwrap_or_default();
    for (network, settings) in clone::networks(old) {
        if there.contains_key(&network) {
            continue;
        }
        let request = NetworkConnectRequest {
            container: new.to_owned(),
            endpoint_config: Some(settings),
        };
        docker
            .connect_network(&network, request)
            .await
            .map_err(Error::engine(format!(
                "connect the container to '{network}'"
            )))?;
    }
    Ok(())
}

async fn old_image(docker: &Docker, old: &ContainerInspectResponse) -> Result<ImageConfig> {
    let id = old.image.as_deref().unwrap_or_default();
    Ok(image::inspect(docker, id)
        .await?
        .and_then(|image| image.config)
        .unwrap_or_default())
}

/// Waits for health, and compares the accounts with those of before.
pub(crate) async fn prove(
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

/// Restores the old container, however far the exchange went.
pub(crate) async fn put_back(
    docker: &Docker,
    old: &ContainerInspectResponse,
    instance: &str,
    seconds: u64,
) -> Result<()> {
    let own = container::name_of(old);
    recover::names(docker, instance, &Names::of(&own)).await?;
    if container::state_word(old) != "running" {
        return Ok(());
    }
    let id = old.id.as_deref().unwrap_or_default();
    docker
        .start_container(id, None)
        .await
        .map_err(Error::start(&own))?;
    health::wait(docker, id, seconds).await
}
