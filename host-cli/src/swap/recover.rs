//! Applies steps to the engine, and undoes what a killed update or rollback left,
//! before a command looks at the container itself.

use std::collections::BTreeSet;
use std::time::Duration;

use bollard::Docker;

use crate::engine::labels::{Beside, Names};
use crate::engine::{container, identity};
use crate::error::{Error, Result};
use crate::swap::kept;
use crate::swap::steps::{self, Existing, Step};
use crate::ui::interrupt;
use crate::ui::progress::Progress;

/// Between two looks: many times what a rename takes.
const PAUSE: Duration = Duration::from_millis(100);
const TRIES: u32 = 20;

/// Undoes what an interrupted update or rollback of the instance left, and
/// starts the container again.
pub(crate) async fn instance(docker: &Docker, container: &str, progress: &Progress) -> Result<()> {
    let instance = identity::label_of(docker, container).await?;
    for names in affected(docker, container, &instance).await? {
        let _deferred = interrupt::defer();
        if self::names(docker, &instance, &names).await? {
            progress.step(&format!(
                "An update of '{}' was interrupted; the container as it was is back",
                names.own
            ));
            apply(docker, &instance, &[Step::Start(names.own)]).await?;
        }
    }
    Ok(())
}

/// The containers around which there is something to settle.
async fn affected(docker: &Docker, container: &str, instance: &str) -> Result<Vec<Names>> {
    let labelled = identity::with_store(docker, instance).await?;
    let mut owns: BTreeSet<String> = labelled
        .iter()
        .filter_map(|one| Names::around(&one.name))
        .map(|names| names.own)
        .collect();
    // An own container that is called like another one's leftover.
    if let Some(other) = Names::around(container) {
        owns.remove(&other.own);
    }
    owns.insert(container.to_owned());
    Ok(owns.into_iter().map(Names::of).collect())
}

/// Settles around one container; true if something was interrupted.
///
/// The engine may still be at what it was asked by somebody who was killed: names
/// change under our eyes then, and each failure is reason for another look.
pub(crate) async fn names(docker: &Docker, instance: &str, names: &Names) -> Result<bool> {
    let mut interrupted = false;
    for _ in 0..TRIES {
        let there = at_rest(docker, instance, names).await?;
        interrupted |= there.is_interrupted();
        match apply(docker, instance, &steps::recover(names, &there)).await {
            Err(Error::Engine { .. } | Error::NotRunning) => tokio::time::sleep(PAUSE).await,
            result => return result.map(|()| interrupted),
        }
    }
    let there = at_rest(docker, instance, names).await?;
    apply(docker, instance, &steps::recover(names, &there)).await?;
    Ok(interrupted)
}

/// The names that are taken, once two looks agree. Names in order need one look.
async fn at_rest(docker: &Docker, instance: &str, names: &Names) -> Result<Existing> {
    let mut before = look(docker, instance, names).await?;
    for _ in 0..TRIES {
        if !before.is_interrupted() && !before.has(Beside::Older) {
            break;
        }
        tokio::time::sleep(PAUSE).await;
        let now = look(docker, instance, names).await?;
        if now == before {
            break;
        }
        before = now;
    }
    Ok(before)
}

/// Which of the names are taken by containers of the instance.
pub(crate) async fn look(docker: &Docker, instance: &str, names: &Names) -> Result<Existing> {
    let own = container::inspect(docker, &names.own).await?;
    let mut there = Existing {
        own: own.is_some(),
        running: own.is_some_and(|own| container::state_word(&own) == "running"),
        ..Existing::default()
    };
    for one in Beside::ALL {
        let found = container::inspect(docker, &names.with(one)).await?;
        if let Some(found) = found.filter(|found| identity::belongs(found, instance)) {
            there.previous_restarts |= one == Beside::Previous && container::restarts(&found);
            there.beside.insert(one);
        }
    }
    Ok(there)
}

/// Does one step after the other, up to the first that fails.
pub(crate) async fn apply(docker: &Docker, instance: &str, steps: &[Step]) -> Result<()> {
    for step in steps {
        match step {
            Step::Stop(name) => container::stop(docker, name).await?,
            Step::Start(name) => container::start(docker, name, name).await?,
            Step::Remove(name) => identity::remove_ours(docker, instance, name).await?,
            Step::Rename(from, to) => container::rename(docker, from, to).await?,
            Step::KeepStopped(names) => {
                Box::pin(kept::keep_stopped(docker, instance, names)).await?;
            }
        }
    }
    Ok(())
}
