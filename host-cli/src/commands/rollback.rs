//! `occ update container --rollback`: changes places with the container that
//! the last update kept, under the same proofs as an update.

use bollard::models::ContainerInspectResponse;

use crate::engine::container;
use crate::engine::labels::{Beside, Names};
use crate::error::{Error, Result};
use crate::image;
use crate::swap::{Swap, account_names, kept, recover, steps};
use crate::ui::interrupt;

/// Changes places with the container that the last update kept.
pub(crate) async fn run(swap: &Swap<'_>) -> Result<String> {
    let (docker, instance, current) = (swap.docker, swap.instance, swap.old);
    let names = Names::of(container::name_of(current));
    let previous = container::inspect(docker, &names.with(Beside::Previous))
        .await?
        .ok_or_else(|| nothing_kept(&names))?;
    // What is kept has no restart policy, and can't get one from every engine.
    if kept::is_composed(current) || !kept::can_change_restart(docker, &names).await? {
        swap.for_kept(&previous).await?;
        return Ok(describe(&previous));
    }
    let expected = account_names(docker, current).await?;
    let _deferred = interrupt::defer();
    swap.progress
        .step(&format!("Replacing container '{}'", names.own));
    let id = previous.id.as_deref().unwrap_or_default();
    if let Err(error) = swap.change(&steps::go_back(&names), id, &expected).await {
        return Err(swap.undo(&error).await?);
    }
    let policy = container::restart_policy_of(current);
    container::set_restart(docker, id, policy.unwrap_or_default()).await?;
    recover::apply(docker, instance, &steps::keep_undone(&names)).await?;
    Ok(describe(&previous))
}

fn nothing_kept(names: &Names) -> Error {
    let message = format!(
        "there is no container '{}' to go back to",
        names.with(Beside::Previous)
    );
    Error::failed(
        message,
        "`occ update container` keeps the one that it replaces",
    )
}

/// The image's name and the start of its id.
fn describe(found: &ContainerInspectResponse) -> String {
    let name = container::image_name(found).unwrap_or_default();
    image::with_short_id(name, found.image.as_deref())
}
