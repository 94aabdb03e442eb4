//! Where a container is reached, which may be told by another one.

use bollard::Docker;
use bollard::models::ContainerInspectResponse;

use crate::engine::container::{inspect, shares_network_of};
use crate::engine::spec::Published;
use crate::error::Result;

/// The binding of a container: its own, or that of the container whose network it has.
pub(crate) async fn published(
    docker: &Docker,
    found: &ContainerInspectResponse,
) -> Result<Option<Published>> {
    let Some(id) = shares_network_of(found) else {
        return Ok(Published::of(found));
    };
    let holder = inspect(docker, id).await?;
    Ok(holder.as_ref().and_then(Published::of))
}
