//! The programs that occ puts into the image: where each of them is looked for.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// A program of the image.
pub(crate) struct Program {
    /// Its name in the image, and beside occ.
    pub name: &'static str,
    /// Names its file; then no other is taken.
    variable: &'static str,
    /// Its path in the tree that occ was built in.
    in_tree: &'static str,
    /// How it is built there.
    made_by: &'static str,
}

pub(crate) const ALL: [Program; 2] = [
    Program {
        name: "occ-init",
        variable: "OCC_INIT_BIN",
        in_tree: "target/static/occ-init",
        made_by: "init/build-static",
    },
    Program {
        name: "occ-gate",
        variable: "OCC_GATE_BIN",
        in_tree: "target/release/occ-gate",
        made_by: "cargo build --release -p occ-gate",
    },
];

impl Program {
    /// Looks at the path in its variable, beside occ itself, in the lib/occ of a package,
    /// and in the tree that occ was built in.
    pub(crate) fn find(&self) -> Result<PathBuf> {
        let own = std::env::current_exe().unwrap_or_default();
        let places = self.places(std::env::var_os(self.variable).map(PathBuf::from), &own);
        let found = places.iter().find(|place| place.is_file()).cloned();
        found.ok_or_else(|| self.missing(&places))
    }

    fn missing(&self, places: &[PathBuf]) -> Error {
        let tried: Vec<String> = places
            .iter()
            .map(|place| place.display().to_string())
            .collect();
        Error::failed(
            format!(
                "the program {}, which goes into the image, was not found in: {}",
                self.name,
                tried.join(", ")
            ),
            format!(
                "build it with `{}` in a clone of occ, or name it with {}",
                self.made_by, self.variable
            ),
        )
    }

    /// A path that is given is the only place: another one is never taken for it.
    fn places(&self, given: Option<PathBuf>, own: &Path) -> Vec<PathBuf> {
        if let Some(given) = given {
            return vec![given];
        }
        let beside = own.parent().map(|directory| directory.join(self.name));
        let packaged = installed(own, Path::new("lib/occ").join(self.name));
        let in_tree = own
            .ancestors()
            .skip(1)
            .map(|directory| directory.join(self.in_tree));
        let installed = beside.into_iter().chain(packaged);
        installed.chain(in_tree.take(4)).collect()
    }
}

/// The path of a file below the prefix that occ is installed in: /usr for /usr/bin/occ.
fn installed(own: &Path, below: impl AsRef<Path>) -> Option<PathBuf> {
    Some(own.parent()?.parent()?.join(below))
}

/// The script that makes a base image, as it can be typed: that of the package, else the
/// tree's.
pub(super) fn base_script() -> PathBuf {
    let own = std::env::current_exe().unwrap_or_default();
    installed(&own, "share/occ/image/base")
        .filter(|path| path.is_file())
        .unwrap_or_else(|| "image/base".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_given_program_is_the_only_place() {
        let [init, gate] = ALL;
        let own = Path::new("/tree/target/debug/occ");
        assert_eq!(
            init.places(Some("/given".into()), own),
            [PathBuf::from("/given")]
        );
        let places = init.places(None, own);
        assert_eq!(places[0], Path::new("/tree/target/debug/occ-init"));
        assert!(places.contains(&PathBuf::from("/tree/target/static/occ-init")));
        let places = init.places(None, Path::new("/usr/bin/occ"));
        assert_eq!(places[1], Path::new("/usr/lib/occ/occ-init"));
        let places = gate.places(None, own);
        assert!(places.contains(&PathBuf::from("/tree/target/release/occ-gate")));
        assert_eq!(
            gate.missing(&places[..1]).to_string(),
            "the program occ-gate, which goes into the image, was not found in: /tree/target/debug/occ-gate"
        );
    }
}
