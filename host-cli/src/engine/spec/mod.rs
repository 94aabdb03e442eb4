//! The containers that occ makes, as values.
//!
//! Nothing secret is ever put into its environment: `docker inspect` and every
//! exec show that.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use bollard::models::{
    ContainerCreateBody, ContainerInspectResponse, HostConfig, HostConfigLogConfig, Mount,
    MountType, PortBinding, RestartPolicyNameEnum,
};

use crate::engine::container::restart_policy;
use crate::engine::labels::{ROLE, VOLUMES, labels, volume_name};

/// The port that the login listens on in the container.
const INNER_PORT: &str = "3000/tcp";
/// CHOWN, FOWNER: homes and records; `DAC_OVERRIDE`: private homes; KILL: a
/// disabled person's processes; SETUID, SETGID: becoming a person.
const CAPABILITIES: [&str; 6] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "KILL",
    "SETGID",
    "SETUID",
];
/// occ-init ends its children within its grace period, far below this.
const STOP_SECONDS: i64 = 30;

/// The address and port that a container is published on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Published {
    pub bind: IpAddr,
    pub port: u16,
}

impl Published {
    /// The addresses to type into a browser on this machine. Each container has a name
    /// of its own: browsers keep what they store apart by name and port. Programs don't
    /// resolve such names as browsers do: `localhost` is beside it.
    pub(crate) fn urls(self, instance: &str) -> Vec<String> {
        if self.is_at_localhost() {
            let own = format!("http://{instance}.localhost:{}", self.port);
            return vec![own, format!("http://localhost:{}", self.port)];
        }
        vec![format!("http://{}:{}", host(self.bind), self.port)]
    }

    /// Returns true if localhost reaches it.
    pub(crate) fn is_at_localhost(self) -> bool {
        match self.bind {
            IpAddr::V4(address) => address == Ipv4Addr::LOCALHOST || address.is_unspecified(),
            IpAddr::V6(address) => address == Ipv6Addr::LOCALHOST || address.is_unspecified(),
        }
    }

    /// The address that reaches it from this machine.
    pub(crate) fn near(self) -> SocketAddr {
        let address = match self.bind {
            IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            address => address,
        };
        SocketAddr::new(address, self.port)
    }

    /// The names that the login has to answer to besides localhost's: it takes no
    /// others, so that no page elsewhere can be made to talk to it. Those of the
    /// `machine` count where it is published on all addresses.
    pub(crate) fn hosts(self, machine: &[String]) -> Vec<String> {
        let names = match self.bind {
            bind if bind.is_unspecified() => machine.to_vec(),
            bind if bind.is_loopback() => Vec::new(),
            bind => vec![host(bind)],
        };
        let names = names.iter().map(|name| format!("{name}:{}", self.port));
        names.collect()
    }

    /// The binding in the engine's form.
    pub(crate) fn binding(self) -> HashMap<String, Option<Vec<PortBinding>>> {
        let binding = PortBinding {
            host_ip: Some(self.bind.to_string()),
            host_port: Some(self.port.to_string()),
        };
        HashMap::from([(INNER_PORT.to_owned(), Some(vec![binding]))])
    }

    /// The binding of a container; `None` if it publishes nothing.
    pub(crate) fn of(found: &ContainerInspectResponse) -> Option<Self> {
        let ports = found.host_config.as_ref()?.port_bindings.as_ref()?;
        let binding = ports.get(INNER_PORT)?.as_ref()?.first()?;
        let bind = match binding.host_ip.as_deref() {
            None | Some("") => IpAddr::from([0, 0, 0, 0]),
            Some(address) => address.parse().ok()?,
        };
        Some(Self {
            bind,
            port: binding.host_port.as_deref()?.parse().ok()?,
        })
    }
}

/// An address as it stands in a URL.
pub(crate) fn host(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

/// A new container of an instance.
///
/// `has_json_log`: the engine's log driver is json-file, whose files have no end.
pub(crate) fn create(
    instance: &str,
    image: &str,
    published: Option<Published>,
    has_json_log: bool,
) -> ContainerCreateBody {
    let words = |words: &[&str]| Some(words.iter().map(|&word| word.to_owned()).collect());
    let mounts = VOLUMES.map(|(end, target)| volume(volume_name(instance, end), target));
    let host = HostConfig {
        mounts: Some(mounts.to_vec()),
        cap_drop: words(&["ALL"]),
        cap_add: words(&CAPABILITIES),
        port_bindings: published.map(Published::binding),
        restart_policy: Some(restart_policy(RestartPolicyNameEnum::UNLESS_STOPPED)),
        log_config: has_json_log.then(bounded_log),
        ..HostConfig::default()
    };
    ContainerCreateBody {
        image: Some(image.to_owned()),
        env: Some(vec![format!("OCC_GATE_NAME={instance}")]),
        hostname: Some(
            instance
                .chars()
                .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
                .take(63)
                .collect(),
        ),
        labels: Some(labels(instance)),
        exposed_ports: Some(vec![INNER_PORT.to_owned()]),
        stop_timeout: Some(STOP_SECONDS),
        host_config: Some(host),
        ..ContainerCreateBody::default()
    }
}

/// At most 30 MB of log, the oldest thrown away.
fn bounded_log() -> HostConfigLogConfig {
    let options = [("max-size", "10m"), ("max-file", "3")];
    let options = options.map(|(key, value)| (key.to_owned(), value.to_owned()));
    HostConfigLogConfig {
        typ: Some("json-file".to_owned()),
        config: Some(HashMap::from(options)),
    }
}

/// A volume, writable.
pub(crate) fn volume(name: String, target: &str) -> Mount {
    Mount {
        target: Some(target.to_owned()),
        source: Some(name),
        typ: Some(MountType::VOLUME),
        read_only: Some(false),
        ..Mount::default()
    }
}

/// The place of a mount in docker's short form, `SOURCE:TARGET`.
pub(crate) fn bind_target(bind: &str) -> Option<&str> {
    bind.split(':').nth(1)
}

/// `/srv/data/` is `/srv/data`: engines keep the first and show the second.
pub(crate) fn is_same_place(asked: Option<&str>, shown: &str) -> bool {
    asked.is_some_and(|asked| {
        Path::new(asked)
            .components()
            .eq(Path::new(shown).components())
    })
}

/// A container that runs the image's `occ-init check` on the store, read-only
/// and without a network, and nothing else.
pub(crate) fn check(
    instance: &str,
    image: &str,
    store: Mount,
    program: &str,
) -> ContainerCreateBody {
    let mut labels = labels(instance);
    labels.insert(ROLE.to_owned(), "check".to_owned());
    ContainerCreateBody {
        image: Some(image.to_owned()),
        entrypoint: Some(vec![program.to_owned()]),
        cmd: Some(vec!["check".to_owned(), "--json".to_owned()]),
        user: Some("0".to_owned()),
        labels: Some(labels),
        host_config: Some(HostConfig {
            mounts: Some(vec![Mount {
                read_only: Some(true),
                ..store
            }]),
            network_mode: Some("none".to_owned()),
            cap_drop: Some(vec!["ALL".to_owned()]),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    }
}

#[cfg(test)]
mod tests;
