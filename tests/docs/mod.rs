//! What is written about occ, held against what it does.

mod modules;
mod readme;
mod texts;
