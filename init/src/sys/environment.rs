//! The environment that the process was started with, as the kernel laid it
//! out.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char};

/// The environment that the process was started with: the kernel's own bytes,
/// which /proc/PID/environ shows. Not std::env, so that secrets can be wiped.
pub(crate) struct Environment(pub(super) *mut *mut c_char);

impl Environment {
    /// `NAME=value` entries.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &CStr> {
        (0..).map_while(|at| {
            // SAFETY: the array ends with a null pointer, and nothing is read
            // behind it; entries live as long as the process and are written
            // only through `&mut self`.
            unsafe {
                let entry = *self.0.add(at);
                (!entry.is_null()).then(|| CStr::from_ptr(entry))
            }
        })
    }

    /// The value of the first entry called `name`.
    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        self.entries()
            .find_map(|entry| value_of(entry.to_bytes(), name))
    }

    /// The entries whose names begin like this.
    pub(crate) fn with_prefix(&self, prefix: &str) -> Entries<'_> {
        let begins = |entry: &&CStr| entry.to_bytes().starts_with(prefix.as_bytes());
        Entries(self.entries().filter(begins).collect())
    }

    /// Overwrites the values of `name` where they lie.
    pub(crate) fn wipe(&mut self, name: &str) {
        let found: Vec<(usize, usize)> = (0..)
            .zip(self.entries())
            .filter_map(|(at, entry)| Some((at, value_of(entry.to_bytes(), name)?.len())))
            .collect();
        for (at, length) in found {
            for offset in 0..length {
                // SAFETY: inside the entry's value, behind `name=`; no shared
                // reference is alive, for `self` is borrowed mutably. Volatile,
                // because nobody reads it later and it must happen all the same.
                unsafe {
                    let value = (*self.0.add(at)).add(name.len() + 1);
                    value.add(offset).cast::<u8>().write_volatile(b'x');
                }
            }
        }
    }
}

/// Some of them.
pub(crate) struct Entries<'a>(pub(crate) Vec<&'a CStr>);

impl Entries<'_> {
    /// The value of the first entry called `name`.
    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        let entries = self.0.iter();
        entries
            .map(|entry| entry.to_bytes())
            .find_map(|entry| value_of(entry, name))
    }
}

fn value_of<'a>(entry: &'a [u8], name: &str) -> Option<&'a [u8]> {
    entry.strip_prefix(name.as_bytes())?.strip_prefix(b"=")
}
