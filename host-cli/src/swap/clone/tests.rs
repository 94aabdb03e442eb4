//! A container on another image, field by field.

use bollard::models::{MountPoint, NetworkSettings, ResourcesUlimits};
use serde_json::json;

use super::*;
use crate::engine::container::image_name;
use crate::engine::spec::Published;

fn published(bind: &str, port: u16) -> Published {
    Published {
        bind: bind.parse().unwrap(),
        port,
    }
}

const NEXT: NewImage = NewImage {
    name: "occ:next",
    id: None,
};

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
    let body = copy(&found, &image, NEXT);
    assert_eq!(body.image.as_deref(), Some("occ:next"));
    assert_eq!(body.hostname, None);
    assert_eq!(body.env, Some(text(&["LANG=de", "MINE=1"])));
    // The image's command comes with the image's entrypoint alone.
    assert_eq!(body.cmd, Some(text(&["old-command"])));
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
}

/// Every setting of a host that `docker run` and Compose know, each with a value that is
/// not its default; those of Windows too.
fn every_host_setting() -> serde_json::Value {
    serde_json::from_str(EVERY).unwrap()
}

const EVERY: &str = r#"{
        "CpuShares": 512, "Memory": 536870912, "CgroupParent": "/people", "BlkioWeight": 300,
        "BlkioWeightDevice": [{"Path": "/dev/sda", "Weight": 200}],
        "BlkioDeviceReadBps": [{"Path": "/dev/sda", "Rate": 1}],
        "BlkioDeviceWriteBps": [{"Path": "/dev/sda", "Rate": 2}],
        "BlkioDeviceReadIOps": [{"Path": "/dev/sda", "Rate": 3}],
        "BlkioDeviceWriteIOps": [{"Path": "/dev/sda", "Rate": 4}],
        "CpuPeriod": 100000, "CpuQuota": 50000, "CpuRealtimePeriod": 1000000,
        "CpuRealtimeRuntime": 950000, "CpusetCpus": "0-1", "CpusetMems": "0",
        "Devices": [{"PathOnHost": "/dev/fuse", "PathInContainer": "/dev/fuse", "CgroupPermissions": "rwm"}],
        "DeviceCgroupRules": ["c 13:* rwm"],
        "DeviceRequests": [{"Driver": "nvidia", "Count": -1, "DeviceIDs": ["0"],
            "Capabilities": [["gpu"]], "Options": {"a": "b"}}],
        "MemoryReservation": 1, "MemorySwap": -1, "MemorySwappiness": 60, "NanoCpus": 1500000000,
        "OomKillDisable": true, "Init": true, "PidsLimit": 100,
        "Ulimits": [{"Name": "nofile", "Soft": 1024, "Hard": 2048}],
        "CpuCount": 1, "CpuPercent": 2, "IOMaximumIOps": 3, "IOMaximumBandwidth": 4,
        "Binds": ["/srv:/srv/data/:ro", "named:/data"], "ContainerIDFile": "/tmp/id",
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m"}}, "NetworkMode": "web",
        "PortBindings": {"3000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "80"}]},
        "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3}, "AutoRemove": false,
        "VolumeDriver": "local", "VolumesFrom": ["other:ro"],
        "Mounts": [{"Type": "tmpfs", "Target": "/cache", "TmpfsOptions": {"SizeBytes": 5}},
            {"Type": "volume", "Source": "deep", "Target": "/deep", "ReadOnly": true,
             "VolumeOptions": {"NoCopy": true, "Subpath": "below"}}],
        "ConsoleSize": [24, 80], "Annotations": {"io.x": "1"}, "CapAdd": ["NET_ADMIN"], "CapDrop": ["ALL"],
        "CgroupnsMode": "private", "Dns": ["192.0.2.53"], "DnsOptions": ["ndots:2"],
        "DnsSearch": ["example.com"], "ExtraHosts": ["there:192.0.2.7"], "GroupAdd": ["27"],
        "IpcMode": "shareable", "Cgroup": "c", "Links": ["/db:/box/db"], "OomScoreAdj": 500,
        "PidMode": "host", "Privileged": true, "PublishAllPorts": true, "ReadonlyRootfs": true,
        "SecurityOpt": ["seccomp=unconfined"], "StorageOpt": {"size": "10G"}, "Tmpfs": {"/run": "size=1m"},
        "UTSMode": "private", "UsernsMode": "host", "ShmSize": 67108864,
        "Sysctls": {"net.core.somaxconn": "1024"}, "Runtime": "runc", "Isolation": "default",
        "MaskedPaths": ["/proc/kcore"], "ReadonlyPaths": ["/proc/sys"]
    }"#;

