//! Flags, configuration and the container that is there, put together.

use bollard::models::ContainerConfig;
use clap::Parser;

use super::*;
use crate::cli::{Cli, Command};
use crate::engine::spec;

fn published(bind: &str, port: u16) -> Published {
    Published {
        bind: bind.parse().unwrap(),
        port,
    }
}

fn existing(port: Option<Published>) -> ContainerInspectResponse {
    ContainerInspectResponse {
        config: Some(ContainerConfig {
            image: Some("mine:1".into()),
            ..ContainerConfig::default()
        }),
        host_config: spec::create("opencode", "mine:1", port, false).host_config,
        ..ContainerInspectResponse::default()
    }
}

fn start(line: &str) -> Start {
    let line = format!("occ start {line}");
    let cli = Cli::try_parse_from(line.split_whitespace()).unwrap();
    match cli.command {
        Command::Start(start) => start,
        other => panic!("{other:?}"),
    }
}

fn typed(line: &str) -> Requested {
    Requested::typed(&start(line), Vec::new())
}

#[test]
fn no_request_means_defaults_or_the_present_container() {
    let nothing = Requested::default();
    assert_eq!(
        nothing.desired(None),
        Desired {
            image: "occ:local".into(),
            published: Some(published("127.0.0.1", 3000))
        }
    );
    let there = existing(Some(published("127.0.0.1", 4000)));
    let desired = nothing.desired(Some(&there));
    assert_eq!(
        desired,
        Desired {
            image: "mine:1".into(),
            published: Some(published("127.0.0.1", 4000))
        }
    );
    assert!(differences(&there, &nothing, &desired, false).is_empty());
    let unpublished = ContainerInspectResponse {
        host_config: Some(HostConfig::default()),
        ..existing(None)
    };
    assert_eq!(nothing.desired(Some(&unpublished)).published, None);
}

#[test]
fn configuration_fills_up_a_new_container_and_the_line_comes_first() {
    let login = [("gate_idle", "1h"), ("gate_hosts", "a.example.com")];
    let settings = Settings {
        port: Some(4000),
        login: login
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        ..Settings::default()
    };
    let line = "--env OCC_GATE_IDLE=2h --host-name b.example.com";
    let requested = Requested::typed(&start(line), vec!["FILE=1".into()]);
    let new = requested.or_configured(settings);
    assert_eq!(new.port, Some(4000));
    let mut body = spec::create("box", "occ:local", None, false);
    new.apply(&mut body, None, new.desired(None).published, &[]);
    let mut env = body.env.unwrap();
    env.sort();
    let expected = [
        "FILE=1",
        "OCC_GATE_HOSTS=a.example.com,b.example.com",
        "OCC_GATE_IDLE=2h",
        "OCC_GATE_NAME=box",
    ];
    assert_eq!(env, expected);
}

#[test]
fn each_difference_is_named_and_can_be_typed() {
    let there = existing(Some(published("127.0.0.1", 4000)));
    let named = |line: &str, image| {
        let requested = typed(line);
        let desired = requested.desired(Some(&there));
        let list = differences(&there, &requested, &desired, image);
        (list.join("; "), options(&start(line)))
    };
    for (line, expected) in [
        ("--port 3001", "the port is not 3001"),
        ("--bind 0.0.0.0", "the address is not 0.0.0.0"),
        (
            "--host-name h.example.com",
            "the login does not answer to h.example.com",
        ),
        ("--env A=1", "the variable A has another value"),
        ("--volume data:/data", "data:/data is not mounted"),
    ] {
        let (list, options) = named(line, false);
        assert_eq!(list, expected);
        assert_eq!(options, format!(" {line}"));
    }
    let runs = "the container runs mine:1, not occ:local";
    assert_eq!(named("--image occ:local", true).0, runs);
    let newer = "the image mine:1 is newer than the container";
    assert_eq!(named("", true).0, newer);
}

#[test]
fn names_of_the_login_follow_address_and_port() {
    let machine = ["192.0.2.9".to_owned()];
    let after = |old: Published, new: Published, env: &str| {
        let mut body = spec::create("box", "occ:local", Some(old), false);
        environment::set(body.env.get_or_insert_default(), env);
        Requested::default().apply(&mut body, Some(old), Some(new), &machine);
        assert_eq!(body.host_config.unwrap().port_bindings, Some(new.binding()));
        hosts(&body.env.unwrap())
    };
    let (here, all) = (published("127.0.0.1", 80), published("0.0.0.0", 80));
    let (one, moved) = (published("192.0.2.7", 80), published("192.0.2.7", 81));
    let own = "OCC_GATE_HOSTS=code.example.com";
    assert_eq!(after(here, all, own), ["code.example.com", "192.0.2.9:80"]);
    let with_old = "OCC_GATE_HOSTS=192.0.2.7:80,code.example.com";
    assert_eq!(
        after(one, moved, with_old),
        ["code.example.com", "192.0.2.7:81"]
    );
    assert_eq!(after(one, here, with_old), ["code.example.com"]);
}

#[test]
fn a_volume_takes_the_place_of_what_is_mounted_there() {
    let mut body = spec::create("box", "occ:local", None, false);
    let requested = typed("--volume other:/home --volume data:/data:ro");
    requested.apply(&mut body, None, None, &[]);
    let host = body.host_config.unwrap();
    assert_eq!(host.binds.unwrap(), ["other:/home", "data:/data:ro"]);
    let left = host.mounts.unwrap();
    assert!(
        left.iter()
            .all(|mount| mount.target.as_deref() != Some("/home"))
    );
    assert_eq!(left.len(), 2);
    // The same place, written otherwise.
    let mut body = spec::create("box", "occ:local", None, false);
    typed("--volume other:/home/").apply(&mut body, None, None, &[]);
    assert_eq!(body.host_config.unwrap().mounts.unwrap().len(), 2);
}
