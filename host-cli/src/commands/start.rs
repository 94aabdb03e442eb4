//! `occ start`: makes what is missing, starts it, waits until it is healthy.

use bollard::Docker;
use bollard::models::{ContainerInspectResponse, VolumeCreateRequest};
use bollard::query_parameters::CreateContainerOptionsBuilder;

use crate::cli::Start;
use crate::commands::desired::{Desired, Requested, differences};
use crate::engine::container::{self, Listed, store_mount};
use crate::engine::identity;
use crate::engine::labels::{self, VOLUMES, volume_name};
use crate::engine::spec::{self, Published};
use crate::error::{Error, Result};
use crate::image::{self, build};
use crate::occ_init::OccInit;
use crate::session::Session;
use crate::swap::{Kept, Swap, checks, health, recover};
use crate::ui::progress::Progress;
use crate::ui::{interrupt, show};

pub(crate) async fn run(session: &Session, start: &Start) -> Result<()> {
    crate::commands::config::warn_of_unknown(&session.config);
    let docker = session.docker().await?;
    let _notice = interrupt::notice("look with `occ status`; `occ start` goes on from there");
    let progress = Progress::new(session.screen);
    let work = Work {
        session,
        docker: &docker,
        start,
        progress: &progress,
    };
    let container = work.until_healthy().await?;
    drop(progress);
    say_ready(session, &docker, &container).await
}

struct Work<'a> {
    session: &'a Session,
    docker: &'a Docker,
    start: &'a Start,
    progress: &'a Progress,
}

impl Work<'_> {
    /// A container that runs may be at its end: the engine carries a stop out even
    /// when whoever asked for it was killed. Such a one is started again, once.
    async fn until_healthy(&self) -> Result<Listed> {
        let was_running = self.run().await?;
        match self.healthy().await {
            Err(_) if was_running && self.has_stopped().await? => {
                self.progress
                    .step("It was being stopped; starting it again");
                self.run().await?;
                self.healthy().await
            }
            result => result,
        }
    }

    async fn healthy(&self) -> Result<Listed> {
        self.progress.step("Waiting until it is healthy");
        let container = identity::running(self.docker, &self.session.container).await?;
        health::wait(self.docker, &container.id, self.start.wait_timeout).await?;
        Ok(container)
    }

    async fn has_stopped(&self) -> Result<bool> {
        let listed = identity::find(self.docker, &self.session.container).await?;
        Ok(listed.is_some_and(|listed| listed.state == "exited"))
    }

    /// Returns true if the container ran, and was left alone.
    async fn run(&self) -> Result<bool> {
        let instance = &self.session.container;
        recover::instance(self.docker, instance, self.progress).await?;
        let listed = identity::find(self.docker, instance).await?;
        checks::refuse_shared(self.docker, instance, listed.as_ref(), self.start.shared).await?;
        let found = match &listed {
            Some(listed) => container::inspect(self.docker, &listed.id).await?,
            None => None,
        };
        let requested = Requested::new(self.session, self.start);
        let desired = requested.desired(found.as_ref());
        self.make_image(&desired.image).await?;
        match found {
            None => self.create(&desired).await.map(|()| false),
            Some(found) => self.existing(&found, &requested, &desired).await,
        }
    }

    /// Builds with --build and where the default image is missing; pulls others.
    async fn make_image(&self, name: &str) -> Result<()> {
        let present = image::inspect(self.docker, name).await?;
        let wanted = self.start.build || (present.is_none() && name == image::DEFAULT);
        if wanted {
            let base = self.session.config.base_image.as_deref();
            let inputs = build::inputs(self.docker, base, present.as_ref(), self.progress).await?;
            build::build(self.docker, name, &inputs, self.progress).await
        } else if present.is_some() {
            Ok(())
        } else {
            image::pull(self.docker, name, self.progress).await
        }
    }

    async fn create(&self, desired: &Desired) -> Result<()> {
        let (docker, instance) = (self.docker, &self.session.container);
        self.progress
            .step(&format!("Making container '{instance}'"));
        make_volumes(docker, instance).await?;
        let options = CreateContainerOptionsBuilder::default()
            .name(instance)
            .build();
        let body = spec::create(instance, &desired.image, desired.published);
        let made = docker
            .create_container(Some(options), body)
            .await
            .map_err(Error::engine(format!("make the container '{instance}'")))?;
        if let Err(error) = container::start(docker, &made.id, instance).await {
            // It never ran; left behind it would ask for the same port again.
            container::remove(docker, &made.id).await?;
            return Err(error);
        }
        Ok(())
    }

    /// A container that is there: started, left alone (true), or made anew.
    async fn existing(
        &self,
        found: &ContainerInspectResponse,
        requested: &Requested,
        desired: &Desired,
    ) -> Result<bool> {
        let name = container::name_of(found);
        let state = container::state_word(found);
        if state == "paused" {
            return Err(Error::Paused(name));
        }
        let newer = image::inspect(self.docker, &desired.image)
            .await?
            .is_some_and(|image| image.id != found.image);
        let image_asked = requested.image.is_some() || self.start.build;
        let differs = differences(found, desired, newer && image_asked);
        if self.start.recreate || (state != "running" && !differs.is_empty()) {
            self.recreate(found, desired).await?;
            return Ok(false);
        }
        let screen = self.session.screen;
        if newer && !image_asked {
            screen.progress(&format!(
                "there is a newer {}; `occ update container` moves to it",
                desired.image
            ));
        }
        if state == "running" {
            screen.message(&format!("Container '{name}' is running already."));
            for difference in differs {
                screen.progress(&format!("{difference}; `occ start --recreate` applies it"));
            }
            return Ok(true);
        }
        self.progress.step(&format!("Starting container '{name}'"));
        let id = found.id.as_deref().unwrap_or_default();
        container::start(self.docker, id, &name).await?;
        Ok(false)
    }

    async fn recreate(&self, found: &ContainerInspectResponse, desired: &Desired) -> Result<()> {
        self.progress.step(&format!(
            "Making container '{}' anew",
            container::name_of(found)
        ));
        let swap = Swap {
            docker: self.docker,
            instance: &self.session.container,
            old: found,
            seconds: self.start.wait_timeout,
            progress: self.progress,
        };
        Box::pin(swap.for_image(&desired.image, desired.published, Kept::No)).await
    }
}

