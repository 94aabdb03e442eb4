//! The container as a value: what is made, what differs, what is copied.
//!
//! Nothing secret is ever put into its environment: `docker inspect` and every
//! exec show that.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use bollard::models::{
    ContainerConfig, ContainerCreateBody, ContainerInspectResponse, EndpointSettings, HostConfig,
    ImageConfig, Mount, MountType, NetworkingConfig, PortBinding, RestartPolicy,
    RestartPolicyNameEnum,
};

use crate::container::{INSTANCE, STORE};

/// The port opencode listens on in the container.
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

/// The volumes of an instance, by the end of their names, and where they go.
pub(crate) const VOLUMES: [(&str, &str); 2] = [("users", STORE), ("home", "/home")];

/// Where the container is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Published {
    /// Address on the host.
    pub bind: IpAddr,
    /// Port on the host.
    pub port: u16,
}

impl Published {
    /// The address to type into a browser on this machine.
    pub(crate) fn url(self) -> String {
        match self.bind {
            bind if bind.is_loopback() || bind.is_unspecified() => {
                format!("http://localhost:{}", self.port)
            }
            IpAddr::V4(bind) => format!("http://{bind}:{}", self.port),
            IpAddr::V6(bind) => format!("http://[{bind}]:{}", self.port),
        }
    }

    fn binding(self) -> HashMap<String, Option<Vec<PortBinding>>> {
        let binding = PortBinding {
            host_ip: Some(self.bind.to_string()),
            host_port: Some(self.port.to_string()),
        };
        HashMap::from([(INNER_PORT.to_owned(), Some(vec![binding]))])
    }

