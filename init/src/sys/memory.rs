//! What PID 1 keeps in memory while it waits.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};

/// Gives the program's own read-only pages back to the page cache. What the
/// boot touched was read around generously and would count as ours for ever;
/// what the loop needs comes back at its next turn.
pub(crate) fn release_code() {
    // SAFETY: the callback has the signature asked for and keeps no pointer.
    unsafe { libc::dl_iterate_phdr(Some(release_segments), std::ptr::null_mut()) };
}

/// Only segments that can't be written: dropping a page that was changed (data,
/// relocations) would lose the change. 1 ends the walk at the first object,
/// which is the program itself.
unsafe extern "C" fn release_segments(
    object: *mut libc::dl_phdr_info,
    _size: usize,
    _data: *mut c_void,
) -> c_int {
    const PAGE: usize = 4096;
    // Both are 64 bits wide (compile_error above).
    let address = |value: u64| usize::try_from(value).unwrap_or_default();
    // SAFETY: dl_iterate_phdr passes a whole dl_phdr_info, whose dlpi_phdr are
    // dlpi_phnum headers of the mapped program.
    let (base, headers) = unsafe {
        let object = &*object;
        let count = usize::from(object.dlpi_phnum);
        (
            object.dlpi_addr,
            std::slice::from_raw_parts(object.dlpi_phdr, count),
        )
    };
    for header in headers {
        if header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_W == 0 {
            let start = address(base + header.p_vaddr);
            let end = start + address(header.p_memsz);
            let first = start - start % PAGE;
            // SAFETY: pages of a private mapping of a file that nobody can
            // write through; the next touch reads the same bytes again.
            unsafe { libc::madvise(first as *mut c_void, end - first, libc::MADV_DONTNEED) };
        }
    }
    1
}
