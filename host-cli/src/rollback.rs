//! `occ update container --rollback`: changes places with the container that
//! the last update kept, under the same proofs as an update.

use bollard::Docker;
use bollard::models::ContainerInspectResponse;

use crate::container::{
    self, keep_stopped, previous_name, remove_if_there, rename, set_restart, stop,
};
use crate::error::{Error, Result};
use crate::progress::Progress;
use crate::swap::{Names, account_names, exchange, prove, rolled_back};
use crate::{health, interrupt};

/// Changes places with the container that the last update kept.
pub(crate) async fn run(
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
        .map_err(Error::start(&names.own))?;
    health::wait(docker, id, seconds).await
}
