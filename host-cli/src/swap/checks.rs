//! Checks before a start or an update: no other container may write the same store,
//! and a new image may take no account's name or uid.

use std::collections::HashMap;
use std::time::Duration;

use bollard::Docker;
use bollard::models::ContainerInspectResponse;
use bollard::query_parameters::{LogsOptionsBuilder, WaitContainerOptionsBuilder};
use futures_util::StreamExt;

use crate::engine::container::{self, Listed, store_mount};
use crate::engine::labels::{Beside, Names, volume_name};
use crate::engine::{identity, spec};
use crate::error::{Error, Result};
use crate::occ_init::{self, CheckReply};
use crate::swap::health;
use crate::text;
use crate::ui::interrupt;
use crate::ui::progress::Progress;

/// A check takes no second with 100,000 accounts; signals wait meanwhile.
const PATIENCE: Duration = Duration::from_secs(90);
/// The status of a check when the new image takes an account's name or uid.
const CLASH: i64 = 5;

/// Two containers that write one store would restore against each other
/// without knowing.
pub(crate) async fn refuse_shared(
    docker: &Docker,
    instance: &str,
    own: Option<&Listed>,
    allowed: bool,
) -> Result<()> {
    let source = match own {
        Some(own) => store_source(docker, own).await?,
        None => Some(volume_name(instance, "users")),
    };
    let Some(source) = source else { return Ok(()) };
    let filters = HashMap::from([
        ("volume", vec![source.clone()]),
        ("status", vec!["running".to_owned()]),
    ]);
    let others = container::list(docker, &filters).await?;
    let other = others
        .into_iter()
        .find(|other| own.is_none_or(|own| own.id != other.id));
    match other {
        Some(other) if !allowed => Err(Error::Refused {
            message: format!(
                "the running container '{}' uses the same accounts ('{source}')",
                other.name
            ),
            hint: "stop it, or allow it with --shared".into(),
        }),
        _ => Ok(()),
    }
}

/// The volume or directory of a container's store.
async fn store_source(docker: &Docker, own: &Listed) -> Result<Option<String>> {
    let found = identity::inspect_ours(docker, own).await?;
    Ok(found.and_then(|found| store_mount(&found)?.source))
}

/// The new image's own check, on the store, before anything is stopped.
pub(crate) async fn check_accounts(
    docker: &Docker,
    instance: &str,
    found: &ContainerInspectResponse,
    image: &str,
    progress: &Progress,
) -> Result<()> {
    let Some(store) = store_mount(found) else {
        return Ok(());
    };
    progress.step("Checking the accounts against the new image");
    // Short, and its container would be left behind.
    let _deferred = interrupt::defer();
    let name = Names::of(container::name_of(found)).with(Beside::Check);
    identity::remove_ours(docker, instance, &name).await?;
    let body = spec::check(instance, image, store, occ_init::PATH);
    container::create(docker, &name, body).await?;
    let checked = run_check(docker, &name, image).await;
    let removed = container::remove(docker, &name).await;
    checked.and(removed)
}

async fn run_check(docker: &Docker, name: &str, image: &str) -> Result<()> {
    docker
        .start_container(name, None)
        .await
        .map_err(Error::engine(format!("run occ-init of {image}")))?;
    let options = WaitContainerOptionsBuilder::default()
        .condition("not-running")
        .build();
    let mut ends = docker.wait_container(name, Some(options));
    let ended = tokio::time::timeout(PATIENCE, ends.next());
    let ended = ended.await.map_err(|_| Error::Late {
        what: format!("the check of {image} did not end"),
        seconds: PATIENCE.as_secs(),
        hint: "nothing was changed; its occ-init may not be one".into(),
    })?;
    let code = match ended {
        Some(Ok(ended)) => ended.status_code,
        Some(Err(bollard::errors::Error::DockerContainerWaitError { code, .. })) => code,
        Some(Err(error)) => return Err(Error::engine("wait for the check")(error)),
        None => return Err(Error::failed("the check did not end", "")),
    };
    let options = LogsOptionsBuilder::default().stdout(true).build();
    let taken = clashes(&container::log(docker, name, options).await);
    match code {
        0 | 1 if taken.is_empty() => Ok(()),
        0 | 1 | CLASH => Err(Error::Refused {
            message: format!(
                "the new image {image} takes what belongs to accounts; nothing was changed{}",
                taken
                    .iter()
                    .fold(String::new(), |text, line| text + "\n  " + line)
            ),
            hint: "use an image without those system accounts, or remove the accounts first".into(),
        }),
        code => Err(Error::failed(
            format!(
                "the check of {image} ended with status {code}; nothing was changed{}",
                health::last_lines(docker, name).await
            ),
            "",
        )),
    }
}

/// The findings that are the image's doing. All others were there before, or
/// end with the restore at boot.
fn clashes(report: &str) -> Vec<String> {
    let document = report
        .lines()
        .find_map(|line| serde_json::from_str::<CheckReply>(line).ok());
    let of_the_image = document
        .unwrap_or_default()
        .findings
        .into_iter()
        .filter(|finding| finding.kind == "image");
    of_the_image
        .map(|finding| text::line(&finding.message).into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_image_findings_stop_an_update() {
        let report = r#"noise
{"findings":[{"hint":"h","kind":"image","message":"skipped 'zoe': the image has a user of that name","name":"zoe"},{"hint":"h","kind":"drift","message":"'alice' has a record, but is not in /etc","name":"alice"}],"schema":1}
"#;
        assert_eq!(
            clashes(report),
            ["skipped 'zoe': the image has a user of that name"]
        );
        assert!(clashes("2 accounts, nothing to look at\n").is_empty());
        assert!(clashes("").is_empty());
    }
}
