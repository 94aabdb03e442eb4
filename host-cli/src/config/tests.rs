//! Keys that are read, kept, named and refused.

use super::*;

#[test]
fn unknown_keys_are_kept() {
    let text = br#"{"schema":1,"users":["alice"],"container":"box","port":3001,"bind":"127.0.0.1","theme":{"dark":true}}"#;
    let mut config = Config::parse(text).unwrap();
    config.set(Key::Port, "4000").unwrap();
    let written: Value = serde_json::from_slice(&serde_json::to_vec(&config).unwrap()).unwrap();
    assert_eq!(written["theme"]["dark"], true);
    assert_eq!(written["port"], 4000);
    assert_eq!(written["users"][0], "alice");
    assert_eq!(written["schema"], 1);
}

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
fn an_unknown_key_is_named_with_the_nearest_known_one() {
    let config = Config::parse(br#"{"schema":1,"prot":1,"zzz":2}"#).unwrap();
    let unknown: Vec<_> = config.unknown_keys().collect();
    assert_eq!(unknown, [("prot", Some("port")), ("zzz", None)]);
}

#[test]
fn refuses_a_newer_schema_and_broken_files() {
    assert!(
        Config::parse(br#"{"schema":2,"users":[]}"#)
            .unwrap_err()
            .contains("newer")
    );
    assert!(Config::parse(b"{").is_err());
    assert!(Config::parse(br#"{"schema":1,"container":"../x"}"#).is_err());
    assert!(Config::parse(br#"{"schema":1,"port":70000}"#).is_err());
    for (wrong, key) in [
        (r#""port":0"#, "port"),
        (r#""image":"""#, "image"),
        (r#""base_image":"""#, "base_image"),
        (r#""bind":"localhost""#, "IP address"),
    ] {
        let text = format!(r#"{{"schema":1,{wrong}}}"#);
        let why = Config::parse(text.as_bytes()).unwrap_err();
        assert!(why.contains(key), "{why}");
    }
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
            config.set(key, value).unwrap_err().kind().exit_code(),
            9,
            "{key:?} {value}"
        );
    }
    assert_eq!(
        config.set(Key::Users, "x").unwrap_err().kind().exit_code(),
        2
    );
    assert_eq!(config, Config::default());
    config.set(Key::Bind, "::1").unwrap();
    config.unset(Key::Bind).unwrap();
    assert_eq!(config.bind, None);
}

#[test]
fn image_of_a_registry_with_a_port_is_kept_whole() {
    let mut config = Config::default();
    config.set(Key::Image, "registry:5000/occ:1").unwrap();
    assert_eq!(config.image.as_deref(), Some("registry:5000/occ:1"));
}

#[test]
fn a_mistyped_key_gets_the_nearest_one() {
    assert_eq!(Key::parse("base-image").unwrap(), Key::BaseImage);
    assert_eq!(
        Key::parse("contaner").unwrap_err().hint(),
        "did you mean 'container'?"
    );
    assert!(
        Key::parse("zzz")
            .unwrap_err()
            .hint()
            .starts_with("the keys are")
    );
}
