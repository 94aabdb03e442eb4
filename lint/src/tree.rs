//! The modules of a crate, found by their `mod` lines from its root file on.

use crate::source::{self, Child, Source};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Numbers a module of a [`Tree`]; the root has 0.
pub(crate) type Id = usize;

pub(crate) struct Module {
    pub(crate) parent: Option<Id>,
    pub(crate) children: BTreeMap<String, Id>,
    /// An inline module has the file that it stands in.
    pub(crate) file: PathBuf,
    pub(crate) source: Source,
}

#[derive(Default)]
pub(crate) struct Tree {
    pub(crate) modules: Vec<Module>,
}

impl Tree {
    /// Reads a crate from `lib.rs` or `main.rs` on.
    pub(crate) fn read(root: &Path) -> Result<Self, String> {
        let mut tree = Self::default();
        let folder = root.parent().unwrap_or(Path::new("")).to_owned();
        tree.add(None, root, &folder, read(root)?)?;
        Ok(tree)
    }

    /// Adds a module and all below it, whose files are in `folder`.
    fn add(
        &mut self,
        parent: Option<Id>,
        file: &Path,
        folder: &Path,
        mut source: Source,
    ) -> Result<Id, String> {
        let id = self.modules.len();
        let children = std::mem::take(&mut source.modules);
        self.modules.push(Module {
            parent,
            children: BTreeMap::new(),
            file: file.to_owned(),
            source,
        });
        for child in children {
            let (name, child_file, source) = match child {
                Child::Inline(name, source) => (name, file.to_owned(), source),
                Child::File(name) => {
                    let found = find(folder, &name)?;
                    let source = read(&found)?;
                    (name, found, source)
                }
            };
            let child = self.add(Some(id), &child_file, &folder.join(&name), source)?;
            self.modules[id].children.insert(name, child);
        }
        Ok(id)
    }

    /// Returns true if `above` is the module or one that it stands in.
    pub(crate) fn is_in(&self, id: Id, above: Id) -> bool {
        id == above
            || self.modules[id]
                .parent
                .is_some_and(|parent| self.is_in(parent, above))
    }
}

fn read(file: &Path) -> Result<Source, String> {
    let place = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let text = fs::read_to_string(file).map_err(|error| place(&error))?;
    source::parse(&text).map_err(|error| place(&error))
}

fn find(folder: &Path, name: &str) -> Result<PathBuf, String> {
    let places = [
        folder.join(name).join("mod.rs"),
        folder.join(format!("{name}.rs")),
    ];
    let found = places.into_iter().find(|place| place.is_file());
    found.ok_or_else(|| format!("{}: no file of module '{name}'", folder.display()))
}
