//! Documents about occ, held against what it does.

mod architecture;
mod machine;
mod modules;
mod readme;
mod security;
mod texts;
