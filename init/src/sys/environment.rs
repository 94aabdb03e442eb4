//! The environment that the process was started with, as the kernel laid it
//! out.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char};
use std::marker::PhantomData;

/// The environment that the process was started with: the kernel's own bytes,
/// which /proc/PID/environ shows. Not std::env, so that secrets can be wiped.
pub(crate) struct Environment(pub(super) *mut *mut c_char);

impl Environment {
    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        (0..).map_while(|at| {
            // SAFETY: the array ends with a null pointer, and nothing is read
            // behind it; entries live as long as the process and are written
            // only through `&mut self`.
            let entry = unsafe { *self.0.add(at) };
            (!entry.is_null()).then_some(Entry(entry, PhantomData))
        })
    }

    /// The value of the first entry called `name`.
    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        self.entries().find_map(|entry| entry.value(name))
    }

    /// The entries whose names begin like this.
    pub(crate) fn with_prefix(&self, prefix: &str) -> Entries<'_> {
        let entries = self.entries();
        Entries(entries.filter(|entry| entry.begins_with(prefix)).collect())
    }

    /// Overwrites the values of `name` where they lie.
    pub(crate) fn wipe(&mut self, name: &str) {
        let found: Vec<(usize, usize)> = (0..)
            .zip(self.entries())
            .filter_map(|(at, entry)| Some((at, entry.value(name)?.len())))
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

/// `NAME=value`, of a length that nobody has measured: a start looks at each entry
/// several times, and at few of them to the end.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'a>(*const c_char, PhantomData<&'a CStr>);

impl<'a> From<&'a CStr> for Entry<'a> {
    fn from(text: &'a CStr) -> Self {
        Self(text.as_ptr(), PhantomData)
    }
}

impl<'a> Entry<'a> {
    pub(crate) fn as_ptr(self) -> *const c_char {
        self.0
    }

    /// `with` holds no NUL.
    pub(crate) fn begins_with(self, with: &str) -> bool {
        self.rest(with).is_some()
    }

    /// Also of an entry without a value.
    pub(crate) fn is_called(self, name: &str) -> bool {
        // SAFETY: inside a C string, see `rest`: its NUL at the latest.
        let is_end = |rest: Self| matches!(unsafe { *rest.0.cast::<u8>() }, b'=' | 0);
        self.rest(name).is_some_and(is_end)
    }

    /// The value, if it is called `name`.
    pub(crate) fn value(self, name: &str) -> Option<&'a [u8]> {
        let value = self.rest(name)?.rest("=")?;
        // SAFETY: from inside a C string to its end, see `rest`.
        Some(unsafe { CStr::from_ptr(value.0) }.to_bytes())
    }

    /// What follows after this.
    fn rest(self, with: &str) -> Option<Self> {
        let mut at = self.0;
        for byte in with.bytes() {
            // SAFETY: inside a C string that lives for 'a: all before were not its NUL,
            // for they were equal to bytes that are none.
            unsafe {
                if byte == 0 || *at.cast::<u8>() != byte {
                    return None;
                }
                at = at.add(1);
            }
        }
        Some(Self(at, PhantomData))
    }
}

/// Some of them.
pub(crate) struct Entries<'a>(pub(crate) Vec<Entry<'a>>);

impl Entries<'_> {
    /// The value of the first entry called `name`.
    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.iter().find_map(|entry| entry.value(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_a_name_and_a_value() {
        let entry = Entry::from(c"HOME=/root");
        assert_eq!(entry.value("HOME"), Some(&b"/root"[..]));
        for other in ["HOM", "HOMER", "", "HOME=", "home", "HOME\0"] {
            assert_eq!(entry.value(other), None, "{other}");
        }
        for (odd, value) in [(c"HOME=", Some(&b""[..])), (c"HOME", None), (c"", None)] {
            assert_eq!(Entry::from(odd).value("HOME"), value);
        }
        for (text, is_home) in [(c"HOME=/", true), (c"HOME", true), (c"HOMER=", false)] {
            assert_eq!(Entry::from(text).is_called("HOME"), is_home);
        }
        assert!(entry.begins_with("") && entry.begins_with("HOME=/root"));
        assert!(!entry.begins_with("HOME=/root/") && !Entry::from(c"").begins_with("H"));
    }

    #[test]
    fn entries_are_found_where_the_kernel_has_them() {
        let texts = [c"A=1", c"B=2", c"A=3", c"odd"].map(CStr::to_owned);
        let mut pointers = texts.map(std::ffi::CString::into_raw).to_vec();
        pointers.push(std::ptr::null_mut());
        let mut env = Environment(pointers.as_mut_ptr());
        assert_eq!(env.get("A"), Some(&b"1"[..]));
        assert_eq!(env.with_prefix("A").0.len(), 2);
        assert_eq!(env.with_prefix("B").get("B"), Some(&b"2"[..]));
        env.wipe("A");
        let all: Vec<_> = env.entries().filter_map(|entry| entry.value("A")).collect();
        assert_eq!(all, [b"x", b"x"]);
        assert_eq!(env.get("B"), Some(&b"2"[..]));
    }
}
