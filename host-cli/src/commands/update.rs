//! `occ update container`: a newer image, the same volumes.
//!
//! Step by step, for a container called X:
//! 1. swap/recover.rs undoes what an interrupted update or rollback left.
//! 2. engine/identity/ finds X and refuses a container that is not occ's.
//! 3. image/ builds or pulls the newest image; if X runs it, nothing more happens.
//! 4. swap/checks.rs refuses a store that another container uses, then runs the new
//!    image's `occ-init check` on it, before anything is stopped.
//! 5. swap/clone/ describes X on the new image; it is created as X-next.
//! 6. swap/steps/: stop X, rename X to X-replaced and X-next to X, start X.
//! 7. swap/health.rs waits until X is healthy; swap/mod.rs compares the accounts.
//! 8. If all is well, X-replaced becomes X-previous, for `--rollback` (rollback.rs).
//!    If not, swap/recover.rs renames X-replaced back to X, and it is started.
//!
//! A kill between any two calls leaves names from which step 1 of the next command
//! tells how far this one went.

use bollard::Docker;
use bollard::models::{ContainerInspectResponse, ImageInspect};

use crate::cli::UpdateContainer;
use crate::commands::rollback;
use crate::engine::container::{self, Listed};
use crate::engine::identity;
use crate::error::{Error, Result};
use crate::image;
use crate::image::build::{self, Inputs};
use crate::session::Session;
use crate::swap::{self, Kept, Plan, checks, recover};
use crate::ui::progress::Progress;
use crate::ui::{interrupt, show};

/// The answer.
struct Outcome {
    changed: bool,
    newer: Option<bool>,
    message: String,
}

/// Runs the command.
pub(crate) async fn run(session: &Session, update: &UpdateContainer) -> Result<()> {
    let docker = session.docker().await?;
    let _notice =
        interrupt::notice("look with `occ status`; `occ update container` can be run again");
    let progress = Progress::new(session.screen);
    if !update.check {
        recover::instance(&docker, &session.container, &progress).await?;
    }
    let listed = identity::find(&docker, &session.container)
        .await?
        .ok_or(Error::NotRunning)?;
    identity::inspect_ours(&docker, &listed).await?;
    let outcome = if update.rollback {
        let (found, _) = present(&docker, &listed).await?;
        let (instance, seconds) = (&session.container, update.wait_timeout);
        let image = Box::pin(rollback::run(&docker, instance, &found, seconds, &progress)).await?;
        Outcome {
            changed: true,
            newer: None,
            message: format!("Container '{}' is back on {image}.", listed.name),
        }
    } else if update.check {
        check(session, &docker, &listed, &progress).await?
    } else {
        move_on(session, &docker, &listed, update, &progress).await?
    };
    drop(progress);
    session.screen.done(
        &listed.name,
        outcome.changed,
        outcome.newer,
        &outcome.message,
    );
    Ok(())
}

async fn check(
    session: &Session,
    docker: &Docker,
    listed: &Listed,
    progress: &Progress,
) -> Result<Outcome> {
    let (found, image) = present(docker, listed).await?;
    let newer = is_newer(session, docker, &found, &image, progress).await?;
    let message = if newer {
        format!("There is a newer {image} for container '{}'.", listed.name)
    } else {
        newest(listed, &image)
    };
    Ok(Outcome {
        changed: false,
        newer: Some(newer),
        message,
    })
}

/// The container as it is, and the image it was made from.
async fn present(docker: &Docker, listed: &Listed) -> Result<(ContainerInspectResponse, String)> {
    let found = container::inspect(docker, &listed.id)
        .await?
        .ok_or(Error::NotRunning)?;
    let image = image_name(&found)?;
    Ok((found, image))
}

fn newest(listed: &Listed, image: &str) -> String {
    format!("Container '{}' runs the newest {image}.", listed.name)
}

async fn move_on(
    session: &Session,
    docker: &Docker,
    listed: &Listed,
    update: &UpdateContainer,
    progress: &Progress,
) -> Result<Outcome> {
    let (found, image) = present(docker, listed).await?;
    if !get_newer(session, docker, &found, &image, progress).await? {
        return Ok(Outcome {
            changed: false,
            newer: None,
            message: newest(listed, &image),
        });
    }
    checks::refuse_shared(docker, &session.container, Some(listed), update.shared).await?;
    let plan = Plan {
        instance: &session.container,
        image: &image,
        published: None,
        seconds: update.wait_timeout,
    };
    Box::pin(swap::run(docker, &found, &plan, Kept::Yes, progress)).await?;
    let message = format!("Container '{}' updated to the newest {image}.", listed.name);
    Ok(Outcome {
        changed: true,
        newer: None,
        message,
    })
}

/// The name that the container was made with; an id has nothing newer.
fn image_name(found: &ContainerInspectResponse) -> Result<String> {
    let name = container::image_name(found).unwrap_or_default();
    if name.is_empty() || name.starts_with("sha256:") {
        return Err(Error::failed(
            format!(
                "container '{}' was made from an image without a name",
                container::name_of(found)
            ),
            "`occ start --recreate --image NAME` gives it one",
        ));
    }
    Ok(name.to_owned())
}

fn runs(found: &ContainerInspectResponse, image: &ImageInspect) -> bool {
    image.id.is_some() && image.id == found.image
}

/// Returns true if there is something newer, without changing anything.
async fn is_newer(
    session: &Session,
    docker: &Docker,
    found: &ContainerInspectResponse,
    name: &str,
    progress: &Progress,
) -> Result<bool> {
    match image::inspect(docker, name).await? {
        Some(local) if !runs(found, &local) => Ok(true),
        Some(local) if image::is_ours(&local) => {
            let inputs = inputs(session, docker, &local, progress).await?;
            Ok(!inputs.made(&local))
        }
        _ => {
            show::warn(&format!(
                "whether a registry has a newer {name} shows only without --check"
            ));
            Ok(false)
        }
    }
}

async fn inputs(
    session: &Session,
    docker: &Docker,
    local: &ImageInspect,
    progress: &Progress,
) -> Result<Inputs> {
    let base = session.config.base_image.as_deref();
    build::inputs(docker, base, Some(local), progress).await
}

/// Makes the name stand for the newest image; false if the container has it.
async fn get_newer(
    session: &Session,
    docker: &Docker,
    found: &ContainerInspectResponse,
    name: &str,
    progress: &Progress,
) -> Result<bool> {
    match image::inspect(docker, name).await? {
        Some(local) if image::is_ours(&local) => {
            match inputs(session, docker, &local, progress).await {
                Ok(inputs) if inputs.made(&local) => {}
                Ok(inputs) => build::build(docker, name, &inputs, progress).await?,
                // What cannot be built again can still be used.
                Err(error) if !runs(found, &local) => show::warn(&error.to_string()),
                Err(error) => return Err(error),
            }
        }
        Some(local) if runs(found, &local) => {
            if let Err(error) = image::pull_newer(docker, name, progress).await {
                show::warn(&format!("{error}; the local {name} is taken as the newest"));
            }
        }
        Some(_) => {}
        None => image::pull(docker, name, progress).await?,
    }
    let newest = image::inspect(docker, name).await?;
    Ok(newest.is_some_and(|newest| !runs(found, &newest)))
}
