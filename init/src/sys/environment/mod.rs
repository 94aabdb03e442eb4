//! The environment that this process was started with, copied from where the kernel laid
//! it. Not std::env: secrets are overwritten in the kernel's own bytes, which
//! /proc/PID/environ shows as long as the process lives.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char};

use zeroize::Zeroize as _;

/// The entries `NAME=value`, in their order.
#[derive(Default)]
pub(crate) struct Environment(Vec<CString>);

impl Environment {
    /// Copies the environment, and overwrites the values of the variables called as one of
    /// `secrets` where the kernel has them.
    ///
    /// # Safety
    /// `first` points to an array of pointers to C strings that a null pointer ends. The
    /// strings may be written, and nobody else uses them meanwhile.
    pub(super) unsafe fn take(first: *mut *mut c_char, secrets: &[&str]) -> Self {
        let mut entries = Vec::new();
        for at in 0.. {
            // SAFETY: the array ends with a null pointer, and nothing is read behind it.
            let text = unsafe { *first.add(at) };
            if text.is_null() {
                break;
            }
            // SAFETY: a C string; the reference ends before anything is written to it.
            let entry = unsafe { CStr::from_ptr(text) }.to_owned();
            if let Some(value) = secrets.iter().find_map(|name| value(&entry, name)) {
                let skipped = entry.as_bytes().len() - value.len();
                for offset in skipped..entry.as_bytes().len() {
                    // SAFETY: inside the string, before its NUL. Volatile, because nothing
                    // reads it later and it must happen all the same.
                    unsafe { text.add(offset).cast::<u8>().write_volatile(b'x') };
                }
            }
            entries.push(entry);
        }
        Self(entries)
    }

    #[cfg(test)]
    pub(crate) fn of(entries: &[&CStr]) -> Self {
        Self(entries.iter().map(|&entry| entry.to_owned()).collect())
    }

    pub(crate) fn entries(&self) -> &[CString] {
        &self.0
    }

    /// The value of the first entry called `name`.
    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.iter().find_map(|entry| value(entry, name))
    }

    pub(crate) fn with_prefix(&self, prefix: &str) -> Self {
        let is_meant = |entry: &&CString| entry.as_bytes().starts_with(prefix.as_bytes());
        Self(self.0.iter().filter(is_meant).cloned().collect())
    }

    /// Takes out the entries whose names begin with `prefix`.
    pub(crate) fn split_off(&mut self, prefix: &str) -> Self {
        let is_meant = |entry: &mut CString| entry.as_bytes().starts_with(prefix.as_bytes());
        Self(self.0.extract_if(.., is_meant).collect())
    }

    /// Removes the entries called `name`, and overwrites them.
    pub(crate) fn remove(&mut self, name: &str) {
        for entry in self.0.extract_if(.., |entry| value(entry, name).is_some()) {
            entry.into_bytes().zeroize();
        }
    }
}

fn value<'a>(entry: &'a CStr, name: &str) -> Option<&'a [u8]> {
    entry
        .to_bytes()
        .strip_prefix(name.as_bytes())?
        .strip_prefix(b"=")
}

#[cfg(test)]
mod tests;
