//! occ-init in containers of many images, mostly made with docker alone.

mod any_image;
mod arm64;
mod compose;
mod doors;
mod kubernetes;
mod kubernetes_schema;
mod pid1;
mod programs;
mod quadlet;
mod rolling;
mod survival;
mod swarm;
mod twenty_people;
mod two_containers;
mod updates;
mod user_records;
mod visitor;
mod what_survives;
