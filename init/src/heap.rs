//! Memory for the first few thousand bytes: a start needs no more, and asking
//! the kernel for each size apart, and giving it back, costs a tenth of it.
//!
//! What doesn't fit comes from libc, and what of it is given back is kept for the
//! next piece of that size: musl returns memory to the kernel as soon as it may,
//! and asks for it again at once, for each of many records.
//!
//! This program has one thread, and a process apart (`sys::apart`) allocates nothing.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, UnsafeCell};
use std::ptr;

/// Untouched pages of it cost nothing.
const SIZE: usize = 16 * 1024;

/// The array's own alignment, and that of all kept pieces.
const ALIGN: usize = align_of::<u128>();
/// Kept pieces differ by 16 bytes up to this size, then they double.
const FINE: usize = 512;
const FINE_CLASSES: usize = FINE / ALIGN;
/// Larger pieces are not kept.
const LARGEST: usize = 32 * 1024;
const CLASSES: usize = FINE_CLASSES + (LARGEST / FINE).ilog2() as usize;

/// Gives out its bytes in order, and takes back only the last ones. Each piece of
/// libc's that is kept holds the address of the next one of its class.
pub(crate) struct Heap {
    bytes: UnsafeCell<[u128; SIZE / 16]>,
    used: Cell<usize>,
    kept: [Cell<*mut u8>; CLASSES],
}

/// Which pieces are as good as one of this layout.
fn class_of(layout: Layout) -> Option<usize> {
    let last = layout.size().checked_sub(1)?;
    if layout.align() > ALIGN || last >= LARGEST {
        None
    } else if last < FINE {
        Some(last / ALIGN)
    } else {
        Some(FINE_CLASSES + (last / FINE).ilog2() as usize)
    }
}

/// What is asked for in place of a piece of a class: its largest.
fn largest_of(class: usize) -> Option<Layout> {
    let size = match class.checked_sub(FINE_CLASSES) {
        None => (class + 1) * ALIGN,
        Some(doublings) => (FINE * 2) << doublings,
    };
    Layout::from_size_align(size, ALIGN).ok()
}

// SAFETY: there is one thread. The tests, which have several, don't use it as
// their allocator.
unsafe impl Sync for Heap {}

