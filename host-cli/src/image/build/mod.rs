//! Builds the image from what occ carries, the opencode tarball and our programs.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bollard::Docker;
use bollard::models::ImageInspect;
use bollard::query_parameters::BuildImageOptionsBuilder;
use etcetera::BaseStrategy;
use futures_util::StreamExt;
use sha2::{Digest, Sha256};

use crate::engine::hex;
use crate::error::{DISK_FULL, Error, Result, api_text, is_disk_full};
use crate::image::files::{CONTEXT, FETCH};
use crate::image::{BASE, BUILT, INPUTS, architecture, inspect, label, pick_base, programs, prove};
use crate::ui::progress::Progress;

/// Lines of a failed build that are shown.
const TAIL: usize = 20;

/// Everything that goes into an image, and the digest that stands for it.
pub(crate) struct Inputs {
    base: String,
    /// Our programs: name in the image, file here.
    programs: Vec<(&'static str, PathBuf)>,
    digest: String,
}

/// Gathers what a build needs; fails with what is missing.
pub(crate) async fn inputs(
    docker: &Docker,
    base: Option<&str>,
    last: Option<&ImageInspect>,
    progress: &Progress,
) -> Result<Inputs> {
    let programs = programs::ALL
        .iter()
        .map(|program| Ok((program.name, program.find()?)))
        .collect::<Result<Vec<_>>>()?;
    let again = last
        .and_then(|image| label(image, BASE))
        .map(String::as_str);
    let again = match again {
        Some(name) if inspect(docker, name).await?.is_some() => Some(name),
        _ => None,
    };
    let base = pick_base(docker, base.or(again), progress).await?;
    let mut digest = Sha256::new();
    for file in &CONTEXT {
        digest.update(file.name.as_bytes());
        digest.update((file.bytes.len() as u64).to_le_bytes());
        digest.update(file.bytes);
    }
    for (_, path) in &programs {
        digest.update(std::fs::read(path).map_err(Error::file("read", path))?);
    }
    digest.update(
        inspect(docker, &base)
            .await?
            .and_then(|image| image.id)
            .unwrap_or_default()
            .as_bytes(),
    );
    let digest = hex(&digest.finalize());
    Ok(Inputs {
        base,
        programs,
        digest,
    })
}

impl Inputs {
    /// Returns true if an image was built from exactly these.
    pub(crate) fn made(&self, image: &ImageInspect) -> bool {
        label(image, INPUTS) == Some(&self.digest)
    }
}

/// Builds the image for the engine's architecture and gives it that name.
pub(crate) async fn build(
    docker: &Docker,
    name: &str,
    inputs: &Inputs,
    progress: &Progress,
) -> Result<()> {
    let architecture = architecture::of_engine(docker).await?;
    progress.step(&format!(
        "Building {name} for {architecture} from {}",
        inputs.base
    ));
    for (program, path) in &inputs.programs {
        architecture::check(program, path, &architecture)?;
    }
    let tarball = fetch_opencode(&architecture, progress)?;
    let context = context(&inputs.programs, &tarball)?;
    let labels = HashMap::from([
        (BUILT, "local"),
        (BASE, inputs.base.as_str()),
        (INPUTS, inputs.digest.as_str()),
    ]);
    let options = BuildImageOptionsBuilder::default()
        .dockerfile("Dockerfile")
        .t(name)
        .rm(true)
        .forcerm(true)
        .buildargs(&HashMap::from([("BASE_IMAGE", inputs.base.as_str())]))
        .labels(&labels)
        .build();
    let mut log = Vec::new();
    let mut steps = docker.build_image(options, None, Some(bollard::body_full(context.into())));
    while let Some(step) = steps.next().await {
        match step {
            Ok(step) => take_lines(&step.stream.unwrap_or_default(), &mut log, progress),
            Err(error) => return Err(build_failed(&log, &api_text(&error))),
        }
    }
    prove(docker, name).await
}

fn take_lines(text: &str, log: &mut Vec<String>, progress: &Progress) {
    for line in text
        .lines()
        .map(without_colour)
        .filter(|line| !line.is_empty())
    {
        match line.strip_prefix("Step ") {
            Some(step) => progress.step(&format!("Building: step {}", shortened(step))),
            None => progress.detail(&line),
        }
        log.push(line);
    }
}

/// One line of a terminal; `-v` shows the whole of it in the log.
fn shortened(step: &str) -> String {
    let words = step.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(90) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None => words,
    }
}

