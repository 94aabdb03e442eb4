//! The settings of one run and the way to the engine: every command gets them.

use std::path::Path;

use bollard::Docker;

use crate::cli::{Global, Output};
use crate::config::{self, Config, DEFAULT_CONTAINER, KnownUsers};
use crate::engine::identity;
use crate::engine::{self, Chosen, EngineRequest};
use crate::error::{Error, Result};
use crate::occ_init::OccInit;
use crate::ui::show::{Format, Screen};
use crate::ui::terminal;

/// The settings of this run.
#[derive(Debug)]
pub(crate) struct Session {
    pub screen: Screen,
    pub no_input: bool,
    /// The configuration as it was at the start.
    pub config: Config,
    /// Why it is the default, if the file cannot be used; only for doctor.
    pub config_error: Option<Error>,
    /// The instance: the container's name.
    pub container: String,
    /// The place of its account names in the configuration.
    known_users_key: KnownUsers,
    /// The engine, and where its name came from.
    pub chosen: Chosen,
}

impl Session {
    /// Reads the configuration and decides on the engine, without a call.
    pub(crate) fn new(global: &Global) -> Result<Self> {
        Self::with_config(global, config::load()?, None)
    }

    /// The same for whoever looks for what is wrong: a configuration that cannot be used
    /// is a finding.
    pub(crate) fn for_doctor(global: &Global) -> Result<Self> {
        match config::load() {
            Ok(config) => Self::with_config(global, config, None),
            Err(error) => Self::with_config(global, Config::default(), Some(error)),
        }
    }

    fn with_config(global: &Global, config: Config, config_error: Option<Error>) -> Result<Self> {
        let chosen = EngineRequest::from_environment(global.host.clone(), global.context.clone())
            .choose(is_usable)?;
        let container = global.container.as_ref().or(config.container.as_ref());
        let container = container
            .map_or(DEFAULT_CONTAINER, String::as_str)
            .to_owned();
        let engine = chosen.elsewhere();
        Ok(Self {
            screen: screen(global),
            no_input: global.no_input,
            known_users_key: config.known_users_key(&container, engine.as_deref()),
            container,
            config,
            config_error,
            chosen,
        })
    }

    /// Puts the container's name where its id was given: names beside it, volumes and
    /// the configuration go by that. Without an engine the command itself says so.
    pub(crate) async fn resolve_id(&mut self) -> Result<()> {
        let is_hexadecimal = self.container.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hexadecimal {
            return Ok(());
        }
        let Ok(docker) = self.docker().await else {
            return Ok(());
        };
        self.container = identity::name_of(&docker, &self.container).await?;
        let engine = self.chosen.elsewhere();
        self.known_users_key = self
            .config
            .known_users_key(&self.container, engine.as_deref());
        Ok(())
    }

    /// The names of the container's accounts as last seen.
    pub(crate) fn known_users(&self) -> &[String] {
        self.config.users_of(&self.known_users_key)
    }

    pub(crate) async fn docker(&self) -> Result<Docker> {
        engine::connect(&self.chosen).await
    }

    /// The occ-init of the container, which has to run.
    pub(crate) async fn occ_init(&self) -> Result<OccInit> {
        let docker = self.docker().await?;
        let container = identity::running(&docker, &self.container).await?;
        Ok(OccInit { docker, container })
    }

    /// Changes the names of the container's accounts as last seen.
    pub(crate) fn follow(&self, edit: impl FnOnce(&mut Vec<String>)) {
        config::follow(&self.known_users_key, edit);
    }
}

/// Returns true for a socket that this user may use.
fn is_usable(socket: &Path) -> bool {
    use rustix::fs::{Access, access};
    access(socket, Access::READ_OK | Access::WRITE_OK).is_ok()
}

/// How answers look, from the flags.
pub(crate) fn screen(global: &Global) -> Screen {
    let format = match global.output {
        _ if global.json => Format::Json,
        Output::Json => Format::Json,
        Output::Name => Format::Name,
        Output::Table if global.quiet => Format::Name,
        Output::Table => Format::Text,
    };
    Screen {
        format,
        colours: terminal::colours(global.color),
        verbose: global.verbose,
        quiet: global.quiet,
    }
}
