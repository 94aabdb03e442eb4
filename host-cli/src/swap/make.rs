//! Makes the copy of a container on the engine, in all the networks of the original.

use bollard::Docker;
use bollard::models::{ContainerCreateBody, ContainerInspectResponse, NetworkConnectRequest};

use crate::engine::{container, labels};
use crate::error::{Error, Result};
use crate::image;
use crate::swap::clone::{self, NewImage};

/// Describes a copy on another image.
pub(super) async fn describe(
    docker: &Docker,
    instance: &str,
    found: &ContainerInspectResponse,
    image: NewImage<'_>,
) -> Result<ContainerCreateBody> {
    let id = found.image.as_deref().unwrap_or_default();
    let old_image = image::inspect(docker, id).await?;
    let old_image = old_image.and_then(|image| image.config);
    let mut body = clone::copy(found, &old_image.unwrap_or_default(), image);
    // One that was found by its name only is ours from now on.
    body.labels
        .get_or_insert_default()
        .extend(labels::labels(instance));
    Ok(body)
}

/// Creates a container in all the networks of another; returns its id.
pub(super) async fn create(
    docker: &Docker,
    found: &ContainerInspectResponse,
    body: ContainerCreateBody,
    name: &str,
) -> Result<String> {
    let id = container::create(docker, name, body).await?;
    connect_all(docker, found, &id).await?;
    Ok(id)
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
