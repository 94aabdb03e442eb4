//! `occ status`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use accounts::wire::{GateView, OpencodeView, SCHEMA, StatusReply};
use bollard::Docker;
use bollard::models::ContainerInspectResponse;
use serde::Serialize;

use crate::engine::container;
use crate::engine::identity;
use crate::engine::reached;
use crate::error::Result;
use crate::image;
use crate::occ_init::OccInit;
use crate::session::Session;
use crate::ui::show::{self, Format, fields};

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusReport {
    schema: u32,
    container: ContainerReport,
    image: Option<ImageReport>,
    urls: Vec<String>,
    volumes: Vec<VolumeReport>,
    /// How many accounts; unknown unless the container runs.
    users: Option<usize>,
    /// People logged in and their opencodes; none where no login runs.
    gate: Option<GateView>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct ContainerReport {
    name: String,
    id: Option<String>,
    /// The engine's word, or "absent".
    state: String,
    health: Option<String>,
    started_at: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ImageReport {
    name: String,
    id: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct VolumeReport {
    name: String,
    target: String,
}

/// Runs the command; true if the container runs.
pub(crate) async fn run(session: &Session) -> Result<bool> {
    let docker = session.docker().await?;
    let found = match identity::find(&docker, &session.container).await? {
        Some(listed) => container::inspect(&docker, &listed.id).await?,
        None => None,
    };
    let Some(found) = found else {
        print(session, &absent(&session.container));
        return Ok(false);
    };
    show(session, &docker, &found).await
}

/// Shows a container that is there; true if it runs.
pub(crate) async fn show(
    session: &Session,
    docker: &Docker,
    found: &ContainerInspectResponse,
) -> Result<bool> {
    let running = container::state_word(found) == "running";
    let mut report = report(found);
    let published = reached::published(docker, found).await?;
    report.urls = published
        .map(|published| published.urls(&report.container.name))
        .unwrap_or_default();
    if running {
        let init = OccInit::of(docker, found);
        report.users = count(&init).await;
        report.gate = gate(&init).await;
    }
    print(session, &report);
    Ok(running)
}

/// A container without occ-init has a status all the same.
async fn count(init: &OccInit) -> Option<usize> {
    match init.accounts().await {
        Ok(reply) => Some(reply.accounts.len()),
        Err(error) => {
            show::warn(&format!("the accounts are unknown: {error}"));
            None
        }
    }
}

/// Without a login there is nothing to say.
async fn gate(init: &OccInit) -> Option<GateView> {
    let args = vec!["status".into(), "--json".into()];
    let reply = init.call::<StatusReply>(args).await;
    reply.ok().and_then(|reply| reply.gate)
}

fn absent(name: &str) -> StatusReport {
    StatusReport {
        schema: SCHEMA,
        container: ContainerReport {
            name: name.to_owned(),
            state: "absent".into(),
            ..ContainerReport::default()
        },
        ..StatusReport::default()
    }
}

fn report(found: &ContainerInspectResponse) -> StatusReport {
    let state = found.state.as_ref();
    // The engine calls a stopped container unhealthy for ever.
    let running = state.filter(|state| state.running == Some(true));
    let health = running
        .and_then(|state| state.health.as_ref()?.status)
        .map(|health| health.to_string());
    let volumes = found.mounts.iter().flatten().filter_map(|mount| {
        let name = mount.name.clone().or_else(|| mount.source.clone())?;
        Some(VolumeReport {
            name,
            target: mount.destination.clone()?,
        })
    });
    let mut volumes: Vec<_> = volumes.collect();
    volumes.sort_by(|a, b| a.target.cmp(&b.target));
    StatusReport {
        schema: SCHEMA,
        container: ContainerReport {
            name: container::name_of(found),
            id: found.id.clone(),
            state: container::state_word(found),
            health,
            started_at: state.and_then(|state| state.started_at.clone()),
        },
        image: container::image_name(found).map(|name| ImageReport {
            name: name.to_owned(),
            id: found.image.clone(),
        }),
        volumes,
        ..StatusReport::default()
    }
}

fn print(session: &Session, report: &StatusReport) {
    match session.screen.format {
        Format::Json => show::json(report),
        Format::Name => show::line(&crate::text::line(&report.container.state)),
        Format::Text => {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            show::line(&text(report, now.unwrap_or_default()))
        }
    };
}

fn text(report: &StatusReport, now: Duration) -> String {
    let mut rows = vec![
        ("Container", report.container.name.clone()),
        ("State", report.container.state.clone()),
    ];
    let health = report.container.health.clone();
    rows.extend(health.map(|health| ("Health", health)));
    rows.extend(report.image.as_ref().map(|image| {
        let shown = image::with_short_id(&image.name, image.id.as_deref());
        ("Image", shown)
    }));
    rows.extend(report.urls.iter().map(|url| ("URL", url.clone())));
    for volume in &report.volumes {
        rows.push(("Volume", format!("{} → {}", volume.name, volume.target)));
    }
    rows.extend(report.users.map(|users| ("Users", users.to_string())));
    for opencode in report.gate.iter().flat_map(|gate| &gate.instances) {
        let OpencodeView {
            user_name, state, ..
        } = opencode;
        let mebibytes = opencode.memory_bytes / (1024 * 1024);
        let age = age(now.saturating_sub(Duration::from_micros(opencode.since_usec)));
        let told = format!("{user_name}, {state} for {age}, {mebibytes} MiB");
        rows.push(("opencode", told));
    }
    fields(&rows)
}

/// In the largest unit that fits.
fn age(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min", seconds / 60),
        seconds @ 3600..86_400 => format!("{} h", seconds / 3600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests;
