//! The environment that this process was started with, where the kernel laid it; secrets
//! are copied. Not std::env: secrets are overwritten in the kernel's own bytes, which
//! /proc/PID/environ shows as long as the process lives.
//!
//! Copies of all 35 entries of a usual environment took a start from 0.83 of catatonit's to
//! 0.89 (bar in docs/benchmarks.md: at most 0.9).
#![allow(unsafe_code)]

use std::borrow::Cow;
use std::ffi::{CStr, c_char};

use zeroize::Zeroize as _;

/// The entries `NAME=value`, in their order.
#[derive(Default)]
pub(crate) struct Environment(Vec<Cow<'static, CStr>>);

impl Environment {
    /// Takes the environment. Variables called as one of `secrets` are copied, and their
    /// values overwritten where the kernel has them.
    ///
    /// # Safety
    /// `first` points to an array of pointers to C strings that a null pointer ends. The
    /// strings live as long as the process and may be written, and nobody else writes to them.
    pub(super) unsafe fn take(first: *mut *mut c_char, secrets: &[&str]) -> Self {
        // SAFETY: the array ends with a null pointer, and nothing is read behind it.
        let texts = (0..).map(|at| unsafe { *first.add(at) });
        let texts = texts.take_while(|text| !text.is_null());
        let mut entries = Vec::with_capacity(texts.clone().count());
        for text in texts {
            // SAFETY: a C string that lives as long as the process.
            let entry: &'static CStr = unsafe { CStr::from_ptr(text) };
            let Some(value) = secrets.iter().find_map(|name| value(entry, name)) else {
                entries.push(Cow::Borrowed(entry));
                continue;
            };
            let (from, to) = (entry.count_bytes() - value.len(), entry.count_bytes());
            entries.push(Cow::Owned(entry.to_owned()));
            for offset in from..to {
                // SAFETY: inside the string, before its NUL; `entry` is not used any more.
                // Volatile, because nothing reads it later and it must happen all the same.
                unsafe { text.add(offset).cast::<u8>().write_volatile(b'x') };
            }
        }
        Self(entries)
    }

    #[cfg(test)]
    pub(crate) fn of(entries: &[&CStr]) -> Self {
        Self(
            entries
                .iter()
                .map(|&entry| Cow::Owned(entry.to_owned()))
                .collect(),
        )
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &CStr> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// The value of the first entry called `name`.
    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.iter().find_map(|entry| value(entry, name))
    }

    pub(crate) fn has_prefix(&self, prefix: &str) -> bool {
        let is_meant = |entry: &CStr| entry.to_bytes().starts_with(prefix.as_bytes());
        self.entries().any(is_meant)
    }

    /// Takes out the entries whose names begin with `prefix`.
    pub(crate) fn split_off(&mut self, prefix: &str) -> Self {
        let is_meant = |entry: &mut Cow<'_, CStr>| entry.to_bytes().starts_with(prefix.as_bytes());
        Self(self.0.extract_if(.., is_meant).collect())
    }

    /// Removes the entries called `name`, and overwrites the copies.
    pub(crate) fn remove(&mut self, name: &str) {
        for entry in self.0.extract_if(.., |entry| value(entry, name).is_some()) {
            if let Cow::Owned(secret) = entry {
                secret.into_bytes().zeroize();
            }
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
