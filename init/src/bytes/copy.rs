//! memcpy(3) of the static binary on x86_64. musl's begins with `rep movsq`, whose start
//! takes 25 ns however few bytes there are; a restore copies many short texts for each
//! account. Elsewhere musl's own is good.

use std::ffi::c_void;

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

#[cfg(test)]
mod tests {
    use super::super::tests::bytes;
    use super::*;

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
}
