//! The container that is kept for a rollback: nothing but occ may start it, for it has the
//! same store as the one that serves.

use bollard::Docker;
use bollard::models::{ContainerInspectResponse, RestartPolicyNameEnum};

use crate::engine::labels::{Beside, Names};
use crate::engine::{container, identity};
use crate::error::Result;
use crate::swap::clone::{self, NewImage};
use crate::swap::make;
use crate::ui::show;

/// Keeps engine and compose from starting the container that is kept. Whatever fails
/// here, the one that serves is proven, and stays.
pub(super) async fn keep_stopped(docker: &Docker, instance: &str, names: &Names) -> Result<()> {
    let can_change = can_change_restart(docker, names).await?;
    let kept = container::present(docker, &names.with(Beside::Previous)).await?;
    if is_composed(&kept) || (!can_change && container::restarts(&kept)) {
        let renewed = renew(docker, instance, names, &kept).await;
        renewed.unwrap_or_else(|error| {
            show::warn(&format!(
                "something else than occ may start the container that is kept: {error}"
            ));
        });
    }
    Ok(())
}

/// Takes the restart policy of the kept container away; false for an engine that can't
/// change the policy of a container: Podman 4.
pub(crate) async fn can_change_restart(docker: &Docker, names: &Names) -> Result<bool> {
    let policy = container::restart_policy(RestartPolicyNameEnum::NO);
    container::set_restart(docker, &names.with(Beside::Previous), policy).await
}

/// Puts a copy in its place, which never ran: without a restart policy, and without the
/// labels by which compose finds it. It is there under one name or another all the time.
async fn renew(
    docker: &Docker,
    instance: &str,
    names: &Names,
    kept: &ContainerInspectResponse,
) -> Result<()> {
    let [copy, old, name] =
        [Beside::Older, Beside::Check, Beside::Previous].map(|one| names.with(one));
    let mut body = make::describe(docker, instance, kept, NewImage::of(kept)).await?;
    let labels = body.labels.get_or_insert_default();
    labels.retain(|key, _| !clone::is_of_compose(key));
    let host = body.host_config.get_or_insert_default();
    host.restart_policy = Some(container::restart_policy(RestartPolicyNameEnum::NO));
    identity::remove_ours(docker, instance, &copy).await?;
    if let Err(error) = make::create(docker, kept, body, &copy).await {
        identity::remove_ours(docker, instance, &copy).await?;
        return Err(error);
    }
    identity::remove_ours(docker, instance, &old).await?;
    container::rename(docker, &name, &old).await?;
    container::rename(docker, &copy, &name).await?;
    identity::remove_ours(docker, instance, &old).await
}

/// Returns true for a container of a compose project.
pub(crate) fn is_composed(found: &ContainerInspectResponse) -> bool {
    let labels = found.config.iter().flat_map(|config| &config.labels);
    labels.flatten().any(|(key, _)| clone::is_of_compose(key))
}