impl Heap {
    pub(crate) const fn new() -> Self {
        Self {
            bytes: UnsafeCell::new([0; SIZE / 16]),
            used: Cell::new(0),
            kept: [const { Cell::new(ptr::null_mut()) }; CLASSES],
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
        if layout.align() > ALIGN {
            return None;
        }
        let start = from.checked_next_multiple_of(layout.align())?;
        let end = start.checked_add(layout.size())?;
        (end <= SIZE).then(|| self.used.set(end))?;
        Some(start)
    }

    /// A piece that is none of the array's.
    unsafe fn take_other(&self, layout: Layout) -> *mut u8 {
        let class = class_of(layout).and_then(|class| Some((class, largest_of(class)?)));
        let Some((class, largest)) = class else {
            // SAFETY: as the caller promises.
            return unsafe { System.alloc(layout) };
        };
        let first = self.kept[class].get();
        if first.is_null() {
            // SAFETY: no class is of no size.
            return unsafe { System.alloc(largest) };
        }
        // SAFETY: `keep` wrote it; nobody has had the piece since.
        self.kept[class].set(unsafe { first.cast::<*mut u8>().read_unaligned() });
        first
    }

    /// Takes one of those back.
    unsafe fn keep(&self, at: *mut u8, layout: Layout) {
        match class_of(layout) {
            Some(class) => {
                // SAFETY: nobody's any more, aligned, and no class is too small.
                unsafe { at.cast::<*mut u8>().write_unaligned(self.kept[class].get()) };
                self.kept[class].set(at);
            }
            // SAFETY: one without a class came from there.
            None => unsafe { System.dealloc(at, layout) },
        }
    }

    /// Another piece with the content of one that was given out.
    unsafe fn moved(&self, at: *mut u8, layout: Layout, wanted: Layout) -> *mut u8 {
        // SAFETY: a new piece, which can't overlap the old one; what both have room
        // for is copied.
        unsafe {
            let new = self.alloc(wanted);
            if !new.is_null() {
                ptr::copy_nonoverlapping(at, new, layout.size().min(wanted.size()));
                self.dealloc(at, layout);
            }
            new
        }
    }
}

// SAFETY: what `take` returns is inside the array, aligned, and overlaps nothing
// that was given out before; all else is the system allocator's, and as large as
// the largest of its class.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match self.take(self.used.get(), layout) {
            // SAFETY: inside the array.
            Some(offset) => unsafe { self.start().add(offset) },
            // SAFETY: as the caller promises.
            None => unsafe { self.take_other(layout) },
        }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        match self.offset(at) {
            Some(offset) if offset + layout.size() == self.used.get() => self.used.set(offset),
            Some(_) => {}
            // SAFETY: not the array's, so it came from there.
            None => unsafe { self.keep(at, layout) },
        }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises that the new size fits the alignment.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        let Some(offset) = self.offset(at) else {
            return match (class_of(layout), class_of(wanted)) {
                // SAFETY: without a class, so it came from there.
                (None, None) => unsafe { System.realloc(at, layout, size) },
                (old, new) if old == new => at,
                // SAFETY: as the caller promises.
                _ => unsafe { self.moved(at, layout, wanted) },
            };
        };
        if size <= layout.size() {
            return at;
        }
        let is_last = offset + layout.size() == self.used.get();
        if is_last && self.take(offset, wanted).is_some() {
            return at;
        }
        // SAFETY: as the caller promises.
        unsafe { self.moved(at, layout, wanted) }
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

    /// Without room in the array.
    fn full() -> Heap {
        let heap = Heap::new();
        filled(&heap, bytes(SIZE), 0);
        heap
    }

    #[test]
    fn classes_hold_what_belongs_to_them() {
        let mut last = None;
        for size in 1..=LARGEST {
            let class = class_of(bytes(size)).unwrap();
            let largest = largest_of(class).unwrap().size();
            assert!(largest >= size && largest < size.max(16) * 2 + 16, "{size}");
            assert!(class < CLASSES && last.is_none_or(|last| class == last || class == last + 1));
            last = Some(class);
        }
        assert_eq!(last, Some(CLASSES - 1));
        assert_eq!(class_of(bytes(LARGEST + 1)), None);
        assert_eq!(class_of(Layout::from_size_align(8, 64).unwrap()), None);
    }

    #[test]
    fn what_was_given_back_is_given_out_again() {
        let heap = full();
        let pieces = [20, 30, 700, 32_000].map(|size| (filled(&heap, bytes(size), 1), size));
        // SAFETY: from this heap, with these layouts.
        unsafe {
            for (at, size) in pieces {
                heap.dealloc(at, bytes(size));
            }
            assert_eq!(heap.alloc(bytes(32)), pieces[1].0, "the last one first");
            assert_eq!(heap.alloc(bytes(17)), pieces[0].0);
            assert_eq!(heap.alloc(bytes(1024)), pieces[2].0);
            assert_eq!(heap.alloc(bytes(16_385)), pieces[3].0);
            let another = filled(&heap, bytes(32), 2);
            assert!(pieces.iter().all(|(at, _)| *at != another));
        }
    }

    #[test]
    fn pieces_of_all_sizes_keep_what_is_in_them() {
        let heap = full();
        let sizes = [
            1, 16, 17, 512, 513, 1024, 1025, 32_768, 32_769, 100_000, 32_768, 40, 3,
        ];
        for from in sizes {
            for to in sizes {
                let at = filled(&heap, bytes(from), 7);
                // SAFETY: from this heap, with these layouts.
                unsafe {
                    let moved = heap.realloc(at, bytes(from), to);
                    assert!(holds(moved, from.min(to), 7), "{from} to {to}");
                    moved.write_bytes(8, to);
                    heap.dealloc(moved, bytes(to));
                }
            }
        }
    }
}
