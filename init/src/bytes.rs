//! memcmp(3) of the static binary, and on x86_64 memcpy(3). musl's memcmp looks at one
//! byte after the other; a restore compares each line with the one that it would write.
//!
//! glibc has good ones. The linker puts these in the place of musl's (`--wrap`, in
//! `init/build-static`).
#![allow(unsafe_code)]
// They are these two functions, written once for all sizes.
#![allow(clippy::inline_always)]

#[cfg(target_arch = "x86_64")]
mod copy;

use std::cmp::Ordering;
use std::ffi::{c_int, c_void};

/// C's memcmp.
///
/// # Safety
/// As C says.
#[cfg_attr(not(test), unsafe(export_name = "__wrap_memcmp"))]
unsafe extern "C" fn memcmp(one: *const c_void, other: *const c_void, count: usize) -> c_int {
    // SAFETY: as the caller promises.
    match unsafe { compare(one.cast(), other.cast(), count) } {
        Ordering::Less => -1,
        Ordering::Equal => 0,
        Ordering::Greater => 1,
    }
}

/// Byte by byte, the first that differs decides.
///
/// # Safety
/// Both are good for reading `count` bytes.
#[inline(always)]
unsafe fn compare(one: *const u8, other: *const u8, count: usize) -> Ordering {
    let mut at = 0;
    while at + size_of::<u64>() <= count {
        // SAFETY: inside `count` bytes.
        let (here, there) = unsafe { (word(one.add(at)), word(other.add(at))) };
        if here != there {
            return here.cmp(&there);
        }
        at += size_of::<u64>();
    }
    while at < count {
        // SAFETY: inside `count` bytes.
        let (here, there) = unsafe { (*one.add(at), *other.add(at)) };
        if here != there {
            return here.cmp(&there);
        }
        at += 1;
    }
    Ordering::Equal
}

/// Eight bytes as a number that is larger when they come later.
///
/// # Safety
/// As many can be read.
#[inline(always)]
unsafe fn word(at: *const u8) -> u64 {
    // SAFETY: as the caller promises.
    u64::from_be(unsafe { at.cast::<u64>().read_unaligned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn bytes(count: usize) -> Vec<u8> {
        let byte = |at: usize| u8::try_from(at * 31 % 251).unwrap();
        (0..count).map(byte).collect()
    }

    #[test]
    fn the_first_byte_that_differs_decides() {
        let one = bytes(200);
        for count in 0..100 {
            for place in 0..count {
                for change in [1, 0x80, 0xff] {
                    let mut other = one.clone();
                    other[place] ^= change;
                    // What comes after must not matter.
                    other[place + 1] = !one[place + 1];
                    let expected = one[..count].cmp(&other[..count]) as c_int;
                    let (one, other) = (one.as_ptr().cast(), other.as_ptr().cast());
                    // SAFETY: both are longer.
                    let answer = unsafe { memcmp(one, other, count) };
                    assert_eq!(answer, expected, "{count} {place}");
                }
            }
            // SAFETY: longer.
            let same = unsafe { memcmp(one.as_ptr().cast(), one.as_ptr().cast(), count) };
            assert_eq!(same, 0);
        }
    }
}
