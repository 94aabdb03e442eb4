//! memcpy(3) and memcmp(3) of the static binary on x86_64. musl's copies with `rep
//! movsq`, whose start takes 25 ns however few bytes there are, and compares byte by
//! byte; a restore makes fifty small copies for each account.
//!
//! On other processors musl's own are good, and glibc's always are. The linker puts
//! these in their place (`--wrap`, in `init/build-static`).
#![allow(unsafe_code)]
// They are these two functions, written once for all sizes.
#![allow(clippy::inline_always)]

use std::cmp::Ordering;
use std::ffi::{c_int, c_void};

/// From here on the processor's own copy is as fast as any.
const LONG: usize = 512;

/// C's memcpy.
///
/// # Safety
/// As C says.
#[cfg_attr(not(test), unsafe(export_name = "__wrap_memcpy"))]
unsafe extern "C" fn memcpy(to: *mut c_void, from: *const c_void, count: usize) -> *mut c_void {
    // SAFETY: as the caller promises.
    unsafe { copy(to.cast(), from.cast(), count) };
    to
}

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

/// One `T` from an address to another, neither aligned.
///
/// # Safety
/// Both are good for as many bytes.
#[inline(always)]
unsafe fn piece<T>(to: *mut u8, from: *const u8) {
    // SAFETY: as the caller promises.
    let read = unsafe { from.cast::<T>().read_unaligned() };
    // SAFETY: the same.
    unsafe { to.cast::<T>().write_unaligned(read) };
}

/// A `T` at the beginning and one at the end: they may overlap.
///
/// # Safety
/// Both are good for `count` bytes, which are at least one `T`.
#[inline(always)]
unsafe fn ends<T>(to: *mut u8, from: *const u8, count: usize) {
    let last = count - size_of::<T>();
    // SAFETY: both pieces are inside `count` bytes.
    unsafe {
        piece::<T>(to, from);
        piece::<T>(to.add(last), from.add(last));
    }
}

/// # Safety
/// `from` is good for reading `count` bytes, `to` for writing as many, and they are
/// apart.
#[inline(always)]
unsafe fn copy(to: *mut u8, from: *const u8, count: usize) {
    // SAFETY: as the caller promises; each piece is inside `count` bytes.
    unsafe {
        match count {
            0 => (),
            1 => piece::<u8>(to, from),
            2..4 => ends::<u16>(to, from, count),
            4..8 => ends::<u32>(to, from, count),
            8..16 => ends::<u64>(to, from, count),
            16..LONG => {
                let mut at = 0;
                while at + size_of::<u128>() < count {
                    piece::<u128>(to.add(at), from.add(at));
                    at += size_of::<u128>();
                }
                let last = count - size_of::<u128>();
                piece::<u128>(to.add(last), from.add(last));
            }
            LONG.. => std::arch::asm!(
                "rep movsb",
                inout("rcx") count => _,
                inout("rdi") to => _,
                inout("rsi") from => _,
                options(nostack, preserves_flags),
            ),
        }
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

    fn bytes(count: usize) -> Vec<u8> {
        let byte = |at: usize| u8::try_from(at * 31 % 251).unwrap();
        (0..count).map(byte).collect()
    }

    #[test]
    fn as_many_bytes_are_copied_as_are_asked_for_and_no_more() {
        let from = bytes(2000);
        for count in (0..3 * LONG).chain([1999]) {
            let begin = count % 7;
            let count = count.min(from.len() - begin);
            let mut to = vec![0xff; count + 2];
            // SAFETY: both are as long, from there on.
            unsafe {
                let start = to.as_mut_ptr().add(1).cast();
                let returned = memcpy(start, from[begin..].as_ptr().cast(), count);
                assert_eq!(returned, start);
            }
            assert_eq!(to[1..=count], from[begin..begin + count], "{count}");
            assert_eq!((to[0], to[count + 1]), (0xff, 0xff), "{count}");
        }
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
