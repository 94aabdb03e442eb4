//! Containers as they are made, whole.

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
fn a_new_container_has_six_capabilities_and_three_volumes() {
    let body = create(
        "opencode",
        "occ:local",
        Some(published("127.0.0.1", 3000)),
        true,
    );
    assert_eq!(body.env, Some(vec!["OCC_GATE_NAME=opencode".to_owned()]));
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
          "LogConfig": {
            "Config": {
              "max-file": "3",
              "max-size": "10m"
            },
            "Type": "json-file"
          },
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
            },
            {
              "ReadOnly": false,
              "Source": "opencode-gate",
              "Target": "/var/lib/occ-gate",
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

#[test]
fn urls_are_for_the_machine_they_are_read_on() {
    let machine = ["host.lan", "192.0.2.9"].map(str::to_owned);
    let localhost = ["http://team.localhost:3000", "http://localhost:3000"];
    for (bind, urls, hosts) in [
        ("127.0.0.1", &localhost[..], &[][..]),
        ("0.0.0.0", &localhost, &["host.lan:3000", "192.0.2.9:3000"]),
        ("127.0.0.2", &["http://127.0.0.2:3000"], &[]),
        ("192.0.2.7", &["http://192.0.2.7:3000"], &["192.0.2.7:3000"]),
        (
            "2001:db8::1",
            &["http://[2001:db8::1]:3000"],
            &["[2001:db8::1]:3000"],
        ),
    ] {
        let published = published(bind, 3000);
        assert_eq!(published.urls("team"), urls, "{bind}");
        assert_eq!(published.hosts(&machine), hosts, "{bind}");
    }
}
