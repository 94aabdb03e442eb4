//! `occ start`: makes what is missing, starts it, waits until it is healthy.

use bollard::Docker;
use bollard::models::{ContainerCreateBody, ContainerInspectResponse, VolumeCreateRequest};

use crate::cli::Start;
use crate::commands::desired::{self, Desired, Requested, differences};
use crate::commands::{env_file, ready};
use crate::engine::container::{self, Listed};
use crate::engine::labels::{self, VOLUMES, volume_name};
use crate::engine::spec::{self, Published};
use crate::engine::{identity, machine};
use crate::error::{Error, Result};
use crate::image::{self, Origin, build};
use crate::session::Session;
use crate::swap::{Kept, NewImage, Swap, checks, health, managed, recover};
use crate::ui::interrupt;
use crate::ui::progress::Progress;

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
    let url = ready::say(session, &docker, &container).await?;
    if start.open {
        ready::open(url.as_deref());
    }
    Ok(())
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
            Some(listed) => identity::inspect_ours(self.docker, listed).await?,
            None => None,
        };
        let typed = Requested::typed(self.start, env_file::read(&self.start.env_file)?);
        let Some(found) = found else {
            let settings = self.session.config.settings(Some(instance));
            Box::pin(self.create(&typed.or_configured(settings))).await?;
            return Ok(false);
        };
        let desired = typed.desired(Some(&found));
        self.make_image(&desired.image, Some(&found)).await?;
        self.existing(&found, &typed, &desired).await
    }

    /// Returns true if the container is to run the newest image of its name.
    fn is_image_asked(&self) -> bool {
        self.start.build || self.start.recreate || self.start.image.is_some()
    }

    /// Builds with --build and where the default image is missing; pulls others. A
    /// container that is there runs without its name.
    async fn make_image(&self, name: &str, found: Option<&ContainerInspectResponse>) -> Result<()> {
        if found.is_some() && !self.is_image_asked() {
            return Ok(());
        }
        let present = image::inspect(self.docker, name).await?;
        if self.start.build || (present.is_none() && name == image::DEFAULT) {
            let base = self.session.config.base_image.as_deref();
            let inputs = build::inputs(self.docker, base, present.as_ref(), self.progress).await?;
            if present.is_some_and(|present| image::origin(&present) == Origin::Child) {
                return Err(image::not_ours(name));
            }
            build::build(self.docker, name, &inputs, self.progress).await
        } else if present.is_some() {
            Ok(())
        } else {
            image::pull(self.docker, name, self.progress).await
        }
    }

    async fn create(&self, requested: &Requested) -> Result<()> {
        let (docker, instance) = (self.docker, &self.session.container);
        let desired = requested.desired(None);
        self.make_image(&desired.image, None).await?;
        self.progress
            .step(&format!("Making container '{instance}'"));
        make_volumes(docker, instance).await?;
        let info = docker
            .info()
            .await
            .map_err(Error::engine("describe itself"))?;
        let has_json_log = info.logging_driver.as_deref() == Some("json-file");
        let mut body = spec::create(instance, &desired.image, desired.published, has_json_log);
        requested.apply(&mut body, None, desired.published, &self.machine());
        let id = container::create(docker, instance, body).await?;
        if let Err(error) = container::start(docker, &id, instance).await {
            // It never ran; left behind it would ask for the same port again.
            container::remove(docker, &id).await?;
            return Err(error);
        }
        Ok(())
    }

    /// The names of the machine that publishes the port.
    fn machine(&self) -> Vec<String> {
        if !self.session.chosen.is_here() {
            return Vec::new();
        }
        let addresses = machine::addresses().into_iter().map(spec::host);
        machine::name().into_iter().chain(addresses).collect()
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
        if state != "running" {
            managed::refuse_task(found, |service| {
                format!("`docker service scale {service}=1` starts it")
            })?;
        }
        let newer = image::inspect(self.docker, &desired.image)
            .await?
            .is_some_and(|image| image.id != found.image);
        let is_asked = self.is_image_asked();
        let screen = self.session.screen;
        if newer && !is_asked {
            screen.progress(&format!(
                "there is a newer {}; `occ update container` moves to it",
                desired.image
            ));
        }
        let differs = differences(found, requested, desired, newer && is_asked);
        if self.start.recreate || (state != "running" && !differs.is_empty()) {
            // The name may stand for one by now that an update has tried, and that was
            // gone back from.
            let kept = found.image.as_deref().filter(|_| newer && !is_asked);
            self.recreate(found, requested, desired, kept).await?;
            return Ok(false);
        }
        if state == "running" {
            screen.message(&format!("Container '{name}' is running already."));
            let options = desired::options(self.start);
            for difference in differs {
                screen.progress(&format!(
                    "{difference}; `occ start --recreate{options}` applies it"
                ));
            }
            return Ok(true);
        }
        self.progress.step(&format!("Starting container '{name}'"));
        let id = found.id.as_deref().unwrap_or_default();
        container::start(self.docker, id, &name).await?;
        Ok(false)
    }

    /// Puts one with the desired settings in its place; `kept` is the id of an image that
    /// it keeps.
    async fn recreate(
        &self,
        found: &ContainerInspectResponse,
        requested: &Requested,
        desired: &Desired,
        kept: Option<&str>,
    ) -> Result<()> {
        let name = container::name_of(found);
        self.progress
            .step(&format!("Making container '{name}' anew"));
        let image = NewImage {
            name: &desired.image,
            id: kept,
        };
        let swap = Swap {
            docker: self.docker,
            instance: &identity::label_of(self.docker, &name).await?,
            old: found,
            seconds: self.start.wait_timeout,
            progress: self.progress,
        };
        let (old, machine) = (Published::of(found), self.machine());
        let edit = |body: &mut ContainerCreateBody| {
            requested.apply(body, old, desired.published, &machine);
        };
        Box::pin(swap.for_image(image, edit, Kept::No)).await
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
