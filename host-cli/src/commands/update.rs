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
//! 7. swap/health waits until X is healthy; swap/mod.rs compares the accounts.
//! 8. If all is well, X-replaced becomes X-previous, for `--rollback` (rollback.rs).
//!    If not, swap/recover.rs renames X-replaced back to X, and it is started.
//!
//! A kill between any two calls leaves names from which step 1 of the next command
//! tells how far this one went.

use bollard::models::{ContainerInspectResponse, ImageInspect};

use crate::cli::UpdateContainer;
use crate::commands::rollback;
use crate::engine::container::{self, Listed};
use crate::engine::identity;
use crate::error::{Error, Result};
use crate::image::build::{self, Inputs};
use crate::image::{self, Origin};
use crate::session::Session;
use crate::swap::{Kept, NewImage, Swap, checks, recover};
use crate::ui::progress::Progress;
use crate::ui::{interrupt, show};

struct Outcome {
    changed: bool,
    newer: Option<bool>,
    message: String,
}

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
    let found = identity::inspect_ours(&docker, &listed)
        .await?
        .ok_or(Error::NotRunning)?;
    let instance = identity::label_of(&docker, &listed.name).await?;
    let work = Work {
        session,
        image: image_name(&found)?,
        listed: &listed,
        swap: Swap {
            docker: &docker,
            instance: &instance,
            old: &found,
            seconds: update.wait_timeout,
            progress: &progress,
        },
    };
    let outcome = if update.rollback {
        work.go_back().await?
    } else if update.check {
        work.check().await?
    } else {
        work.move_on(update.shared).await?
    };
    drop(progress);
    let Outcome {
        changed,
        newer,
        message,
    } = outcome;
    session.screen.done(&listed.name, changed, newer, &message);
    Ok(())
}

/// The name that the container was made with; an id has nothing newer.
fn image_name(found: &ContainerInspectResponse) -> Result<&str> {
    let name = container::image_name(found).unwrap_or_default();
    if name.is_empty() || container::is_id(name) {
        return Err(Error::failed(
            format!(
                "container '{}' was made from an image without a name",
                container::name_of(found)
            ),
            "`occ start --recreate --image occ:local` gives it one",
        ));
    }
    Ok(name)
}

struct Work<'a> {
    session: &'a Session,
    /// The name of the image that the container was made from.
    image: &'a str,
    listed: &'a Listed,
    swap: Swap<'a>,
}

impl Work<'_> {
    async fn go_back(&self) -> Result<Outcome> {
        let image = Box::pin(rollback::run(&self.swap)).await?;
        Ok(Outcome {
            changed: true,
            newer: None,
            message: format!("Container '{}' is back on {image}.", self.listed.name),
        })
    }

    async fn check(&self) -> Result<Outcome> {
        let newer = self.is_newer().await?;
        let (image, name) = (self.image, &self.listed.name);
        Ok(Outcome {
            changed: false,
            newer: Some(newer),
            message: if newer {
                format!("There is a newer {image} for container '{name}'.")
            } else {
                self.newest()
            },
        })
    }

    fn newest(&self) -> String {
        format!(
            "Container '{}' runs the newest {}.",
            self.listed.name, self.image
        )
    }

    async fn move_on(&self, shared: bool) -> Result<Outcome> {
        if !self.get_newer().await? {
            return Ok(Outcome {
                changed: false,
                newer: None,
                message: self.newest(),
            });
        }
        let (swap, image) = (&self.swap, self.image);
        checks::refuse_shared(swap.docker, swap.instance, Some(self.listed), shared).await?;
        let new = NewImage {
            name: image,
            id: None,
        };
        Box::pin(swap.for_image(new, |_| (), Kept::Yes)).await?;
        let name = &self.listed.name;
        Ok(Outcome {
            changed: true,
            newer: None,
            message: format!("Container '{name}' updated to the newest {image}."),
        })
    }

    /// Returns true if there is something newer, without changing anything.
    async fn is_newer(&self) -> Result<bool> {
        match image::inspect(self.swap.docker, self.image).await? {
            Some(local) if !self.swap.is_on(&local) => Ok(true),
            Some(local) if image::origin(&local) == Origin::Occ => {
                Ok(!self.inputs(&local).await?.made(&local))
            }
            Some(local) if image::origin(&local) == Origin::Child => {
                if !self.inputs(&local).await?.made(&local) {
                    show::warn(&format!(
                        "{} was built on an older image of occ's; its own Dockerfile makes it anew",
                        self.image
                    ));
                }
                Ok(false)
            }
            _ => {
                show::warn(&format!(
                    "whether a registry has a newer {} shows only without --check",
                    self.image
                ));
                Ok(false)
            }
        }
    }

    async fn inputs(&self, local: &ImageInspect) -> Result<Inputs> {
        let base = self.session.config.base_image.as_deref();
        build::inputs(self.swap.docker, base, Some(local), self.swap.progress).await
    }

    /// An image that somebody built on occ's holds their own tools: only its own
    /// Dockerfile makes it anew.
    async fn refuse_older_base(&self, local: &ImageInspect) -> Result<()> {
        match self.inputs(local).await {
            Ok(inputs) if !inputs.made(local) => Err(image::not_ours(self.image)),
            Ok(_) => Ok(()),
            Err(error) => {
                show::warn(&error.to_string());
                Ok(())
            }
        }
    }

    /// Makes the name stand for the newest image; false if the container has it.
    async fn get_newer(&self) -> Result<bool> {
        let (docker, name, progress) = (self.swap.docker, self.image, self.swap.progress);
        match image::inspect(docker, name).await? {
            Some(local) if image::origin(&local) == Origin::Occ => {
                match self.inputs(&local).await {
                    Ok(inputs) if inputs.made(&local) => {}
                    Ok(inputs) => build::build(docker, name, &inputs, progress).await?,
                    // What cannot be built again can still be used.
                    Err(error) if !self.swap.is_on(&local) => show::warn(&error.to_string()),
                    Err(error) => return Err(error),
                }
            }
            Some(local) if self.swap.is_on(&local) && image::origin(&local) == Origin::Child => {
                self.refuse_older_base(&local).await?;
            }
            Some(local) if self.swap.is_on(&local) => {
                if let Err(error) = image::pull_newer(docker, name, progress).await {
                    show::warn(&format!("{error}; the local {name} is taken as the newest"));
                }
            }
            Some(_) => {}
            None => image::pull(docker, name, progress).await?,
        }
        let newest = image::inspect(docker, name).await?;
        Ok(newest.is_some_and(|newest| !self.swap.is_on(&newest)))
    }
}
