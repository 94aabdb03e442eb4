//! `occ reset container`: removes the container, and only when asked twice the
//! volumes with it. Nothing that is not the instance's is ever removed.

use std::collections::HashMap;

use bollard::Docker;
use bollard::models::{ContainerInspectResponse, Volume};
use bollard::query_parameters::RemoveVolumeOptions;

use crate::cli::ResetContainer;
use crate::engine::container::{self, Listed};
use crate::engine::identity;
use crate::engine::labels::{Beside, INSTANCE, Names, VOLUMES, volume_name};
use crate::error::{Error, Result, is_absent};
use crate::image::BUILT;
use crate::session::Session;
use crate::swap::managed;
use crate::ui::progress::Progress;
use crate::ui::{interrupt, prompt};

/// Removes what is there; nothing there is fine.
pub(crate) async fn run(session: &Session, options: ResetContainer) -> Result<()> {
    let docker = session.docker().await?;
    let instance = &session.container;
    let own = identity::find(&docker, instance).await?;
    let found = match &own {
        Some(own) => identity::inspect_ours(&docker, own).await?,
        None => None,
    };
    if let Some(found) = &found {
        managed::refuse_task(found, |service| {
            format!("`docker service rm {service}` removes it")
        })?;
    }
    let comes_back = found.is_none_or(|found| is_made_by_start(&found, instance));
    let containers = containers(&docker, instance, own).await?;
    let volumes = if options.volumes {
        volumes(&docker, instance).await?
    } else {
        Vec::new()
    };
    refuse_used(&docker, &volumes, &containers).await?;
    if containers.is_empty() && volumes.is_empty() {
        let message = format!("There is nothing of '{instance}' to remove.");
        session.screen.done(instance, false, None, &message);
        return Ok(());
    }
    if !options.force {
        ask(session, &containers, &volumes)?;
    }
    let _notice = interrupt::notice("`occ reset container` can be run again");
    let progress = Progress::new(session.screen);
    for one in &containers {
        progress.step(&format!("Removing container '{}'", one.name));
        if one.state == "running" {
            container::stop(&docker, &one.id).await?;
        }
        container::remove(&docker, &one.id).await?;
    }
    for name in &volumes {
        progress.step(&format!("Removing volume '{name}'"));
        remove_volume(&docker, name).await?;
    }
    drop(progress);
    if volumes.contains(&volume_name(instance, "users")) {
        session.follow(Vec::clear);
    }
    let message = done(instance, !volumes.is_empty(), comes_back);
    session.screen.done(instance, true, None, &message);
    Ok(())
}

/// Returns true if `occ start` makes such a container: its image is occ's, or built on that, and
/// its accounts are on the volume of that name.
fn is_made_by_start(found: &ContainerInspectResponse, instance: &str) -> bool {
    let is_ours = container::label_of(found, BUILT).is_some();
    let store = container::store_mount(found).and_then(|mount| mount.source);
    is_ours && store == Some(volume_name(instance, "users"))
}

fn done(instance: &str, with_volumes: bool, comes_back: bool) -> String {
    if with_volumes {
        format!("Container '{instance}' and its accounts and homes are removed.")
    } else if !comes_back {
        format!(
            "Container '{instance}' is removed; accounts and homes stay on their volumes, for the next container of its image."
        )
    } else {
        format!(
            "Container '{instance}' is removed; accounts and homes stay, and `occ start` brings them back."
        )
    }
}

/// The container, and what updates left or kept beside it.
async fn containers(docker: &Docker, instance: &str, own: Option<Listed>) -> Result<Vec<Listed>> {
    let names = Names::of(own.as_ref().map_or(instance, |own| own.name.as_str()));
    let mut found: Vec<Listed> = own.into_iter().collect();
    let label = identity::label_of(docker, &names.own).await?;
    for one in Beside::ALL {
        let beside = container::inspect(docker, &names.with(one)).await?;
        let ours = beside.filter(|beside| identity::belongs(beside, &label));
        found.extend(ours.as_ref().map(Listed::of));
    }
    Ok(found)
}

fn label(volume: &Volume) -> Option<&str> {
    volume.labels.get(INSTANCE).map(String::as_str)
}

/// The volumes that carry the instance's label.
async fn volumes(docker: &Docker, instance: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for (end, _) in VOLUMES {
        let name = volume_name(instance, end);
        match docker.inspect_volume(&name).await {
            Ok(volume) if label(&volume) == Some(instance) => found.push(name),
            Ok(_) => {
                return Err(Error::Refused {
                    message: format!(
                        "the volume '{name}' does not have the label {INSTANCE}={instance}"
                    ),
                    hint: format!("somebody else made it; `docker volume rm {name}` removes it"),
                });
            }
            Err(error) if is_absent(&error) => {}
            Err(error) => return Err(Error::engine(format!("inspect the volume '{name}'"))(error)),
        }
    }
    Ok(found)
}

/// A volume that another container has can't go, and must not.
async fn refuse_used(docker: &Docker, volumes: &[String], own: &[Listed]) -> Result<()> {
    for name in volumes {
        let filters = HashMap::from([("volume", vec![name.clone()])]);
        let users = container::list(docker, &filters).await?;
        let other = users
            .into_iter()
            .find(|user| own.iter().all(|own| own.id != user.id));
        if let Some(other) = other {
            return Err(Error::Refused {
                message: format!("the container '{}' uses the volume '{name}'", other.name),
                hint: "nothing was removed".into(),
            });
        }
    }
    Ok(())
}

fn ask(session: &Session, containers: &[Listed], volumes: &[String]) -> Result<()> {
    prompt::require(session.no_input, "a confirmation", "--force")?;
    let instance = &session.container;
    let sure = if volumes.is_empty() {
        let names: Vec<_> = containers
            .iter()
            .map(|one| format!("'{}'", one.name))
            .collect();
        prompt::confirm(&format!(
            "Remove {}? Accounts and homes stay.",
            names.join(", ")
        ))?
    } else {
        let question = format!(
            "This deletes all accounts and homes of '{instance}' ({}). Type its name",
            volumes.join(", ")
        );
        prompt::text(&question, "no")? == *instance
    };
    if sure {
        Ok(())
    } else {
        Err(Error::Declined("not removed".into()))
    }
}

async fn remove_volume(docker: &Docker, name: &str) -> Result<()> {
    match docker
        .remove_volume(name, None::<RemoveVolumeOptions>)
        .await
    {
        Err(error) if !is_absent(&error) => {
            Err(Error::engine(format!("remove the volume '{name}'"))(error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn start_brings_back_only_what_it_makes() {
        let of = |labels: serde_json::Value, volume: &str| {
            let found = json!({
                "Config": {"Labels": labels},
                "Mounts": [{"Type": "volume", "Name": volume, "Destination": "/var/lib/opencode-users"}],
            });
            is_made_by_start(&serde_json::from_value(found).unwrap(), "team")
        };
        let built = json!({"dev.occ.image": "local"});
        assert!(of(built.clone(), "team-users"));
        assert!(!of(built, "people"));
        assert!(
            !of(json!({}), "team-users"),
            "somebody's image, with sshd in it"
        );
        assert!(done("team", false, true).contains("`occ start`"));
        assert!(!done("team", false, false).contains("`occ start`"));
    }
}
