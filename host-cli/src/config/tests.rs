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
            config.set(key, Some(value)).unwrap_err().kind().exit_code(),
            9,
            "{key:?} {value}"
        );
    }
    assert_eq!(
        config
            .set(Key::Users, Some("x"))
            .unwrap_err()
            .kind()
            .exit_code(),
        2
    );
    assert_eq!(config, Config::default());
    config.set(Key::Bind, Some("::1")).unwrap();
    config.set(Key::Bind, None).unwrap();
    assert_eq!(config.bind, None);
}

#[test]
fn image_of_a_registry_with_a_port_is_kept_whole() {
    let mut config = Config::default();
    let name = "registry:5000/occ:1";
    config.set(Key::Image, Some(name)).unwrap();
    assert_eq!(config.image.as_deref(), Some(name));
}
