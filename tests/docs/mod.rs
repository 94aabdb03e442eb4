//! Documents about occ, held against what it does.

mod architecture;
mod install;
mod machine;
mod modules;
mod readme;
mod security;
mod texts;