fn with_host(host: serde_json::Value) -> ContainerInspectResponse {
    ContainerInspectResponse {
        host_config: Some(serde_json::from_value(host).unwrap()),
        ..old_container()
    }
}

#[test]
fn every_setting_of_the_host_is_kept() {
    let all = every_host_setting();
    let mut found = with_host(all.clone());
    found.mounts = Some(vec![]);
    let kept = serde_json::to_value(copy(&found, &old_image(), NEXT).host_config).unwrap();
    // One that the model does not know is missing on the left; one that is not in the
    // list above, in the model.
    for (key, value) in all.as_object().unwrap() {
        assert_eq!(kept.get(key), Some(value), "HostConfig.{key}");
    }
    let known = format!("{:?}", HostConfig::default());
    assert_eq!(
        known.matches(": None").count(),
        all.as_object().unwrap().len()
    );
    assert!(lost(&found, &with_host(kept)).is_empty());
}

#[test]
fn every_setting_of_the_container_is_kept() {
    let all = json!({
        "Hostname": "box", "Domainname": "example.com", "User": "1000", "AttachStdin": true,
        "AttachStdout": true, "AttachStderr": true, "ExposedPorts": {"80/tcp": {}}, "Tty": true,
        "OpenStdin": true, "StdinOnce": true, "Env": ["A=1"], "Cmd": ["mine"],
        "Healthcheck": {"Test": ["CMD", "true"], "Interval": 1}, "ArgsEscaped": true,
        "Volumes": {"/nameless": {}}, "WorkingDir": "/srv", "Entrypoint": ["/own"],
        "NetworkDisabled": true, "Labels": {"mine": "1"}, "StopSignal": "SIGINT", "StopTimeout": 5,
        "Shell": ["/bin/bash", "-c"],
    });
    let mut found = old_container();
    found.config = Some(serde_json::from_value(all.clone()).unwrap());
    let kept = serde_json::to_value(copy(&found, &old_image(), NEXT)).unwrap();
    for (key, value) in all.as_object().unwrap() {
        assert_eq!(kept.get(key), Some(value), "Config.{key}");
    }
    // Image is another one, and OnBuild is for builds alone.
    let known = format!("{:?}", ContainerConfig::default());
    assert_eq!(
        known.matches(": None").count(),
        all.as_object().unwrap().len() + 2
    );
}

/// Each: entrypoint and command of the image, of the container, and what is asked for.
#[test]
fn entrypoint_and_command_stay_what_they_are() {
    type Words = Option<&'static [&'static str]>;
    let cases: [(Words, Words, Words, Words, Words, Words); 5] = [
        (
            Some(&["i"]),
            Some(&["c"]),
            Some(&["i"]),
            Some(&["c"]),
            None,
            None,
        ),
        (
            Some(&["i"]),
            Some(&["c"]),
            Some(&["i"]),
            Some(&["d"]),
            None,
            Some(&["d"]),
        ),
        // An engine drops the image's command for another entrypoint.
        (
            Some(&["i"]),
            Some(&["c"]),
            Some(&["j"]),
            Some(&["c"]),
            Some(&["j"]),
            Some(&["c"]),
        ),
        (
            Some(&["i"]),
            Some(&["c"]),
            None,
            Some(&["c"]),
            Some(&[""]),
            Some(&["c"]),
        ),
        (None, Some(&["c"]), None, Some(&["c"]), None, None),
    ];
    let own = |words: Words| words.map(text);
    for (number, case) in cases.into_iter().enumerate() {
        let image = ImageConfig {
            entrypoint: own(case.0),
            cmd: own(case.1),
            ..ImageConfig::default()
        };
        let config = ContainerConfig {
            entrypoint: own(case.2),
            cmd: own(case.3),
            ..ContainerConfig::default()
        };
        assert_eq!(
            program(&config, &image),
            (own(case.4), own(case.5)),
            "{number}"
        );
    }
}

fn mounted(host: serde_json::Value, mounts: serde_json::Value) -> Vec<Mount> {
    let mut found = with_host(host);
    found.mounts = Some(serde_json::from_value(mounts).unwrap());
    let body = copy(&found, &old_image(), NEXT);
    body.host_config.unwrap().mounts.unwrap_or_default()
}