async fn make_volumes(docker: &Docker, instance: &str) -> Result<()> {
    for (end, _) in VOLUMES {
        let name = volume_name(instance, end);
        let request = VolumeCreateRequest {
            name: Some(name.clone()),
            labels: Some(labels::labels(instance)),
            ..VolumeCreateRequest::default()
        };
        docker
            .create_volume(request)
            .await
            .map_err(Error::engine(format!("make the volume '{name}'")))?;
    }
    Ok(())
}

/// The address, and what is worth knowing about the accounts.
pub(crate) async fn say_ready(session: &Session, docker: &Docker, listed: &Listed) -> Result<()> {
    let found = container::present(docker, &listed.id).await?;
    let published = Published::of(&found);
    let accounts = OccInit::of(docker, &found).accounts().await?;
    let none = accounts.accounts.is_empty();
    if let Some(published) = published.filter(|published| none && !published.bind.is_loopback()) {
        show::warn(&format!(
            "opencode is reachable on {} and there is no account yet",
            published.bind
        ));
    }
    if session.screen.format == show::Format::Json {
        return crate::commands::status::show(session, docker, &found)
            .await
            .map(|_| ());
    }
    let name = &listed.name;
    session.screen.message(&match published {
        None => format!("Container '{name}' is ready; it publishes no port."),
        Some(published) => format!("Container '{name}' is ready: {}", published.url(name)),
    });
    if none && store_mount(&found).is_some() {
        session
            .screen
            .message("No users yet. Add one with `occ user add`.");
    }
    Ok(())
}