/// The classic builder wraps what goes to stderr in escape sequences.
fn without_colour(line: &str) -> String {
    let text = anstream::adapter::strip_str(line).to_string();
    text.trim_end().to_owned()
}

fn build_failed(log: &[String], why: &str) -> Error {
    let tail = log[log.len().saturating_sub(TAIL)..].join("\n  ");
    let hint = if is_disk_full(why) || is_disk_full(&tail.to_lowercase()) {
        DISK_FULL
    } else {
        "`occ start --build -v` shows everything"
    };
    Error::failed(
        format!("the image could not be built: {why}\n  {tail}"),
        hint,
    )
}

/// Runs the carried `fetch`; it verifies what it gives.
fn fetch_opencode(architecture: &str, progress: &Progress) -> Result<PathBuf> {
    let cache = etcetera::base_strategy::Xdg::new()
        .map_err(|_| {
            Error::failed(
                "there is no home directory for the cache",
                "set HOME or XDG_CACHE_HOME",
            )
        })?
        .cache_dir()
        .join("occ");
    let scripts = tempfile::tempdir().map_err(Error::file("make", std::env::temp_dir()))?;
    for file in &FETCH {
        let path = scripts.path().join(file.name);
        std::fs::write(&path, file.bytes).map_err(Error::file("write", path))?;
    }
    let mut child = Command::new("bash")
        .arg(scripts.path().join("fetch"))
        .args(["--arch", architecture])
        .arg(&cache)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| {
            Error::failed(
                format!("cannot run bash to get opencode: {error}"),
                "install bash",
            )
        })?;
    let mut said = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        for line in BufReader::new(stderr)
            .lines()
            .map_while(std::result::Result::ok)
        {
            progress.step(&line);
            said.push(line);
        }
    }
    // One line, so it fits into the pipe while stderr is read to its end.
    let done = child
        .wait_with_output()
        .map_err(Error::file("wait for", "fetch"))?;
    let path = String::from_utf8_lossy(&done.stdout).trim_end().to_owned();
    if done.status.success() {
        Ok(PathBuf::from(path))
    } else {
        Err(fetch_failed(&said))
    }
}

fn fetch_failed(said: &[String]) -> Error {
    let with = |prefix: &str| {
        said.iter()
            .rev()
            .find_map(|line| line.strip_prefix(prefix))
            .map(str::to_owned)
    };
    let message = with("fetch: ").unwrap_or_else(|| said.last().cloned().unwrap_or_default());
    Error::failed(
        format!("cannot get opencode: {message}"),
        with("hint: ").unwrap_or_default(),
    )
}

/// The build context as one tar, the same bytes for the same files.
fn context(programs: &[(&str, PathBuf)], tarball: &Path) -> Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    for file in &CONTEXT {
        append(&mut tar, file.name, file.bytes)?;
    }
    let name = tarball.file_name().unwrap_or_default().to_string_lossy();
    let programs = programs.iter().map(|(name, path)| (*name, path.as_path()));
    for (name, path) in programs.chain([(&*name, tarball)]) {
        append(
            &mut tar,
            name,
            &std::fs::read(path).map_err(Error::file("read", path))?,
        )?;
    }
    tar.into_inner()
        .map_err(Error::file("write", "the build context"))
}

fn append(tar: &mut tar::Builder<Vec<u8>>, name: &str, bytes: &[u8]) -> Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o755);
    tar.append_data(&mut header, name, bytes)
        .map_err(Error::file("write", name))
}

#[cfg(test)]
mod tests;
