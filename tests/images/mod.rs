//! occ-init in containers of many images, mostly made with docker alone.

mod any_image;
mod arm64;
mod compose;
mod doors;
mod kubernetes;
mod pid1;
mod programs;
mod survival;
mod twenty_people;
mod two_containers;
mod updates;
mod user_records;
mod what_survives;
