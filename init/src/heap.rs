//! Memory for the first few thousand bytes: a start needs no more, and asking
//! the kernel for each size apart, and giving it back, costs a tenth of it.
//!
//! What doesn't fit comes from libc. This program has one thread, and a process
//! apart (`sys::apart`) allocates nothing.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, UnsafeCell};

/// Untouched pages of it cost nothing.
const SIZE: usize = 16 * 1024;

/// Gives out its bytes in order, and takes back only the last ones.
pub(crate) struct Heap {
    bytes: UnsafeCell<[u128; SIZE / 16]>,
    used: Cell<usize>,
}

// SAFETY: there is one thread. The tests, which have several, don't use it as
// their allocator.
unsafe impl Sync for Heap {}

impl Heap {
    pub(crate) const fn new() -> Self {
        Self {
            bytes: UnsafeCell::new([0; SIZE / 16]),
            used: Cell::new(0),
        }
    }

    fn start(&self) -> *mut u8 {
        self.bytes.get().cast()
    }

    /// The offset of what was given out here.
    fn offset(&self, at: *mut u8) -> Option<usize> {
        let offset = at.addr().checked_sub(self.start().addr())?;
        (offset < SIZE).then_some(offset)
    }

    /// The offset of `size` free bytes.
    fn take(&self, from: usize, layout: Layout) -> Option<usize> {
        // The array itself is aligned to 16 only.
        if layout.align() > align_of::<u128>() {
            return None;
        }
        let start = from.checked_next_multiple_of(layout.align())?;
        let end = start.checked_add(layout.size())?;
        (end <= SIZE).then(|| self.used.set(end))?;
        Some(start)
    }
}

// SAFETY: what `take` returns is inside the array, aligned, and overlaps nothing
// that was given out before; all else is the system allocator's.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match self.take(self.used.get(), layout) {
            // SAFETY: inside the array.
            Some(offset) => unsafe { self.start().add(offset) },
            // SAFETY: as the caller promises.
            None => unsafe { System.alloc(layout) },
        }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        match self.offset(at) {
            Some(offset) if offset + layout.size() == self.used.get() => self.used.set(offset),
            Some(_) => {}
            // SAFETY: not ours, so it came from there.
            None => unsafe { System.dealloc(at, layout) },
        }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let Some(offset) = self.offset(at) else {
            // SAFETY: not ours, so it came from there.
            return unsafe { System.realloc(at, layout, size) };
        };
        // SAFETY: the caller promises that the new size fits the alignment.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        if size <= layout.size() {
            return at;
        }
        let is_last = offset + layout.size() == self.used.get();
        if is_last && self.take(offset, wanted).is_some() {
            return at;
        }
        // SAFETY: a new piece, which can't overlap the old one, larger than it.
        unsafe {
            let new = self.alloc(wanted);
            if !new.is_null() {
                std::ptr::copy_nonoverlapping(at, new, layout.size());
                self.dealloc(at, layout);
            }
            new
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(size: usize) -> Layout {
        Layout::from_size_align(size, 1).unwrap()
    }

    fn filled(heap: &Heap, layout: Layout, with: u8) -> *mut u8 {
        // SAFETY: as much as the layout says.
        unsafe {
            let at = heap.alloc(layout);
            at.write_bytes(with, layout.size());
            at
        }
    }

    fn holds(at: *mut u8, size: usize, byte: u8) -> bool {
        // SAFETY: `filled` wrote as much.
        (0..size).all(|offset| unsafe { *at.add(offset) } == byte)
    }

    #[test]
    fn pieces_are_aligned_and_apart() {
        let heap = Heap::new();
        let mut pieces = Vec::new();
        for (number, align) in [1, 8, 2, 16, 4, 64, 1].into_iter().enumerate() {
            let layout = Layout::from_size_align(5 + number, align).unwrap();
            let with = u8::try_from(number).unwrap();
            pieces.push((filled(&heap, layout, with), layout, with));
        }
        for (at, layout, with) in pieces {
            assert_eq!(at.addr() % layout.align(), 0);
            assert!(holds(at, layout.size(), with));
            // SAFETY: from this heap, once.
            unsafe { heap.dealloc(at, layout) };
        }
    }

    #[test]
    fn the_last_piece_grows_in_place_and_another_moves() {
        let heap = Heap::new();
        let first = filled(&heap, bytes(10), 1);
        let second = filled(&heap, bytes(10), 2);
        // SAFETY: from this heap, with these layouts.
        unsafe {
            assert_eq!(heap.realloc(second, bytes(10), 100), second);
            let moved = heap.realloc(first, bytes(10), 20);
            assert!(moved != first && holds(moved, 10, 1));
            assert!(holds(second, 10, 2));
            heap.dealloc(moved, bytes(20));
            heap.dealloc(second, bytes(100));
            assert_eq!(heap.alloc(bytes(1)), second, "the end was given back");
        }
    }

    #[test]
    fn what_does_not_fit_comes_from_the_system() {
        let heap = Heap::new();
        let inside = filled(&heap, bytes(SIZE - 1), 1);
        let outside = filled(&heap, bytes(2), 2);
        assert!(heap.offset(inside).is_some() && heap.offset(outside).is_none());
        // SAFETY: from this heap, with these layouts.
        unsafe {
            let moved = heap.realloc(inside, bytes(SIZE - 1), SIZE * 2);
            assert!(heap.offset(moved).is_none() && holds(moved, SIZE - 1, 1));
            heap.dealloc(moved, bytes(SIZE * 2));
            let moved = heap.realloc(outside, bytes(2), 3);
            assert!(holds(moved, 2, 2));
            heap.dealloc(moved, bytes(3));
        }
    }
}
