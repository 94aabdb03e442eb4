//! Finds the module that defines the thing a path names. Re-exports are followed to the end, so
//! that `crate::etc::Lock` means `etc/lock.rs` if `etc/mod.rs` only passes it on.

use crate::tree::{Id, Tree};

/// Longer chains of re-exports are circles of their own.
const DEPTH: usize = 32;

/// The end of a path.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Target {
    /// A module itself.
    Module(Id),
    /// Something that this module defines.
    Item(Id),
}

impl Tree {
    /// Follows a path that stands in module `from`; `None` if it leaves the crate.
    pub(crate) fn resolve(&self, from: Id, path: &[String]) -> Option<Target> {
        self.follow(from, path, DEPTH)
    }

    fn follow(&self, from: Id, path: &[String], depth: usize) -> Option<Target> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => self.walk(0, rest, depth),
            "self" => self.walk(from, rest, depth),
            "super" => self.supers(from, rest, depth),
            _ => self.lookup(from, path, depth.checked_sub(1)?),
        }
    }

    /// `super::super::x`: the first `super` is already taken off.
    fn supers(&self, from: Id, rest: &[String], depth: usize) -> Option<Target> {
        let parent = self.modules[from].parent?;
        match rest.split_first() {
            Some((next, rest)) if next == "super" => self.supers(parent, rest, depth),
            _ => self.walk(parent, rest, depth),
        }
    }

    /// A path in the namespace of a module of this crate; what it defines by a macro
    /// is its own.
    fn walk(&self, module: Id, path: &[String], depth: usize) -> Option<Target> {
        if path.is_empty() {
            return Some(Target::Module(module));
        }
        let found = self.lookup(module, path, depth.checked_sub(1)?);
        Some(found.unwrap_or(Target::Item(module)))
    }

    /// Looks the first segment up among the names of a module: items, children,
    /// imports, globs.
    fn lookup(&self, id: Id, path: &[String], depth: usize) -> Option<Target> {
        let (first, rest) = path.split_first()?;
        let module = &self.modules[id];
        let child = module.children.get(first);
        let is_item = module.source.items.contains(first);
        match child {
            Some(&child) if !is_item || !rest.is_empty() => return self.walk(child, rest, depth),
            _ if is_item => return Some(Target::Item(id)),
            _ => {}
        }
        let named = |name: &Option<String>| name.as_ref() == Some(first);
        for import in module
            .source
            .imports
            .iter()
            .filter(|import| named(&import.name))
        {
            // `use serde;` in itself names the crate outside.
            if import.path[0] != *first || import.path.len() > 1 {
                let path: Vec<String> = import.path.iter().chain(rest).cloned().collect();
                if let Some(found) = self.follow(id, &path, depth.checked_sub(1)?) {
                    return Some(found);
                }
            }
        }
        let globs = module
            .source
            .imports
            .iter()
            .filter(|import| import.name.is_none());
        globs
            .filter_map(|glob| self.follow(id, &glob.path, depth.checked_sub(1)?))
            .find_map(|target| match target {
                Target::Module(other) if other != id => {
                    self.lookup(other, path, depth.checked_sub(1)?)
                }
                _ => None,
            })
    }
}
