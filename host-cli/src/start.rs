//! `occ start`: makes what is missing, starts it, waits until it is healthy.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};

use accounts::wire::ListReply;
use bollard::Docker;
use bollard::models::{ContainerInspectResponse, VolumeCreateRequest};
use bollard::query_parameters::CreateContainerOptionsBuilder;

use crate::cli::Start;
use crate::container::{self, Listed, STORE};
use crate::error::{Error, Result};
use crate::progress::Progress;
use crate::session::Session;
use crate::spec::{self, Published, VOLUMES, volume_name};
use crate::swap::{self, Kept};
use crate::{health, image, init, interrupt, show};

const DEFAULT_PORT: u16 = 3000;

/// Runs the command.
pub(crate) async fn run(session: &Session, start: &Start) -> Result<()> {
    let docker = session.docker().await?;
    let _notice = interrupt::notice("look with `occ status`; `occ start` goes on from there");
    let found = container::find(&docker, &session.container).await?;
    refuse_shared(&docker, &session.container, found.as_ref(), start.shared).await?;
    let image = start.image.clone().or_else(|| session.config.image.clone());
    let image = image.unwrap_or_else(|| image::DEFAULT.to_owned());
    let progress = Progress::new(session.screen);
    make_image(session, &docker, start, &image, &progress).await?;
    let published = wanted(session, start);
    match found {
        None => create(&docker, &session.container, &image, published, &progress).await?,
        Some(found) => {
            existing(
                session, &docker, start, &found, &image, published, &progress,
            )
            .await?;
        }
    }
    progress.step("Waiting until it is healthy");
    let container = container::running(&docker, &session.container).await?;
    health::wait(&docker, &container.id, start.wait_timeout).await?;
    drop(progress);
    say_ready(session, &docker, &container).await
}

fn wanted(session: &Session, start: &Start) -> Published {
    Published {
        bind: start
            .bind
            .or(session.config.bind)
            .unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        port: start.port.or(session.config.port).unwrap_or(DEFAULT_PORT),
    }
}

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

async fn store_source(docker: &Docker, own: &Listed) -> Result<Option<String>> {
    let found = container::inspect(docker, &own.id).await?;
    Ok(found
        .as_ref()
        .and_then(spec::store_mount)
        .and_then(|mount| mount.source))
}

/// Builds with --build and where the default image is missing; pulls others.
async fn make_image(
    session: &Session,
    docker: &Docker,
    start: &Start,
    name: &str,
    progress: &Progress,
) -> Result<()> {
    let present = image::inspect(docker, name).await?.is_some();
    if start.build || (!present && name == image::DEFAULT) {
        let inputs = image::inputs(docker, session.config.base_image.as_deref(), progress).await?;
        image::build(docker, name, &inputs, progress).await
    } else if present {
        Ok(())
    } else {
        image::pull(docker, name, progress).await
    }
}

async fn create(
    docker: &Docker,
    instance: &str,
    image: &str,
    published: Published,
    progress: &Progress,
) -> Result<()> {
    progress.step(&format!("Making container '{instance}'"));
    make_volumes(docker, instance).await?;
    let options = CreateContainerOptionsBuilder::default()
        .name(instance)
        .build();
    let body = spec::create(instance, image, published);
    let made = docker
        .create_container(Some(options), body)
        .await
        .map_err(Error::engine(format!("make the container '{instance}'")))?;
    if let Err(error) = start_container(docker, &made.id, instance).await {
        // It never ran; left behind it would keep the port that was refused.
        swap::remove(docker, &made.id).await?;
        return Err(error);
    }
    Ok(())
}

async fn make_volumes(docker: &Docker, instance: &str) -> Result<()> {
    for (end, _) in VOLUMES {
        let name = volume_name(instance, end);
        let request = VolumeCreateRequest {
            name: Some(name.clone()),
            labels: Some(spec::labels(instance)),
            ..VolumeCreateRequest::default()
        };
        docker
            .create_volume(request)
            .await
            .map_err(Error::engine(format!("make the volume '{name}'")))?;
    }
    Ok(())
}

async fn start_container(docker: &Docker, id: &str, name: &str) -> Result<()> {
    docker
        .start_container(id, None)
        .await
        .map_err(Error::engine(format!("start the container '{name}'")))
}

