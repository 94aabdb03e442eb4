use expect_test::expect;

use super::*;

#[test]
fn the_status_names_the_volumes() {
    let report = StatusReport {
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
        gate: Some(GateView {
            sessions: 1,
            instances: vec![OpencodeView {
                user_name: "alice".into(),
                state: "ready".into(),
                since_usec: 1_795_320_782_868_471,
                memory_bytes: 325_058_560,
            }],
        }),
    };
    expect![[r"
        Container: opencode
        State:     running
        Health:    healthy
        Image:     occ:local (0123456789ab)
        URL:       http://localhost:3000
        Volume:    opencode-users → /var/lib/opencode-users
        Users:     2
        opencode:  alice, ready for 2 min, 310 MiB"]]
    .assert_eq(&text(&report, Duration::from_secs(1_795_320_913)));
    expect![[r"
        Container: opencode
        State:     absent"]]
    .assert_eq(&text(&absent("opencode"), Duration::ZERO));
}
