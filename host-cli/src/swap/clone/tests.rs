//! A container on another image, field by field.

use bollard::models::{MountPoint, NetworkSettings, ResourcesUlimits};

use super::*;

fn published(bind: &str, port: u16) -> Published {
    Published {
        bind: bind.parse().unwrap(),
        port,
    }
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
            network_mode: Some("web".into()),
            binds: Some(text(&["/srv:/work:ro"])),
            port_bindings: Some(published("0.0.0.0", 80).binding()),
            ulimits: Some(vec![ResourcesUlimits {
                name: Some("RLIMIT_NOFILE".into()),
                ..ResourcesUlimits::default()
            }]),
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
fn second_network_does_not_replace_the_default_one() {
    let mut found = old_container();
    assert_eq!(first_network(&found).unwrap().0, "web");
    found.host_config.as_mut().unwrap().network_mode = Some("default".into());
    assert_eq!(first_network(&found), None);
    assert_eq!(networks(&found).len(), 1);
}

#[test]
fn clone_keeps_own_settings_and_drops_those_of_the_old_image() {
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
    let limits = host.ulimits.unwrap();
    assert_eq!(limits[0].name.as_deref(), Some("nofile"));
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
