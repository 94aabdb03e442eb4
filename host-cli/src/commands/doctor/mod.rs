//! `occ doctor`: looks at everything between here and the accounts, changes
//! nothing, and says what mends what is wrong.

mod clock;
mod report;
mod store;

use std::net::{IpAddr, TcpListener};
use std::process::ExitCode;

use accounts::wire::{ListReply, Status};
use bollard::Docker;
use bollard::models::ContainerInspectResponse;
use jiff::Timestamp;

use crate::commands::probe::{self, Answer};
use crate::config::Config;
use crate::engine::container::{self, Listed};
use crate::engine::identity;
use crate::engine::labels::{Names, STORE, volume_name};
use crate::engine::reached;
use crate::engine::spec::Published;
use crate::error::{Error, Result, plain};
use crate::image;
use crate::occ_init::OccInit;
use crate::session::Session;
use crate::swap::{health, recover};
use crate::text;
use report::Report;

/// Looks, and exits 1 if anything is wrong.
pub(crate) async fn run(session: &Session) -> Result<ExitCode> {
    let mut report = Report::default();
    match &session.config_error {
        None => configuration(&mut report, &session.config),
        Some(error) => report.wrong("configuration", error.to_string(), error.hint()),
    }
    match session.docker().await {
        Ok(docker) => {
            if let Err(error) = engine(&mut report, session, &docker).await {
                report.wrong("engine", error.to_string(), error.hint());
            }
        }
        Err(error) => {
            let topic = match error {
                Error::Forbidden { .. } => "permissions",
                _ => "engine",
            };
            report.wrong(topic, error.to_string(), error.hint());
        }
    }
    Ok(report.show(session.screen))
}

fn configuration(report: &mut Report, config: &Config) {
    let mut unknown = config.unknown_keys().peekable();
    if unknown.peek().is_none() {
        report.fine("configuration", "every key is known");
    }
    for (key, near) in unknown {
        let mend = match near {
            Some(near) => format!("write '{near}' in the file that `occ config path` names"),
            None => "remove it from the file that `occ config path` names".to_owned(),
        };
        report.wrong("configuration", format!("unknown key '{key}'"), mend);
    }
}

async fn engine(report: &mut Report, session: &Session, docker: &Docker) -> Result<()> {
    let info = docker
        .info()
        .await
        .map_err(Error::engine("describe itself"))?;
    let version = info.server_version.clone().unwrap_or_default();
    let endpoint = &session.chosen.endpoint;
    report.fine("engine", format!("version {version} answers at {endpoint}"));
    report.fine("permissions", "this user may use it");
    clock::look(report, &info, Timestamp::now());
    let names = Names::of(&session.container);
    let label = identity::label_of(docker, &session.container).await?;
    let there = recover::look(docker, &label, &names).await?;
    if there.is_interrupted() {
        report.wrong("update", "an update was interrupted", "`occ start`");
    }
    if let Some(listed) = identity::find(docker, &session.container).await? {
        return instance(report, session, docker, &listed).await;
    }
    let message = format!("there is no container '{}'", session.container);
    report.wrong("container", message, "`occ start`");
    Ok(())
}

async fn instance(
    report: &mut Report,
    session: &Session,
    docker: &Docker,
    listed: &Listed,
) -> Result<()> {
    let found = container::present(docker, &listed.id).await?;
    volumes(report, &found);
    image_age(report, docker, &found).await?;
    first_program(report, &found);
    let published = reached::published(docker, &found).await?;
    let running = listed.state == "running";
    if session.chosen.is_here() {
        port(report, published, running, &listed.name);
    }
    if running {
        return inside(report, &OccInit::of(docker, &found), published).await;
    }
    let (name, state) = (&listed.name, &listed.state);
    let mend = match state.as_str() {
        "paused" => format!("`docker unpause {}`", text::word(name)),
        "restarting" => "`occ logs` shows why it ends".to_owned(),
        _ => "`occ start`".to_owned(),
    };
    report.wrong("container", format!("container '{name}' is {state}"), mend);
    Ok(())
}

fn volumes(report: &mut Report, found: &ContainerInspectResponse) {
    for target in [STORE, "/home"] {
        let mut mounts = found.mounts.iter().flatten();
        let mount = mounts.find(|mount| mount.destination.as_deref() == Some(target));
        match mount {
            None => report.wrong(
                "volumes",
                format!("nothing is mounted at {target}: it is lost with the container"),
                unkept(found, target),
            ),
            Some(mount) if mount.rw == Some(false) => {
                let mend = "make the container anew, without ':ro' there";
                report.wrong("volumes", format!("{target} is mounted read-only"), mend);
            }
            Some(mount) => {
                let source = mount.name.as_ref().or(mount.source.as_ref());
                report.fine(
                    "volumes",
                    format!("{target} is on '{}'", source.map_or("", |name| name)),
                );
            }
        }
    }
}

/// The way to a volume: everything goes out of the container, and into one that has it.
fn unkept(found: &ContainerInspectResponse, target: &str) -> String {
    let name = container::name_of(found);
    let word = text::word(&name);
    if target == STORE {
        let options = start_options(found);
        return format!(
            "`occ backup create people.tar --homes && docker stop {word} && docker rename {word} {word}-unkept && occ start{options} && occ backup restore people.tar --homes`"
        );
    }
    // A restore of a backup leaves homes alone that the next start makes, and Podman gives
    // to root what `docker cp` puts into a container.
    let volume = volume_name(&name, "home");
    let volume = text::word(&volume);
    format!(
        "`docker exec {word} tar -C / -cf - home >homes.tar && occ start --recreate --volume {volume}:/home && docker exec -i {word} tar -C / -xpf - <homes.tar`"
    )
}

