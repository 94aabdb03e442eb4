//! docs/benchmarks.md: the part of each benchmark between two comments, which this replaces,
//! and its pictures. The words around them are written by hand.

use crate::{Error, io};
use std::fs;
use std::path::Path;

/// Where they are, from the root of the project.
const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs");
const END: &str = "<!-- end -->\n";

/// A file below docs/pictures.
#[derive(Debug, Clone)]
pub(crate) struct Picture {
    pub(crate) file: String,
    pub(crate) svg: String,
}

/// Replaces the part of one benchmark, and its pictures.
pub(crate) fn write(name: &str, part: &str, pictures: &[Picture]) -> Result<(), Error> {
    let docs = Path::new(DOCS);
    let page = docs.join("benchmarks.md");
    let text = fs::read_to_string(&page).map_err(io(&page))?;
    let text = replaced(&text, name, part)
        .ok_or_else(|| Error::Other(format!("'{}' has no part '{name}'", page.display())))?;
    for Picture { file, svg } in pictures {
        let path = docs.join("pictures").join(file);
        fs::write(&path, svg).map_err(io(&path))?;
    }
    fs::write(&page, text).map_err(io(&page))
}

/// The page with another part between the comments of `name`; none where they are not.
fn replaced(page: &str, name: &str, part: &str) -> Option<String> {
    let begin = format!("<!-- written by `just bench {name}` -->\n");
    let (before, rest) = page.split_once(&begin)?;
    let (_, after) = rest.split_once(END)?;
    let part = part.trim();
    Some(format!("{before}{begin}\n{part}\n\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_part_is_replaced() {
        let page = "a\n<!-- written by `just bench x` -->\nold\n<!-- end -->\nb\n\
                    <!-- written by `just bench y` -->\nkept\n<!-- end -->\n";
        let new = replaced(page, "x", "new\n").unwrap();
        assert!(
            new.starts_with("a\n<!-- written by `just bench x` -->\n\nnew\n\n<!-- end -->\nb\n")
        );
        assert!(new.ends_with("kept\n<!-- end -->\n"));
        assert_eq!(replaced(&new, "x", "new").unwrap(), new);
        assert_eq!(replaced(page, "z", "new"), None);
    }

    #[test]
    fn the_page_has_a_part_for_each_benchmark() {
        let page = fs::read_to_string(Path::new(DOCS).join("benchmarks.md")).unwrap();
        for name in ["restore", "pid1", "host", "gate"] {
            assert!(replaced(&page, name, "").is_some(), "{name}");
        }
    }
}
