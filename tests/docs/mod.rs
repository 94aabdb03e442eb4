//! Documents about occ, held against what it does. `lint/tests/documents` holds what needs
//! no engine.

mod machine;
mod modules;
mod newcomer;
mod pages;
mod texts;
