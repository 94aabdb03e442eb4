//! Images: finding and pulling them, their labels, and the base of ours.

mod architecture;
pub(crate) mod build;
mod files;
mod programs;

use std::collections::BTreeMap;
use std::time::Duration;

use bollard::Docker;
use bollard::models::{CreateImageInfo, ImageInspect};
use bollard::query_parameters::{CreateImageOptionsBuilder, TagImageOptionsBuilder};
use futures_util::StreamExt;

use crate::error::{Error, Result, status};
use crate::ui::progress::Progress;

/// The image that `start` runs where nothing else is asked for.
pub(crate) const DEFAULT: &str = "occ:local";
/// Marks images that occ built.
pub(crate) const BUILT: &str = "dev.occ.image";
/// Ends the second tag of an image that occ built itself.
const PROOF: &str = ".built-by-occ";
/// The digest of everything that went into one.
pub(crate) const INPUTS: &str = "dev.occ.inputs";
/// The base it was built from, which the next build takes again.
pub(crate) const BASE: &str = "dev.occ.base";
/// The base where a registry answers, and the one that `image/base` makes.
pub(crate) const BASES: [&str; 2] = ["debian:bookworm-slim", "occ-base:bookworm"];

/// A pull that says nothing for so long has come to a standstill.
const STALLED: Duration = Duration::from_secs(300);

/// The image of that name; `None` if there is none here, or the engine takes no
/// image to have such a name: pulling it then tells why.
pub(crate) async fn inspect(docker: &Docker, name: &str) -> Result<Option<ImageInspect>> {
    match docker.inspect_image(name).await {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(status(&error), Some(400 | 404)) => Ok(None),
        Err(error) => Err(Error::engine(format!("inspect the image '{name}'"))(error)),
    }
}

/// `NAME (ID)`, with the start of the id as engines show it.
pub(crate) fn with_short_id(name: &str, id: Option<&str>) -> String {
    let id = id.unwrap_or_default().trim_start_matches("sha256:");
    format!("{name} ({})", id.get(..12).unwrap_or(id))
}

/// The builder of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// occ itself: it can be built again from what occ carries.
    Occ,
    /// Somebody, on one of occ's, whose labels it has inherited.
    Child,
    /// Somebody else.
    Other,
}

/// Tells by the second tag that a build of occ leaves: labels are inherited, tags are
/// not. One that came from a registry is that registry's.
pub(crate) fn origin(image: &ImageInspect) -> Origin {
    let mut tags = image.repo_tags.iter().flatten();
    let is_pulled = image.repo_digests.iter().flatten().next().is_some();
    match label(image, BUILT) {
        None => Origin::Other,
        Some(_) if tags.any(|tag| tag.ends_with(PROOF)) => Origin::Occ,
        Some(_) if is_pulled => Origin::Other,
        Some(_) => Origin::Child,
    }
}

/// The error where occ would build over somebody's image.
pub(crate) fn not_ours(name: &str) -> Error {
    let (proof, plain) = (with_tag(name) + PROOF, with_tag(name));
    Error::Refused {
        message: format!(
            "the image {name} was built on occ's image by somebody; building it anew would lose what they added"
        ),
        hint: format!(
            "build it from its own Dockerfile, then `occ update container`; if occ built it, `docker tag {plain} {proof}` says so"
        ),
    }
}

/// Lets an image that occ has built be known as such.
pub(crate) async fn prove(docker: &Docker, name: &str) -> Result<()> {
    let full = with_tag(name) + PROOF;
    let (repository, tag) = full.rsplit_once(':').unwrap_or((&full, ""));
    let options = TagImageOptionsBuilder::default()
        .repo(repository)
        .tag(tag)
        .build();
    docker
        .tag_image(name, Some(options))
        .await
        .map_err(Error::engine(format!("give the image the name '{full}'")))
}

pub(crate) fn label<'a>(image: &'a ImageInspect, key: &str) -> Option<&'a String> {
    image.config.as_ref()?.labels.as_ref()?.get(key)
}

/// Gets an image that is not here.
///
/// Errors: a value that is wrong, since whoever named it named nothing that is
/// to be had.
pub(crate) async fn pull(docker: &Docker, name: &str, progress: &Progress) -> Result<()> {
    pull_newer(docker, name, progress)
        .await
        .map_err(|error| match error {
            Error::Engine { cause, .. } => Error::NoImage {
                name: name.to_owned(),
                cause,
            },
            other => other,
        })
}

