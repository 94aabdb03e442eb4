//! Swaps a container for one on another image: same volumes, ports and settings. The
//! old one is restored if the new one fails its check.
//!
//! steps are pure values, recover applies them, clone describes the new container and make
//! creates it, checks and managed refuse beforehand, health waits afterwards, and kept is
//! what stays for a rollback. Signals wait until a swap is
//! done; what a kill cuts in two, recover undoes at the next command.

pub(crate) mod checks;
mod clone;
pub(crate) mod health;
pub(crate) mod kept;
mod make;
pub(crate) mod managed;
pub(crate) mod recover;
pub(crate) mod steps;

use std::collections::BTreeSet;

use bollard::Docker;
use bollard::models::{ContainerCreateBody, ContainerInspectResponse, ImageInspect};

use crate::engine;
use crate::engine::container;
use crate::engine::identity;
use crate::engine::labels::{Beside, Names};
use crate::error::{Error, Result};
use crate::image;
use crate::occ_init::OccInit;
pub(crate) use crate::swap::clone::NewImage;
use crate::swap::steps::Step;
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
        managed::refuse(self.docker, self.old, image.name).await?;
        let (docker, instance) = (self.docker, self.instance);
        let names = Names::of(container::name_of(self.old));
        let expected = account_names(docker, self.old).await?;
        let reference = image.id.unwrap_or(image.name);
        let local = image::inspect(docker, reference).await?;
        if local.is_none_or(|local| !self.is_on(&local)) {
            checks::check_accounts(docker, instance, self.old, reference, self.progress).await?;
        }
        let mut body = make::describe(docker, instance, self.old, image).await?;
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
        recover::apply(docker, instance, &steps).await
    }

    /// A container that is kept, as a new one in the place of the old: with the labels
    /// by which compose finds it.
    pub(crate) async fn for_kept(&self, kept: &ContainerInspectResponse) -> Result<()> {
        let names = Names::of(container::name_of(self.old));
        let expected = account_names(self.docker, self.old).await?;
        let (docker, instance) = (self.docker, self.instance);
        let mut body = make::describe(docker, instance, kept, NewImage::of(kept)).await?;
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
        let id = make::create(self.docker, found, body, &next).await;
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