    /// Where a container is published; None if it is not.
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

/// The name of a volume of an instance.
pub(crate) fn volume_name(instance: &str, end: &str) -> String {
    format!("{instance}-{end}")
}

/// The label that ties a thing to its instance.
pub(crate) fn labels(instance: &str) -> HashMap<String, String> {
    HashMap::from([(INSTANCE.to_owned(), instance.to_owned())])
}

/// A new container of an instance.
pub(crate) fn create(
    instance: &str,
    image: &str,
    published: Option<Published>,
) -> ContainerCreateBody {
    let words = |words: &[&str]| Some(words.iter().map(|&word| word.to_owned()).collect());
    let mounts = VOLUMES.map(|(end, target)| volume(volume_name(instance, end), target));
    let host = HostConfig {
        mounts: Some(mounts.to_vec()),
        cap_drop: words(&["ALL"]),
        cap_add: words(&CAPABILITIES),
        port_bindings: published.map(Published::binding),
        restart_policy: Some(restart_policy(RestartPolicyNameEnum::UNLESS_STOPPED)),
        ..HostConfig::default()
    };
    ContainerCreateBody {
        image: Some(image.to_owned()),
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

/// A restart policy of that name.
pub(crate) fn restart_policy(name: RestartPolicyNameEnum) -> RestartPolicy {
    RestartPolicy {
        name: Some(name),
        maximum_retry_count: None,
    }
}

fn volume(name: String, target: &str) -> Mount {
    Mount {
        target: Some(target.to_owned()),
        source: Some(name),
        typ: Some(MountType::VOLUME),
        read_only: Some(false),
        ..Mount::default()
    }
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
    labels.insert(crate::container::ROLE.to_owned(), "check".to_owned());
    ContainerCreateBody {
        image: Some(image.to_owned()),
        entrypoint: Some(vec![program.to_owned()]),
        cmd: Some(vec!["check".to_owned()]),
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

/// The mount of the store, whatever kind it is; None if there is none.
pub(crate) fn store_mount(found: &ContainerInspectResponse) -> Option<Mount> {
    let mounts = found.mounts.as_ref()?;
    let mount = mounts
        .iter()
        .find(|mount| mount.destination.as_deref() == Some(STORE))?;
    let is_volume = mount.name.as_ref().is_some_and(|name| !name.is_empty());
    Some(Mount {
        target: Some(STORE.to_owned()),
        source: if is_volume {
            mount.name.clone()
        } else {
            mount.source.clone()
        },
        typ: Some(if is_volume {
            MountType::VOLUME
        } else {
            MountType::BIND
        }),
        ..Mount::default()
    })
}

/// The same container on another image: ports, mounts, labels and environment
/// stay; what only came from the old image comes from the new one.
pub(crate) fn copy(
    found: &ContainerInspectResponse,
    old_image: &ImageConfig,
    image: &str,
    published: Option<Published>,
) -> ContainerCreateBody {
    let config = found.config.clone().unwrap_or_default();
    let mut host = found.host_config.clone().unwrap_or_default();
    keep_anonymous_volumes(found, &mut host);
    if let Some(published) = published {
        host.port_bindings
            .get_or_insert_default()
            .extend(published.binding());
    }
    ContainerCreateBody {
        image: Some(image.to_owned()),
        hostname: config
            .hostname
            .clone()
            .filter(|name| !is_short_id(found, name)),
        env: Some(without(config.env.as_ref(), old_image.env.as_ref())),
        labels: Some(own_labels(&config, old_image)),
        cmd: changed(config.cmd, old_image.cmd.as_ref()),
        entrypoint: changed(config.entrypoint, old_image.entrypoint.as_ref()),
        healthcheck: changed(config.healthcheck, old_image.healthcheck.as_ref()),
        working_dir: changed(config.working_dir, old_image.working_dir.as_ref()),
        user: changed(config.user, old_image.user.as_ref()),
        stop_signal: changed(config.stop_signal, old_image.stop_signal.as_ref()),
        domainname: config.domainname,
        tty: config.tty,
        open_stdin: config.open_stdin,
        exposed_ports: config.exposed_ports,
        stop_timeout: config.stop_timeout,
        networking_config: first_network(found).map(|(name, settings)| NetworkingConfig {
            endpoints_config: Some(HashMap::from([(name, settings)])),
        }),
        host_config: Some(host),
        ..ContainerCreateBody::default()
    }
}

fn changed<T: PartialEq>(own: Option<T>, image: Option<&T>) -> Option<T> {
    own.filter(|own| Some(own) != image)
}

fn without(own: Option<&Vec<String>>, image: Option<&Vec<String>>) -> Vec<String> {
    let image: BTreeSet<&String> = image.into_iter().flatten().collect();
    own.into_iter()
        .flatten()
        .filter(|value| !image.contains(value))
        .cloned()
        .collect()
}

fn own_labels(config: &ContainerConfig, image: &ImageConfig) -> HashMap<String, String> {
    let from_image = |key: &String, value: &String| {
        image.labels.as_ref().and_then(|labels| labels.get(key)) == Some(value)
    };
    let labels = config.labels.clone().unwrap_or_default();
    labels
        .into_iter()
        .filter(|(key, value)| !from_image(key, value))
        .collect()
}

fn is_short_id(found: &ContainerInspectResponse, name: &str) -> bool {
    !name.is_empty() && found.id.as_deref().is_some_and(|id| id.starts_with(name))
}

/// A volume that only the image's VOLUME line asked for has no entry in the
/// host configuration; the copy would get an empty one instead.
fn keep_anonymous_volumes(found: &ContainerInspectResponse, host: &mut HostConfig) {
    let bound = |target: &str| {
        let in_binds = host
            .binds
            .iter()
            .flatten()
            .any(|bind| bind.split(':').nth(1) == Some(target));
        in_binds
            || host
                .mounts
                .iter()
                .flatten()
                .any(|mount| mount.target.as_deref() == Some(target))
    };
    let lost: Vec<Mount> = found
        .mounts
        .iter()
        .flatten()
        .filter_map(|mount| {
            Some((
                mount.name.clone().filter(|name| !name.is_empty())?,
                mount.destination.clone()?,
            ))
        })
        .filter(|(_, target)| !bound(target))
        .map(|(name, target)| volume(name, &target))
        .collect();
    host.mounts.get_or_insert_default().extend(lost);
}

/// The networks that a person made, by name, with what was asked of them.
pub(crate) fn networks(found: &ContainerInspectResponse) -> Vec<(String, EndpointSettings)> {
    let networks = found
        .network_settings
        .as_ref()
        .and_then(|settings| settings.networks.clone());
    let mut list: Vec<_> = networks
        .unwrap_or_default()
        .into_iter()
        .filter(|(name, _)| !matches!(name.as_str(), "bridge" | "host" | "none" | "default"))
        .map(|(name, settings)| (name, asked_of(found, settings)))
        .collect();
    let main = found
        .host_config
        .as_ref()
        .and_then(|host| host.network_mode.clone());
    list.sort_by_key(|(name, _)| (Some(name) != main.as_ref(), name.clone()));
    list
}

fn first_network(found: &ContainerInspectResponse) -> Option<(String, EndpointSettings)> {
    networks(found).into_iter().next()
}

fn asked_of(found: &ContainerInspectResponse, settings: EndpointSettings) -> EndpointSettings {
    let aliases = settings.aliases.map(|aliases| {
        aliases
            .into_iter()
            .filter(|alias| !is_short_id(found, alias))
            .collect::<Vec<_>>()
    });
    EndpointSettings {
        aliases,
        ipam_config: settings.ipam_config,
        links: settings.links,
        driver_opts: settings.driver_opts,
        ..EndpointSettings::default()
    }
}

#[cfg(test)]
mod tests {
    use bollard::models::{MountPoint, NetworkSettings};
    use expect_test::expect;

    use super::*;

    fn published(bind: &str, port: u16) -> Published {
        Published {
            bind: bind.parse().unwrap(),
            port,
        }
    }

    fn sorted(value: impl serde::Serialize) -> String {
        serde_json::to_string_pretty(&serde_json::to_value(value).unwrap()).unwrap()
    }

    #[test]
    fn a_new_container_has_six_capabilities_two_volumes_and_no_environment() {
        let body = create("opencode", "occ:local", Some(published("127.0.0.1", 3000)));
        assert_eq!(body.env, None);
        expect![[r#"
            {
              "CapAdd": [
                "CHOWN",
                "DAC_OVERRIDE",
                "FOWNER",
                "KILL",
                "SETGID",
                "SETUID"
              ],
              "CapDrop": [
                "ALL"
              ],
              "Mounts": [
                {
                  "ReadOnly": false,
                  "Source": "opencode-users",
                  "Target": "/var/lib/opencode-users",
                  "Type": "volume"
                },
                {
                  "ReadOnly": false,
                  "Source": "opencode-home",
                  "Target": "/home",
                  "Type": "volume"
                }
              ],
              "PortBindings": {
                "3000/tcp": [
                  {
                    "HostIp": "127.0.0.1",
                    "HostPort": "3000"
                  }
                ]
              },
              "RestartPolicy": {
                "Name": "unless-stopped"
              }
            }"#]]
        .assert_eq(&sorted(body.host_config));
    }

    fn text(words: &[&str]) -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    fn old_image() -> ImageConfig {
        ImageConfig {
            env: Some(text(&["PATH=/bin", "LANG=C"])),
            cmd: Some(text(&["old-command"])),
            entrypoint: Some(text(&["/init"])),
            labels: Some(HashMap::from([("image".into(), "1".into())])),
            ..ImageConfig::default()
        }
    }

    fn old_container() -> ContainerInspectResponse {
        ContainerInspectResponse {
            id: Some("0123456789abcdef".into()),
            config: Some(ContainerConfig {
                hostname: Some("0123456789ab".into()),
                env: Some(text(&["PATH=/bin", "LANG=de", "MINE=1"])),
                cmd: Some(text(&["old-command"])),
                entrypoint: Some(text(&["/init", "--"])),
                labels: Some(HashMap::from([
                    ("image".into(), "1".into()),
                    ("mine".into(), "2".into()),
                ])),
                ..ContainerConfig::default()
            }),
            host_config: Some(HostConfig {
                binds: Some(text(&["/srv:/work:ro"])),
                port_bindings: Some(published("0.0.0.0", 80).binding()),
                ..HostConfig::default()
            }),
            mounts: Some(vec![
                MountPoint {
                    name: Some("anon".into()),
                    destination: Some("/data".into()),
                    ..MountPoint::default()
                },
                MountPoint {
                    destination: Some("/work".into()),
                    ..MountPoint::default()
                },
            ]),
            network_settings: Some(NetworkSettings {
                networks: Some(HashMap::from([
                    ("bridge".into(), EndpointSettings::default()),
                    (
                        "web".into(),
                        EndpointSettings {
                            aliases: Some(text(&["app", "0123456789ab"])),
                            ..EndpointSettings::default()
                        },
                    ),
                ])),
                ..NetworkSettings::default()
            }),
            ..ContainerInspectResponse::default()
        }
    }

    #[test]
    fn a_copy_keeps_what_was_asked_for_and_leaves_the_old_image_behind() {
        let (image, found) = (old_image(), old_container());
        let body = copy(&found, &image, "occ:next", None);
        assert_eq!(body.image.as_deref(), Some("occ:next"));
        assert_eq!(body.hostname, None);
        assert_eq!(body.env, Some(text(&["LANG=de", "MINE=1"])));
        assert_eq!(body.cmd, None);
        assert_eq!(body.entrypoint, Some(text(&["/init", "--"])));
        assert_eq!(
            body.labels,
            Some(HashMap::from([("mine".into(), "2".into())]))
        );
        let host = body.host_config.unwrap();
        assert_eq!(host.binds, Some(text(&["/srv:/work:ro"])));
        let mounts = host.mounts.unwrap();
        assert_eq!(mounts.len(), 1);
        assert_eq!(mounts[0].source.as_deref(), Some("anon"));
        let networks = body.networking_config.unwrap().endpoints_config.unwrap();
        assert_eq!(networks["web"].aliases, Some(text(&["app"])));
        let moved = copy(&found, &image, "occ:next", Some(published("127.0.0.1", 81)));
        let again = ContainerInspectResponse {
            host_config: moved.host_config,
            ..found
        };
        assert_eq!(Published::of(&again), Some(published("127.0.0.1", 81)));
    }

    #[test]
    fn urls_are_for_the_machine_they_are_read_on() {
        assert_eq!(published("127.0.0.1", 3000).url(), "http://localhost:3000");
        assert_eq!(published("0.0.0.0", 80).url(), "http://localhost:80");
        assert_eq!(published("192.0.2.7", 80).url(), "http://192.0.2.7:80");
        assert_eq!(
            published("2001:db8::1", 80).url(),
            "http://[2001:db8::1]:80"
        );
    }
}