#[test]
fn volumes_without_a_name_stay_the_same_ones() {
    let shown = |target: &str, writable| json!([{"Type": "volume", "Name": "v", "Destination": target, "RW": writable}]);
    // What `--volumes-from other:ro` brings may not be written afterwards either.
    let from = mounted(json!({"VolumesFrom": ["other:ro"]}), shown("/data", false));
    assert_eq!(
        (from[0].source.as_deref(), from[0].read_only),
        (Some("v"), Some(true))
    );
    // Engines keep the slash in one place and drop it in the other.
    assert!(mounted(json!({"Binds": ["v:/srv/data/"]}), shown("/srv/data", true)).is_empty());
    let asked = json!({"Mounts": [{"Type": "volume", "Target": "/srv/data/"}]});
    let asked = mounted(asked, shown("/srv/data", true));
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].source.as_deref(), Some("v"));
}

/// `--network ID --ip ADDRESS --network-alias NAME --mac-address ADDRESS`.
#[test]
fn network_that_was_given_by_id_keeps_address_and_alias() {
    let id = "ab".repeat(32);
    let mut found = with_host(json!({"NetworkMode": &id[..12]}));
    let networks = json!({"web": {"NetworkID": id, "Aliases": ["app", "0123456789ab"],
        "IPAMConfig": {"IPv4Address": "192.0.2.9"}, "MacAddress": "02:42:ac:11:00:09",
        "DriverOpts": {"a": "b"}, "Links": ["db:db"], "GwPriority": 3,
        "EndpointID": "e", "Gateway": "192.0.2.1", "IPAddress": "192.0.2.9"}});
    found.network_settings = Some(NetworkSettings {
        networks: Some(serde_json::from_value(networks).unwrap()),
        ..NetworkSettings::default()
    });
    let body = copy(&found, &old_image(), NEXT);
    let made = body.networking_config.unwrap().endpoints_config.unwrap();
    let made = serde_json::to_value(&made[&id[..12]]).unwrap();
    let asked = json!({"Aliases": ["app"], "IPAMConfig": {"IPv4Address": "192.0.2.9"},
        "MacAddress": "02:42:ac:11:00:09", "DriverOpts": {"a": "b"}, "Links": ["db:db"], "GwPriority": 3});
    assert_eq!(made, asked);
}

/// An engine refuses a host name, and ports, beside another's network.
#[test]
fn one_in_anothers_network_gets_no_name_of_its_own() {
    let mut image = old_image();
    image.exposed_ports = Some(text(&["3000/tcp"]));
    for host in [
        json!({"NetworkMode": "container:other"}),
        json!({"UTSMode": "host"}),
    ] {
        let mut found = with_host(host);
        let config = found.config.as_mut().unwrap();
        config.hostname = Some("other".into());
        config.exposed_ports = Some(text(&["3000/tcp"]));
        let body = copy(&found, &image, NEXT);
        assert_eq!((body.hostname, body.exposed_ports), (None, Some(vec![])));
    }
}

#[test]
fn what_an_engine_did_not_take_over_is_named() {
    let found =
        with_host(json!({"PidsLimit": 100, "Sysctls": {"a": "1"}, "Memory": 0, "MemorySwap": -1}));
    let mut made = with_host(json!({"PidsLimit": 0, "Memory": 0}));
    made.network_settings = None;
    assert_eq!(
        lost(&found, &made),
        [
            "HostConfig.PidsLimit",
            "HostConfig.Sysctls",
            "NetworkSettings.Networks.web"
        ]
    );
}

/// The name stands for another image by now.
#[test]
fn container_made_from_an_id_keeps_the_name_of_its_image() {
    let image = NewImage {
        name: "occ:local",
        id: Some("sha256:00"),
    };
    let body = copy(&old_container(), &old_image(), image);
    let again = ContainerInspectResponse {
        config: Some(ContainerConfig {
            image: body.image,
            labels: body.labels,
            ..ContainerConfig::default()
        }),
        ..ContainerInspectResponse::default()
    };
    assert_eq!(image_name(&again), Some("occ:local"));
    let after = copy(&again, &ImageConfig::default(), NEXT);
    let labels = HashMap::from([("mine".to_owned(), "2".to_owned())]);
    assert_eq!(after.labels, Some(labels));
}

#[test]
fn hardware_address_that_somebody_chose_is_told_from_the_engines() {
    let found = |address: &str, hardware: &str| {
        let networks = json!({"web": {"IPAddress": address, "MacAddress": hardware}});
        let mut found = old_container();
        found.network_settings = Some(NetworkSettings {
            networks: Some(serde_json::from_value(networks).unwrap()),
            ..NetworkSettings::default()
        });
        chosen_hardware_addresses(&found).len()
    };
    assert_eq!(found("192.0.2.9", "02:42:C0:00:02:09"), 0);
    assert_eq!(found("192.0.2.9", "02:42:c0:00:02:0a"), 1);
    assert_eq!(found("", ""), 0);
    assert_eq!(found("192.0.2.9", ""), 0);
}
