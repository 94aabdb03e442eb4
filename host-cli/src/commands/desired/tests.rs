//! Flags, configuration and the container that is there, put together.

use bollard::models::{ContainerConfig, HostConfig};

use super::*;
use crate::engine::spec;

const NOTHING: Requested = Requested {
    image: None,
    bind: None,
    port: None,
};

fn published(port: u16) -> Published {
    Published {
        bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
        port,
    }
}

fn existing(port: Option<Published>) -> ContainerInspectResponse {
    ContainerInspectResponse {
        config: Some(ContainerConfig {
            image: Some("mine:1".into()),
            ..ContainerConfig::default()
        }),
        host_config: spec::create("opencode", "mine:1", port).host_config,
        ..ContainerInspectResponse::default()
    }
}

#[test]
fn no_request_means_defaults_or_the_present_container() {
    assert_eq!(
        NOTHING.desired(None),
        Desired {
            image: "occ:local".into(),
            published: Some(published(3000))
        }
    );
    let there = existing(Some(published(4000)));
    let desired = NOTHING.desired(Some(&there));
    assert_eq!(
        desired,
        Desired {
            image: "mine:1".into(),
            published: Some(published(4000))
        }
    );
    assert!(differences(&there, &desired, false).is_empty());
    let unpublished = ContainerInspectResponse {
        host_config: Some(HostConfig::default()),
        ..existing(None)
    };
    assert_eq!(NOTHING.desired(Some(&unpublished)).published, None);
}

#[test]
fn each_difference_is_named() {
    let there = existing(Some(published(4000)));
    let named =
        |requested: &Requested, image| differences(&there, &requested.desired(Some(&there)), image);
    let port = Requested {
        port: Some(3001),
        ..NOTHING
    };
    assert_eq!(named(&port, false), ["the port is not 3001"]);
    let image = Requested {
        image: Some("occ:local".into()),
        ..NOTHING
    };
    let runs = ["the container runs mine:1, not occ:local"];
    assert_eq!(named(&image, true), runs);
    let newer = ["the image mine:1 is newer than the container"];
    assert_eq!(named(&NOTHING, true), newer);
}
