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
use bollard::models::{
    ContainerCreateBody, ContainerInspectResponse, ImageInspect, NetworkConnectRequest,
    RestartPolicyNameEnum,
};

use crate::engine;
use crate::engine::container;
use crate::engine::identity;
use crate::engine::labels::{self, Beside, Names};
use crate::error::{Error, Result};
use crate::image;
use crate::occ_init::OccInit;
pub(crate) use crate::swap::clone::NewImage;
use crate::swap::steps::Step;
use crate::ui::progress::Progress;
use crate::ui::{interrupt, show};

/// The old container's fate after a good swap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It stays, stopped, for `--rollback`.
    Yes,
    /// It is removed.
    No,
}

/// A container gives way to another: a new one, or the one kept for a rollback.
pub(crate) struct Swap<'a> {
    pub docker: &'a Docker,
    pub instance: &'a str,
    /// The container that gives way.
    pub old: &'a ContainerInspectResponse,
    /// How long the other one may take to become healthy.
    pub seconds: u64,
    pub progress: &'a Progress,
}

impl Swap<'_> {
    /// Puts a copy of the old container on another image in its place, which `edit`
    /// changes as was asked.
    ///
    /// Errors: what happened, and that the old container is back.
    pub(crate) async fn for_image(
        &self,
        image: NewImage<'_>,
        edit: impl FnOnce(&mut ContainerCreateBody),
        kept: Kept,
    ) -> Result<()> {
        refuse_auto_remove(self.old)?;
        let (docker, instance) = (self.docker, self.instance);
        let names = Names::of(container::name_of(self.old));
        let expected = account_names(docker, self.old).await?;
        let reference = image.id.unwrap_or(image.name);
        let local = image::inspect(docker, reference).await?;
        if local.is_none_or(|local| !self.is_on(&local)) {
            checks::check_accounts(docker, instance, self.old, reference, self.progress).await?;
        }
        let mut body = self.copy(self.old, image).await?;
        edit(&mut body);
        let made = self.make(self.old, body, &names).await?;
        self.put(&made, &names, &expected, kept).await
    }

    /// Puts `X-next` in the place of the old container, for good if it is as good.
    async fn put(
        &self,
        made: &str,
        names: &Names,
        expected: &BTreeSet<String>,
        kept: Kept,
    ) -> Result<()> {
        let (docker, instance) = (self.docker, self.instance);
        let _deferred = interrupt::defer();
        self.progress
            .step(&format!("Replacing container '{}'", names.own));
        let replaced = self.change(&steps::replace(names), made, expected).await;
        if let Err(error) = replaced {
            self.progress.step("Going back to the old container");
            return Err(self.undo(&error).await?);
        }
        let there = recover::look(docker, instance, names).await?;
        let steps = match kept {
            Kept::Yes => steps::keep_replaced(names, &there),
            Kept::No => steps::drop_replaced(names),
        };
        recover::apply(docker, instance, &steps).await?;
        if kept == Kept::Yes
            && let Err(error) = self.hide_from_compose(names).await
        {
            show::warn(&format!(
                "compose may start the container that is kept: {error}"
            ));
        }
        Ok(())
    }

    /// Labels of a container can't be changed: one of compose's is kept as a copy
    /// without them, which never ran.
    async fn hide_from_compose(&self, names: &Names) -> Result<()> {
        let docker = self.docker;
        if !is_composed(self.old) {
            return Ok(());
        }
        let previous = container::present(docker, &names.with(Beside::Previous)).await?;
        let mut body = self.copy(&previous, NewImage::of(&previous)).await?;
        let labels = body.labels.get_or_insert_default();
        labels.retain(|key, _| !clone::is_of_compose(key));
        let host = body.host_config.get_or_insert_default();
        host.restart_policy = Some(container::restart_policy(RestartPolicyNameEnum::NO));
        self.create(&previous, body, &names.with(Beside::Older))
            .await?;
        recover::apply(docker, self.instance, &steps::renew_kept(names)).await
    }

    /// A container that is kept, as a new one in the place of the old: with the labels
    /// by which compose finds it.
    pub(crate) async fn for_kept(&self, kept: &ContainerInspectResponse) -> Result<()> {
        let names = Names::of(container::name_of(self.old));
        let expected = account_names(self.docker, self.old).await?;
        let mut body = self.copy(kept, NewImage::of(kept)).await?;
        let labels = self.old.config.iter().flat_map(|config| &config.labels);
        let composed = labels
            .flatten()
            .filter(|(key, _)| clone::is_of_compose(key));
        let composed = composed.map(|(key, value)| (key.clone(), value.clone()));
        body.labels.get_or_insert_default().extend(composed);
        let host = body.host_config.get_or_insert_default();
        host.restart_policy = container::restart_policy_of(self.old);
        let made = self.make(kept, body, &names).await?;
        self.put(&made, &names, &expected, Kept::Yes).await
    }

    /// Returns true if the old container was made from this very image.
    pub(crate) fn is_on(&self, image: &ImageInspect) -> bool {
        image.id.is_some() && image.id == self.old.image
    }

    /// Describes a container on another image.
    async fn copy(
        &self,
        found: &ContainerInspectResponse,
        image: NewImage<'_>,
    ) -> Result<ContainerCreateBody> {
        let id = found.image.as_deref().unwrap_or_default();
        let old_image = image::inspect(self.docker, id).await?;
        let old_image = old_image.and_then(|image| image.config);
        let mut body = clone::copy(found, &old_image.unwrap_or_default(), image);
        // One that was found by its name only is ours from now on.
        body.labels
            .get_or_insert_default()
            .extend(labels::labels(self.instance));
        Ok(body)
    }

    /// Creates `X-next`, which has to have all that the other has; returns its id.
    async fn make(
        &self,
        found: &ContainerInspectResponse,
        body: ContainerCreateBody,
        names: &Names,
    ) -> Result<String> {
        let chosen = clone::chosen_hardware_addresses(found);
        if !chosen.is_empty() && engine::forgets_hardware_addresses(self.docker).await? {
            return Err(cannot_keep(names, &chosen));
        }
        let _deferred = interrupt::defer();
        let next = names.with(Beside::Next);
        identity::remove_ours(self.docker, self.instance, &next).await?;
        let id = self.create(found, body, &next).await;
        let made = match &id {
            Ok(id) => container::inspect(self.docker, id).await?,
            Err(_) => None,
        };
        let lost = made
            .map(|made| clone::lost(found, &made))
            .unwrap_or_default();
        if id.is_err() || !lost.is_empty() {
            identity::remove_ours(self.docker, self.instance, &next).await?;
        }
        match lost.as_slice() {
            [] => id,
            lost => Err(cannot_keep(names, lost)),
        }
    }

    /// Creates a container in all the networks of another; returns its id.
    async fn create(
        &self,
        found: &ContainerInspectResponse,
        body: ContainerCreateBody,
        name: &str,
    ) -> Result<String> {
        let id = container::create(self.docker, name, body).await?;
        connect_all(self.docker, found, &id).await?;
        Ok(id)
    }

    /// Takes the steps to another container, then waits for its health and compares
    /// its accounts with those of before.
    pub(crate) async fn change(
        &self,
        steps: &[Step],
        new: &str,
        expected: &BTreeSet<String>,
    ) -> Result<()> {
        let docker = self.docker;
        recover::apply(docker, self.instance, steps).await?;
        self.progress
            .step("Waiting until the new container is healthy");
        health::wait(docker, new, self.seconds).await?;
        let found = container::present(docker, new).await?;
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

    /// Restores the old container, however far the change went; returns the error that
    /// says so.
    pub(crate) async fn undo(&self, error: &Error) -> Result<Error> {
        let own = container::name_of(self.old);
        recover::names(self.docker, self.instance, &Names::of(&own)).await?;
        if container::state_word(self.old) == "running" {
            let id = self.old.id.as_deref().unwrap_or_default();
            container::start(self.docker, id, &own).await?;
            health::wait(self.docker, id, self.seconds).await?;
        }
        Ok(Error::Unhealthy {
            message: format!(
                "the new container failed its check; the old one was restored: {error}"
            ),
            // The log and the state are those of the old one again.
            hint: match error {
                Error::NotStarted { .. } => error.hint(),
                _ => String::new(),
            },
        })
    }
}

/// The error for settings that an update would lose.
fn cannot_keep(names: &Names, settings: &[String]) -> Error {
    Error::Refused {
        message: format!(
            "container '{}' has settings that a new one does not get from this engine: {}; nothing was changed",
            names.own,
            settings.join(", ")
        ),
        hint: "make the container anew by hand, with the same volumes".into(),
    }
}

/// Returns true for a container of a compose project.
pub(crate) fn is_composed(found: &ContainerInspectResponse) -> bool {
    let labels = found.config.iter().flat_map(|config| &config.labels);
    labels.flatten().any(|(key, _)| clone::is_of_compose(key))
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
