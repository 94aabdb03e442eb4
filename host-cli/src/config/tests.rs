//! Keys that are read, kept, named and refused.

use super::*;

#[test]
fn each_container_has_names_of_its_own() {
    let mut config = Config::parse(br#"{"schema":1,"users":["alice"]}"#).unwrap();
    let own = config.known_users_key("opencode", None);
    let other = config.known_users_key("box", None);
    let there = config.known_users_key("opencode", Some("ssh://there"));
    assert_eq!(own, KnownUsers::Configured);
    config.edit_users(&other, |users| users.push("bob".into()));
    config.edit_users(&there, |users| users.push("carol".into()));
    assert_eq!(config.users_of(&own), ["alice"]);
    assert_eq!(config.users_of(&other), ["bob"]);
    let written = serde_json::to_value(&config).unwrap();
    assert_eq!(
        written["instances"]["opencode@ssh://there"]["users"][0],
        "carol"
    );
    config.edit_users(&other, Vec::clear);
    config.edit_users(&there, Vec::clear);
    assert!(
        serde_json::to_value(&config)
            .unwrap()
            .get("instances")
            .is_none()
    );
    config.container = Some("box".into());
    assert_eq!(config.known_users_key("box", None), KnownUsers::Configured);
}

#[test]
fn values_are_checked_and_a_refused_one_changes_nothing() {
    let mut config = Config::default();
    for (key, value) in [
        (Key::Port, "0"),
        (Key::Port, "65536"),
        (Key::Port, "http"),
        (Key::Bind, "localhost"),
        (Key::Container, "-x"),
        (Key::Container, "a b"),
        (Key::Image, ""),
        (Key::BaseImage, ""),
    ] {
        assert_eq!(
            config
                .set(key, Some(value), None)
                .unwrap_err()
                .kind()
                .exit_code(),
            9,
            "{key:?} {value}"
        );
    }
    assert_eq!(
        config
            .set(Key::Users, Some("x"), None)
            .unwrap_err()
            .kind()
            .exit_code(),
        2
    );
    assert_eq!(config, Config::default());
    config.set(Key::Bind, Some("::1"), None).unwrap();
    config.set(Key::Bind, None, None).unwrap();
    assert_eq!(config.settings.bind, None);
}

#[test]
fn image_of_a_registry_with_a_port_is_kept_whole() {
    let mut config = Config::default();
    let name = "registry:5000/occ:1";
    config.set(Key::Image, Some(name), None).unwrap();
    assert_eq!(config.settings.image.as_deref(), Some(name));
}

#[test]
fn port_and_names_are_one_containers_and_the_rest_holds_for_all() {
    let mut config = Config::default();
    let mut set = |key, value: &str, container| config.set(key, Some(value), container).unwrap();
    set(Key::Port, "4000", None);
    set(Key::Image, "mine:1", None);
    set(Key::Gate("gate_hosts"), "one.example.com", None);
    set(Key::Gate("gate_idle"), "1h", None);
    set(Key::Gate("gate_idle"), "2h", Some("team"));
    config.edit_users(&KnownUsers::Other("team".into()), |users| {
        users.push("bob".into());
    });
    let users = |container| config.get(Key::Users, container);
    assert_eq!(users(None), Some(Vec::<String>::new().into()));
    assert_eq!(users(Some("team")), Some(vec!["bob"].into()));
    config.edit_users(&KnownUsers::Other("team".into()), Vec::clear);
    let of = |container| config.settings(container);
    assert_eq!(of(Some("opencode")), of(None));
    assert_eq!(of(None).port, Some(4000));
    let team = of(Some("team"));
    assert_eq!((team.port, team.image.as_deref()), (None, Some("mine:1")));
    let login: Vec<_> = team.login.into_iter().collect();
    assert_eq!(login, [("gate_idle".to_owned(), "2h".to_owned())]);
    config
        .set(Key::Gate("gate_idle"), None, Some("team"))
        .unwrap();
    assert_eq!(config.instances.len(), 0);
    let written = serde_json::to_vec(&config).unwrap();
    assert_eq!(Config::parse(&written).unwrap(), config);
}

/// The login's own list of settings, as its source has it.
#[test]
fn every_setting_of_the_login_has_a_key() {
    let source = include_str!("../../../gate/src/settings/mod.rs");
    let names = source.split("env = \"OCC_GATE_").skip(1);
    let names: Vec<_> = names.filter_map(|rest| rest.split('"').next()).collect();
    assert!(names.len() > 7, "{names:?}");
    for name in names
        .iter()
        .filter(|name| !matches!(**name, "LISTEN" | "NAME"))
    {
        let word = format!("gate_{}", name.to_ascii_lowercase());
        assert!(GATE.contains(&word.as_str()), "{word} is missing");
    }
}

#[test]
fn compose_swarm_and_kubernetes_pass_every_setting_of_the_login() {
    let compose = include_str!("../../../image/compose.yaml");
    let swarm = include_str!("../../../image/swarm.yaml");
    let kubernetes = include_str!("../../../image/kubernetes/opencode.yaml");
    for word in GATE {
        let name = format!("OCC_{}", word.to_ascii_uppercase());
        for file in [compose, swarm] {
            assert!(file.contains(&format!("{name}: ${{{name}:-}}")), "{name}");
        }
        assert!(kubernetes.contains(&format!("name: {name}\n")), "{name}");
    }
}

#[test]
fn unknown_keys_are_named_wherever_they_stand() {
    let file =
        br#"{"schema":1,"prot":1,"gate_hosts":"x","login":{"gate_idel":"1h","gate_idle":"2h"},
        "instances":{"team":{"prot":2,"login":{"hosts":"x"}}}}"#;
    let config = Config::parse(file).unwrap();
    let mut unknown: Vec<_> = config.unknown_keys().collect();
    unknown.sort_unstable();
    let near = |name: &str| Some(name.to_owned());
    let expected = [
        ("gate_hosts", near("login.gate_hosts")),
        ("gate_idel", near("gate_idle")),
        ("hosts", None),
        ("prot", near("port")),
        ("prot", near("port")),
    ];
    assert_eq!(unknown, expected);
}
