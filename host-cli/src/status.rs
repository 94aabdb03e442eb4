//! `occ status`.

use accounts::wire::{ListReply, SCHEMA};
use bollard::Docker;
use bollard::models::ContainerInspectResponse;
use serde::Serialize;

use crate::container::{self, Listed};
use crate::error::Result;
use crate::init;
use crate::session::Session;
use crate::show::{self, Format, fields};
use crate::spec::Published;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    schema: u32,
    container: ContainerReport,
    image: Option<ImageReport>,
    urls: Vec<String>,
    volumes: Vec<VolumeReport>,
    /// How many accounts; unknown unless the container runs.
    users: Option<usize>,
}

#[derive(Debug, Serialize)]
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
    let found = match container::find(&docker, &session.container).await? {
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
    let users = if running {
        count(docker, found).await
    } else {
        None
    };
    print(session, &report(found, users));
    Ok(running)
}

/// A container without occ-init has a status all the same.
async fn count(docker: &Docker, found: &ContainerInspectResponse) -> Option<usize> {
    let listed = Listed {
        id: found.id.clone()?,
        name: container::name_of(found),
        state: String::new(),
        image: String::new(),
    };
    let args = vec!["user".into(), "list".into(), "--json".into()];
    match init::call::<ListReply>(docker, &listed, args, None).await {
        Ok(reply) => Some(reply.accounts.len()),
        Err(error) => {
            show::warn(&format!("the accounts are unknown: {error}"));
            None
        }
    }
}

fn absent(name: &str) -> Report {
    let container = ContainerReport {
        name: name.to_owned(),
        id: None,
        state: "absent".into(),
        health: None,
        started_at: None,
    };
    Report {
        schema: SCHEMA,
        container,
        image: None,
        urls: vec![],
        volumes: vec![],
        users: None,
    }
}

fn report(found: &ContainerInspectResponse, users: Option<usize>) -> Report {
    let state = found.state.as_ref();
    // The engine calls a stopped container unhealthy for ever.
    let running = state.filter(|state| state.running == Some(true));
    let health = running
        .and_then(|state| state.health.as_ref()?.status)
        .map(|health| health.to_string());
    let image = found
        .config
        .as_ref()
        .and_then(|config| config.image.clone());
    let volumes = found.mounts.iter().flatten().filter_map(|mount| {
        let name = mount.name.clone().or_else(|| mount.source.clone())?;
        Some(VolumeReport {
            name,
            target: mount.destination.clone()?,
        })
    });
    let mut volumes: Vec<_> = volumes.collect();
    volumes.sort_by(|a, b| a.target.cmp(&b.target));
    Report {
        schema: SCHEMA,
        container: ContainerReport {
            name: container::name_of(found),
            id: found.id.clone(),
            state: container::state_word(found),
            health,
            started_at: state.and_then(|state| state.started_at.clone()),
        },
        image: image.map(|name| ImageReport {
            name,
            id: found.image.clone(),
        }),
        urls: Published::of(found)
            .map(Published::url)
            .into_iter()
            .collect(),
        volumes,
        users,
    }
}

fn print(session: &Session, report: &Report) {
    match session.screen.format {
        Format::Json => show::json(report),
        Format::Name => show::line(&report.container.state),
        Format::Text => show::line(&text(report)),
    }
}

fn text(report: &Report) -> String {
    let mut rows = vec![
        ("Container", report.container.name.clone()),
        ("State", report.container.state.clone()),
    ];
    rows.extend(
        report
            .container
            .health
            .clone()
            .map(|health| ("Health", health)),
    );
    rows.extend(report.image.as_ref().map(|image| {
        let id = image
            .id
            .as_deref()
            .unwrap_or_default()
            .trim_start_matches("sha256:");
        (
            "Image",
            format!("{} ({})", image.name, id.get(..12).unwrap_or(id)),
        )
    }));
    rows.extend(report.urls.iter().map(|url| ("URL", url.clone())));
    rows.extend(
        report
            .volumes
            .iter()
            .map(|volume| ("Volume", format!("{} → {}", volume.name, volume.target))),
    );
    rows.extend(report.users.map(|users| ("Users", users.to_string())));
    fields(&rows)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn the_status_names_the_volumes() {
        let report = Report {
            schema: 1,
            container: ContainerReport {
                name: "opencode".into(),
                id: Some("1".into()),
                state: "running".into(),
                health: Some("healthy".into()),
                started_at: None,
            },
            image: Some(ImageReport {
                name: "occ:local".into(),
                id: Some("sha256:0123456789abcdef".into()),
            }),
            urls: vec!["http://localhost:3000".into()],
            volumes: vec![VolumeReport {
                name: "opencode-users".into(),
                target: "/var/lib/opencode-users".into(),
            }],
            users: Some(2),
        };
        expect![[r"
            Container: opencode
            State:     running
            Health:    healthy
            Image:     occ:local (0123456789ab)
            URL:       http://localhost:3000
            Volume:    opencode-users → /var/lib/opencode-users
            Users:     2"]]
        .assert_eq(&text(&report));
        expect![[r"
            Container: opencode
            State:     absent"]]
        .assert_eq(&text(&absent("opencode")));
    }
}
