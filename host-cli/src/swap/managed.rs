//! Containers that something else makes and starts: Docker Swarm, systemd, a pod, `docker run
//! --rm`. One that occ put in their place would be lost at the next start, or run beside them.

use bollard::Docker;
use bollard::models::ContainerInspectResponse;

use crate::engine::container;
use crate::engine::labels::SERVICE;
use crate::error::{Error, Result};
use crate::text;

/// Podman's own units and Quadlet name themselves so on the containers that they make.
const UNIT: &str = "PODMAN_SYSTEMD_UNIT";
/// The end of the names of Podman's containers that hold the network of a pod.
const INFRA: &str = "-infra";

/// Refuses a container that only its maker can make anew; `image` is the name of the image
/// that it would be on.
pub(super) async fn refuse(
    docker: &Docker,
    old: &ContainerInspectResponse,
    image: &str,
) -> Result<()> {
    let name = container::name_of(old);
    refuse_task(old, |service| {
        let image = text::word(image);
        format!("`docker service update --force --image {image} {service}` makes it anew")
    })?;
    if let Some(unit) = container::label_of(old, UNIT) {
        let user = if is_rootless(docker).await? {
            "--user "
        } else {
            ""
        };
        return Err(Error::Refused {
            message: format!("systemd makes the container '{name}', by its unit '{unit}'"),
            hint: format!(
                "`systemctl {user}restart {}` makes it anew, on what '{image}' stands for now",
                text::word(unit)
            ),
        });
    }
    if is_in_pod(docker, old).await? {
        return Err(Error::Refused {
            message: format!(
                "the container '{name}' is in a pod of Podman's, and a new one would not be"
            ),
            hint: "make the pod anew, from the file or unit that made it".into(),
        });
    }
    // The engine deletes such a container as it stops: nothing to go back to.
    if old.host_config.as_ref().and_then(|host| host.auto_remove) == Some(true) {
        return Err(Error::Refused {
            message: format!(
                "container '{name}' was started with --rm and cannot be kept for a way back"
            ),
            hint: "stop it, then `occ start`".into(),
        });
    }
    Ok(())
}

/// Refuses a container of Docker Swarm, which puts another one in the place of each that
/// ends; `hint` says what to do with the service.
pub(crate) fn refuse_task(
    found: &ContainerInspectResponse,
    hint: impl FnOnce(&str) -> String,
) -> Result<()> {
    let Some(service) = container::label_of(found, SERVICE) else {
        return Ok(());
    };
    let name = container::name_of(found);
    Err(Error::Refused {
        message: format!("Docker Swarm makes the container '{name}', for its service '{service}'"),
        hint: hint(&text::word(service)),
    })
}

async fn is_rootless(docker: &Docker) -> Result<bool> {
    let info = docker
        .info()
        .await
        .map_err(Error::engine("describe itself"))?;
    let options = info.security_options.unwrap_or_default();
    Ok(options.iter().any(|option| option == "name=rootless"))
}

async fn is_in_pod(docker: &Docker, found: &ContainerInspectResponse) -> Result<bool> {
    let Some(id) = container::shares_network_of(found) else {
        return Ok(false);
    };
    let holder = container::inspect(docker, id).await?;
    Ok(holder.is_some_and(|holder| container::name_of(&holder).ends_with(INFRA)))
}