/// The image and the address of a container, for one that is made from nothing.
fn start_options(found: &ContainerInspectResponse) -> String {
    let image = container::image_name(found).filter(|image| !container::is_id(image));
    let image = image.map(|image| format!(" --image {}", text::word(image)));
    let published = Published::of(found)
        .map(|Published { bind, port }| format!(" --bind {bind} --port {port}"));
    image.into_iter().chain(published).collect()
}

/// Without occ-init as PID 1 nobody restores the accounts at a start.
fn first_program(report: &mut Report, found: &ContainerInspectResponse) {
    let config = found.config.as_ref();
    let entrypoint = config.and_then(|config| config.entrypoint.as_ref());
    let command = config.and_then(|config| config.cmd.as_ref());
    let mut words = entrypoint.into_iter().chain(command).flatten();
    let is_init = |word: &String| word.rsplit('/').next() == Some("occ-init");
    let Some(first) = words.clone().next() else {
        return;
    };
    if !words.any(is_init) {
        let message = format!("the container starts with '{first}', not with occ-init");
        report.wrong(
            "image",
            message,
            "give the image the line ENTRYPOINT [\"/usr/local/bin/occ-init\", \"--\"]",
        );
    }
}

async fn image_age(
    report: &mut Report,
    docker: &Docker,
    found: &ContainerInspectResponse,
) -> Result<()> {
    let name = container::image_name(found).unwrap_or_default();
    let local = image::inspect(docker, name).await?;
    if local.is_some_and(|local| local.id != found.image) {
        report.wrong(
            "image",
            format!("there is a newer {name} than the container's"),
            "`occ update container`",
        );
    } else {
        report.fine("image", format!("the container runs {name}"));
    }
    Ok(())
}

/// The port answers, or is free for a container that does not run.
fn port(report: &mut Report, published: Option<Published>, running: bool, name: &str) {
    let Some(published) = published else {
        report.fine("ports", "port 3000 of the container is not published");
        return;
    };
    if running {
        // What is wrong with the first is so with the second.
        let urls = published.urls(name);
        let _ = urls.iter().all(|url| address(report, published, url));
        return;
    }
    let Published { bind, port } = published;
    match TcpListener::bind((bind, port)) {
        Ok(_) => report.fine("ports", format!("{bind}:{port} is free")),
        Err(error) => report.wrong(
            "ports",
            format!("{bind}:{port} can't be had: {}", plain(&error)),
            format!(
                "`occ start --port {}`, or another one that is free",
                free_port(bind)
            ),
        ),
    }
}

/// A port that is free right now.
fn free_port(bind: IpAddr) -> u16 {
    let found = TcpListener::bind((bind, 0)).and_then(|listener| listener.local_addr());
    found.map_or(3001, |address| address.port())
}

/// The URL, asked as a browser would; false if it is wrong.
fn address(report: &mut Report, published: Published, url: &str) -> bool {
    let host = probe::host_of(url);
    let (message, fix) = match probe::ask(published.near(), host) {
        Ok(Answer::Page | Answer::Other) => {
            report.fine("ports", format!("{url} answers"));
            return true;
        }
        Ok(Answer::WrongName) => (
            format!("the login does not take requests for {url}"),
            format!("`occ start --recreate --host-name {host}`"),
        ),
        Ok(Answer::Failed(status)) => (
            format!("{url} answers with error {status}"),
            "look with `occ logs`, then `occ restart`".to_owned(),
        ),
        Err(error) => (
            format!("{url} does not answer: {}", plain(&error)),
            "look with `occ logs`, then `occ restart`".to_owned(),
        ),
    };
    report.wrong("ports", message, fix);
    false
}

async fn inside(report: &mut Report, init: &OccInit, published: Option<Published>) -> Result<()> {
    let container = &init.container;
    match health::wait(&init.docker, &container.id, 0).await {
        Ok(()) => report.fine(
            "container",
            format!("container '{}' is healthy", container.name),
        ),
        Err(error) => {
            report.wrong(
                "container",
                error.to_string(),
                "look with `occ logs`, then `occ restart`",
            );
            // One that has ended meanwhile can't be asked more.
            if matches!(error, Error::Unhealthy { .. } | Error::Restarting(_)) {
                return Ok(());
            }
        }
    }
    let version = match init.version().await {
        Ok(version) => version,
        Err(error) => {
            report.wrong("image", error.to_string(), error.hint());
            return Ok(());
        }
    };
    age_of_init(report, &version);
    store::look(report, init).await;
    if let Ok(list) = init.accounts().await {
        exposure(report, published, &list);
    }
    Ok(())
}

fn age_of_init(report: &mut Report, version: &str) {
    let own = env!("CARGO_PKG_VERSION");
    if version == own {
        report.fine("image", format!("occ-init {version} is in it"));
    } else {
        let message = format!("occ-init {version} is in it, and this occ is {own}");
        report.wrong(
            "image",
            message,
            "`occ update container`, or install the occ that fits",
        );
    }
}

fn exposure(report: &mut Report, published: Option<Published>, list: &ListReply) {
    let enabled = list
        .accounts
        .iter()
        .filter(|account| account.status == Status::Enabled)
        .count();
    match published {
        Some(published) if enabled == 0 && !published.bind.is_loopback() => {
            let message = format!(
                "opencode is reachable on {} and nobody can log in",
                published.bind
            );
            report.wrong("exposure", message, "`occ user add`");
        }
        _ if enabled == 1 => report.fine("exposure", "1 account can log in"),
        _ => report.fine("exposure", format!("{enabled} accounts can log in")),
    }
}

#[cfg(test)]
mod tests;