/// Pulls what a registry has under that name; the error is the registry's.
pub(crate) async fn pull_newer(docker: &Docker, name: &str, progress: &Progress) -> Result<()> {
    progress.step(&format!("Pulling {name}"));
    let options = CreateImageOptionsBuilder::default()
        .from_image(&with_tag(name))
        .build();
    let mut layers = Layers::default();
    let mut steps = docker.create_image(Some(options), None, None);
    loop {
        let next = tokio::time::timeout(STALLED, steps.next()).await;
        let Some(step) = next.map_err(|_| stalled(name))? else {
            return Ok(());
        };
        let step = step.map_err(Error::engine(format!("pull '{name}'")))?;
        layers.take(&step);
        progress.so_far(|| format!("Pulling {name}{}", layers.so_far()));
        progress.detail(&step.status.unwrap_or_default());
    }
}

fn stalled(name: &str) -> Error {
    Error::Late {
        what: format!("nothing more of '{name}' arrived"),
        seconds: STALLED.as_secs(),
        hint: "try again".into(),
    }
}

/// How much of each layer has come.
#[derive(Default)]
struct Layers(BTreeMap<String, (i64, i64)>);

impl Layers {
    fn take(&mut self, step: &CreateImageInfo) {
        let detail = step.progress_detail.as_ref();
        let parts = detail.and_then(|detail| Some((detail.current?, detail.total?)));
        let is_download = step.status.as_deref() == Some("Downloading");
        if let (Some(id), Some(parts), true) = (&step.id, parts, is_download) {
            self.0.insert(id.clone(), parts);
        }
    }

    /// In MB, of all layers that the engine has begun; empty before the first.
    fn so_far(&self) -> String {
        let sum = self
            .0
            .values()
            .fold((0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
        match sum {
            (_, 0) => String::new(),
            (current, total) => format!(": {} of {} MB", current / 1_000_000, total / 1_000_000),
        }
    }
}

/// Without a tag the engine would pull all of them.
fn with_tag(name: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or(name);
    if last.contains([':', '@']) {
        name.to_owned()
    } else {
        format!("{name}:latest")
    }
}

/// The configured base, else Debian's, else what `image/base` made.
pub(crate) async fn pick_base(
    docker: &Docker,
    asked: Option<&str>,
    progress: &Progress,
) -> Result<String> {
    if let Some(asked) = asked {
        if inspect(docker, asked).await?.is_none() {
            pull(docker, asked, progress).await?;
        }
        return Ok(asked.to_owned());
    }
    let [debian, made_here] = BASES;
    let pulled = match inspect(docker, debian).await? {
        Some(_) => return Ok(debian.to_owned()),
        None => pull(docker, debian, progress).await,
    };
    match (pulled, inspect(docker, made_here).await?) {
        (Ok(()), _) => Ok(debian.to_owned()),
        (Err(error), Some(_)) => {
            progress.detail(&error.to_string());
            progress.step(&format!("{debian} cannot be pulled; using {made_here}"));
            Ok(made_here.to_owned())
        }
        (Err(error), None) => Err(Error::failed(
            format!("there is no base image: {error}, and no local {made_here}"),
            format!(
                "make one with `sudo {}`, or name one that is here, as in `occ config set base_image debian:bookworm`",
                programs::base_script().display()
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pulls_one_tag_only() {
        assert_eq!(with_tag("debian"), "debian:latest");
        assert_eq!(with_tag("host:5000/a/debian"), "host:5000/a/debian:latest");
        assert_eq!(with_tag("host:5000/a/debian:x"), "host:5000/a/debian:x");
        assert_eq!(with_tag("a@sha256:00"), "a@sha256:00");
    }

    #[test]
    fn image_built_on_ours_is_not_ours() {
        let labels = serde_json::json!({"dev.occ.image": "local"});
        let of = |labels: &serde_json::Value, tags: &[&str], digests: &[&str]| {
            let image = serde_json::json!({
                "Config": {"Labels": labels}, "RepoTags": tags, "RepoDigests": digests,
            });
            origin(&serde_json::from_value(image).unwrap())
        };
        let ours = ["occ:local", "occ:local.built-by-occ"];
        assert_eq!(of(&labels, &ours, &[]), Origin::Occ);
        assert_eq!(of(&labels, &["occ:local"], &[]), Origin::Child);
        assert_eq!(
            of(&labels, &["occ:local"], &["occ@sha256:00"]),
            Origin::Other
        );
        assert_eq!(of(&serde_json::json!({}), &ours, &[]), Origin::Other);
    }

    #[test]
    fn a_pull_says_how_far_it_is() {
        let mut layers = Layers::default();
        let mut step = |id: &str, status: &str, current: i64| {
            let step = serde_json::json!({
                "id": id, "status": status,
                "progressDetail": {"current": current, "total": 20_000_000},
            });
            layers.take(&serde_json::from_value(step).unwrap());
            layers.so_far()
        };
        assert_eq!(step("a", "Extracting", 1), "");
        assert_eq!(step("a", "Downloading", 1_500_000), ": 1 of 20 MB");
        assert_eq!(step("b", "Downloading", 500_000), ": 2 of 40 MB");
        assert_eq!(step("a", "Downloading", 20_000_000), ": 20 of 40 MB");
    }
}
