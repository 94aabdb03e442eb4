//! The container that `start` wants: from the command line or the configuration, the
//! container that is there, and the defaults. Values only; nothing is called.

use std::net::{IpAddr, Ipv4Addr};

use bollard::models::ContainerInspectResponse;

use crate::cli::Start;
use crate::engine::container;
use crate::engine::spec::Published;
use crate::image;
use crate::session::Session;

const DEFAULT_PORT: u16 = 3000;

/// The request of this run; `None` where whatever is there will do.
pub(crate) struct Requested {
    pub image: Option<String>,
    pub bind: Option<IpAddr>,
    pub port: Option<u16>,
}

/// The container as it shall be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Desired {
    pub image: String,
    /// `None` for a container that publishes nothing, and nobody asked for it.
    pub published: Option<Published>,
}

impl Requested {
    /// A flag comes before the configuration.
    pub(crate) fn new(session: &Session, start: &Start) -> Self {
        Self {
            image: start.image.clone().or_else(|| session.config.image.clone()),
            bind: start.bind.or(session.config.bind),
            port: start.port.or(session.config.port),
        }
    }

    /// Filled up from the container that is there, else with the defaults.
    pub(crate) fn desired(&self, found: Option<&ContainerInspectResponse>) -> Desired {
        let there = found.and_then(Published::of);
        let publish =
            found.is_none() || there.is_some() || self.bind.is_some() || self.port.is_some();
        let bind = self.bind.or(there.map(|there| there.bind));
        let port = self.port.or(there.map(|there| there.port));
        let image = found.and_then(container::image_name);
        let image = image.filter(|image| !image.starts_with("sha256:"));
        Desired {
            image: self
                .image
                .clone()
                .or(image.map(str::to_owned))
                .unwrap_or_else(|| image::DEFAULT.to_owned()),
            published: publish.then_some(Published {
                bind: bind.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
                port: port.unwrap_or(DEFAULT_PORT),
            }),
        }
    }
}

/// Each difference between the container and the request, in words.
pub(crate) fn differences(
    found: &ContainerInspectResponse,
    desired: &Desired,
    image: bool,
) -> Vec<String> {
    let mut list = Vec::new();
    if image {
        let old = container::image_name(found).unwrap_or_default();
        list.push(if old == desired.image {
            format!("the image {old} is newer than the container")
        } else {
            format!("the container runs {old}, not {}", desired.image)
        });
    }
    let there = Published::of(found);
    let Some(published) = desired.published else {
        return list;
    };
    if there.is_none_or(|there| there.port != published.port) {
        list.push(format!("the port is not {}", published.port));
    }
    if there.is_none_or(|there| there.bind != published.bind) {
        list.push(format!("the address is not {}", published.bind));
    }
    list
}

#[cfg(test)]
mod tests;