/// A container that is there: started, left alone, or made anew.
async fn existing(
    session: &Session,
    docker: &Docker,
    start: &Start,
    listed: &Listed,
    image: &str,
    published: Published,
    progress: &Progress,
) -> Result<()> {
    let found = container::inspect(docker, &listed.id)
        .await?
        .ok_or(Error::NotRunning)?;
    let image_id = image::inspect(docker, image)
        .await?
        .and_then(|image| image.id);
    let differs = differences(&found, image, image_id.as_deref(), published);
    let running = listed.state == "running";
    if listed.state == "paused" {
        return Err(Error::Paused(listed.name.clone()));
    }
    if start.recreate || (!running && !differs.is_empty()) {
        progress.step(&format!("Making container '{}' anew", listed.name));
        let plan = swap::Plan {
            instance: &session.container,
            image,
            published: Some(published),
            seconds: start.wait_timeout,
        };
        return swap::run(docker, &found, &plan, Kept::No, progress).await;
    }
    if running {
        session
            .screen
            .message(&format!("Container '{}' is running already.", listed.name));
        for difference in differs {
            session
                .screen
                .progress(&format!("{difference}; `occ start --recreate` applies it"));
        }
        return Ok(());
    }
    progress.step(&format!("Starting container '{}'", listed.name));
    start_container(docker, &listed.id, &listed.name).await
}

/// What is asked for and is not so, in words.
fn differences(
    found: &ContainerInspectResponse,
    image: &str,
    image_id: Option<&str>,
    published: Published,
) -> Vec<String> {
    let mut list = Vec::new();
    if image_id.is_some() && found.image.as_deref() != image_id {
        let old = found
            .config
            .as_ref()
            .and_then(|config| config.image.as_deref())
            .unwrap_or("another image");
        list.push(if old == image {
            format!("the image {image} is newer than the container")
        } else {
            format!("the container runs {old}, not {image}")
        });
    }
    let now = Published::of(found);
    if now.is_none_or(|now| now.port != published.port) {
        list.push(format!("the port is not {}", published.port));
    }
    if now.is_some_and(|now| now.bind != published.bind) {
        list.push(format!("the address is not {}", published.bind));
    }
    list
}

/// The address, and what is worth knowing about the accounts.
pub(crate) async fn say_ready(session: &Session, docker: &Docker, listed: &Listed) -> Result<()> {
    let found = container::inspect(docker, &listed.id)
        .await?
        .ok_or(Error::NotRunning)?;
    let published = Published::of(&found);
    let accounts: ListReply = init::call(
        docker,
        listed,
        vec!["user".into(), "list".into(), "--json".into()],
        None,
    )
    .await?;
    let none = accounts.accounts.is_empty();
    if let Some(published) = published.filter(|published| none && !published.bind.is_loopback()) {
        show::warn(&format!(
            "opencode is reachable on {} and there is no account yet",
            published.bind
        ));
    }
    if session.screen.format == show::Format::Json {
        return crate::status::show(session, docker, &found)
            .await
            .map(|_| ());
    }
    session.screen.message(&published.map_or_else(
        || {
            format!(
                "Container '{}' is ready; it publishes no port.",
                listed.name
            )
        },
        |published| format!("Container '{}' is ready: {}", listed.name, published.url()),
    ));
    if none
        && found
            .mounts
            .iter()
            .flatten()
            .any(|mount| mount.destination.as_deref() == Some(STORE))
    {
        session
            .screen
            .message("No users yet. Add one with `occ user add`.");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use bollard::models::{ContainerConfig, HostConfig};

    use super::*;

    #[test]
    fn says_what_differs_from_what_is_asked() {
        let published = |port| Published {
            bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port,
        };
        let body = spec::create("opencode", "occ:local", published(3000));
        let found = ContainerInspectResponse {
            image: Some("sha256:1".into()),
            config: Some(ContainerConfig {
                image: Some("occ:local".into()),
                ..ContainerConfig::default()
            }),
            host_config: body.host_config,
            ..ContainerInspectResponse::default()
        };
        assert!(differences(&found, "occ:local", Some("sha256:1"), published(3000)).is_empty());
        assert_eq!(
            differences(&found, "occ:local", Some("sha256:2"), published(3001)),
            [
                "the image occ:local is newer than the container",
                "the port is not 3001"
            ]
        );
        assert_eq!(
            differences(&found, "other", Some("sha256:2"), published(3000)),
            ["the container runs occ:local, not other"]
        );
        let unpublished = ContainerInspectResponse {
            host_config: Some(HostConfig::default()),
            ..found
        };
        assert_eq!(
            differences(&unpublished, "occ:local", Some("sha256:1"), published(3000)),
            ["the port is not 3000"]
        );
    }
}
