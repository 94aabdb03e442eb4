//! Memory of a restore: pieces of a few sizes, kept by the thread that gives them back.
//!
//! musl's malloc takes one lock for all threads: with it a restore of 10,000 took 21 µs an
//! account where systemd-sysusers took 14.5 in the same run (bar in docs/benchmarks.md: ahead of
//! it). PID 1 and all other commands use libc's malloc.
#![allow(unsafe_code)]

#[cfg(test)]
mod tests;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, Ordering};

/// Pieces have a multiple of 16 bytes, up to this; larger ones are libc's.
const LARGEST: usize = 2048;
const UNIT: usize = 16;
const CLASSES: usize = LARGEST / UNIT;
/// How much is asked of libc at once.
const CHUNK: usize = 1024 * 1024;

static IS_USED: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// The unused rest of the thread's chunk.
    static REST: Cell<(*mut u8, usize)> = const { Cell::new((null_mut(), 0)) };
    /// Pieces given back, by class; each holds the address of the next.
    static FREE: [Cell<*mut u8>; CLASSES] = const { [const { Cell::new(null_mut()) }; CLASSES] };
}

/// Turns the pools on, for a process that ends soon.
///
/// # Safety
/// Nothing may have been allocated before: a pool takes back what it never gave.
pub(crate) unsafe fn turn_on() {
    IS_USED.store(true, Ordering::Relaxed);
}

/// The program's allocator: libc's, unless [`turn_on`] was called.
pub(crate) struct Pools;

fn class_of(layout: Layout) -> Option<usize> {
    let is_small = (1..=LARGEST).contains(&layout.size()) && layout.align() <= UNIT;
    (is_small && IS_USED.load(Ordering::Relaxed)).then(|| (layout.size() - 1) / UNIT)
}

fn take(class: usize) -> *mut u8 {
    let first = FREE.with(|free| free[class].get());
    if !first.is_null() {
        // SAFETY: `give` wrote the address of the next one there.
        let next = unsafe { first.cast::<*mut u8>().read_unaligned() };
        FREE.with(|free| free[class].set(next));
        return first;
    }
    let size = (class + 1) * UNIT;
    let (mut at, mut left) = REST.get();
    if left < size {
        // SAFETY: of some size, and the alignment is a power of two.
        at = unsafe { System.alloc(Layout::from_size_align_unchecked(CHUNK, UNIT)) };
        if at.is_null() {
            return at;
        }
        left = CHUNK;
    }
    // SAFETY: at least `size` bytes are left in the chunk.
    REST.set((unsafe { at.add(size) }, left - size));
    at
}

fn give(at: *mut u8, class: usize) {
    let next = FREE.with(|free| free[class].replace(at));
    // SAFETY: nobody uses the piece any more, and it has 16 bytes or more.
    unsafe { at.cast::<*mut u8>().write_unaligned(next) };
}

// SAFETY: a piece is libc's, or lies in a chunk where it overlaps no other; it is aligned to
// 16 bytes and at least as large as its class. Whoever gives one back names its layout.
unsafe impl GlobalAlloc for Pools {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        class_of(layout).map_or_else(|| unsafe { System.alloc(layout) }, take)
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        match class_of(layout) {
            Some(class) => give(at, class),
            // SAFETY: a piece without a class came from there.
            None => unsafe { System.dealloc(at, layout) },
        }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises that the size fits the alignment.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        match (class_of(layout), class_of(wanted)) {
            // SAFETY: a piece without a class came from there.
            (None, None) => unsafe { System.realloc(at, layout, size) },
            (old, new) if old == new => at,
            // SAFETY: a new piece overlaps no other; what both have room for is copied.
            _ => unsafe {
                let new = self.alloc(wanted);
                if !new.is_null() {
                    at.copy_to_nonoverlapping(new, layout.size().min(size));
                    self.dealloc(at, layout);
                }
                new
            },
        }
    }
}
