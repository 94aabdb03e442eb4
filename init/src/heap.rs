//! Memory in pieces of a few sizes, one pool for each thread. A start needs no more
//! than the first few thousand bytes, which are there; a restore takes the same
//! pieces again and again for each of many records.
//!
//! libc's own is slower at both: musl asks the kernel for each size apart, and
//! returns memory to it as soon as it may. A pool belongs to one thread, so nothing
//! is locked; a piece that another thread gives back stays in that one's pool. A
//! process apart (`sys::apart`) allocates nothing.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, UnsafeCell};
use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

/// Of the first thread's pool. Untouched pages of it cost nothing.
const THERE: usize = 32 * 1024;
/// The first chunk asked for, and how much larger each is than the one before.
const FIRST_CHUNK: usize = 64 * 1024;
const GROWTH: usize = 32;
/// The largest one. Not of huge pages: those are zeroed whole, and a virtual machine
/// that gave them back to its host gets each of them again bit by bit, 1.7 ms a
/// megabyte instead of 0.4.
const LARGEST_CHUNK: usize = 2 * 1024 * 1024;

/// The alignment of all pieces.
const ALIGN: usize = align_of::<u128>();
/// Pieces differ by 16 bytes up to this size, then they double.
const FINE: usize = 512;
const FINE_CLASSES: usize = FINE / ALIGN;
/// What is larger is libc's.
const LARGEST: usize = 32 * 1024;
const CLASSES: usize = FINE_CLASSES + (LARGEST / FINE).ilog2() as usize;

/// Which pieces are as good as one of this layout; none: libc's.
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

/// What every piece of a class has room for.
fn size_of(class: usize) -> usize {
    match class.checked_sub(FINE_CLASSES) {
        None => (class + 1) * ALIGN,
        Some(doublings) => (FINE * 2) << doublings,
    }
}

/// One thread's: a chunk that is given out in order, and the pieces given back. Each
/// of those holds the address of the next one of its class.
struct Pool {
    next: Cell<*mut u8>,
    left: Cell<usize>,
    chunk: Cell<usize>,
    kept: [Cell<*mut u8>; CLASSES],
}

impl Pool {
    const fn new() -> Self {
        Self {
            next: Cell::new(ptr::null_mut()),
            left: Cell::new(0),
            chunk: Cell::new(FIRST_CHUNK),
            kept: [const { Cell::new(ptr::null_mut()) }; CLASSES],
        }
    }

    /// Gives out `left` bytes from `next` on; what was left before stays unused.
    fn begin(&self, next: *mut u8, left: usize) {
        self.next.set(next);
        self.left.set(left);
    }

    /// A piece of the class; null: no memory.
    fn take(&self, class: usize) -> *mut u8 {
        let first = self.kept[class].get();
        if !first.is_null() {
            // SAFETY: `give` wrote it; nobody has had the piece since.
            self.kept[class].set(unsafe { first.cast::<*mut u8>().read_unaligned() });
            return first;
        }
        let size = size_of(class);
        if size > self.left.get() && !self.more(size) {
            // SAFETY: no class is of no size, and all are aligned alike.
            return unsafe { System.alloc(Layout::from_size_align_unchecked(size, ALIGN)) };
        }
        let at = self.next.get();
        // SAFETY: so many bytes are left in the chunk.
        self.begin(unsafe { at.add(size) }, self.left.get() - size);
        at
    }

    /// Takes a piece of the class that is nobody's any more.
    fn give(&self, at: *mut u8, class: usize) {
        let size = size_of(class);
        if at.wrapping_add(size) == self.next.get() {
            self.begin(at, self.left.get() + size);
        } else {
            // SAFETY: nobody's any more, aligned, and no class is too small.
            unsafe { at.cast::<*mut u8>().write_unaligned(self.kept[class].get()) };
            self.kept[class].set(at);
        }
    }

    /// Whether the last piece given out is this one, and is now of another class.
    fn stretch(&self, at: *mut u8, from: usize, to: usize) -> bool {
        let (old, new) = (size_of(from), size_of(to));
        let is_last = at.wrapping_add(old) == self.next.get();
        if !is_last || new > old + self.left.get() {
            return false;
        }
        // SAFETY: inside the chunk, as was just seen.
        self.begin(unsafe { at.add(new) }, self.left.get() + old - new);
        true
    }

    /// Begins another chunk, unless much of it would be one piece.
    #[cold]
    fn more(&self, size: usize) -> bool {
        let chunk = self.chunk.get();
        if size > chunk / 4 {
            return false;
        }
        let Ok(layout) = Layout::from_size_align(chunk, ALIGN) else {
            return false;
        };
        // SAFETY: of some size.
        let at = unsafe { System.alloc(layout) };
        if at.is_null() {
            return false;
        }
        self.chunk.set(LARGEST_CHUNK.min(chunk * GROWTH));
        self.begin(at, chunk);
        true
    }
}

/// What one thread alone uses.
struct Ones<T>(UnsafeCell<T>);

// SAFETY: whoever finds `IS_TAKEN` false is the only one who uses them.
unsafe impl<T> Sync for Ones<T> {}

/// The first thread's pool, and what it begins with: apart, for all of it is zero.
static POOL: Ones<Pool> = Ones(UnsafeCell::new(Pool::new()));
static BYTES: Ones<[u128; THERE / ALIGN]> = Ones(UnsafeCell::new([0; THERE / ALIGN]));
static IS_TAKEN: AtomicBool = AtomicBool::new(false);

thread_local! {
    static OWN: Cell<*const Pool> = const { Cell::new(ptr::null()) };
}

/// The thread's pool, once it has one; null: no memory for it.
fn own() -> *const Pool {
    let own = OWN.get();
    if own.is_null() { claim() } else { own }
}

/// The first thread takes what is there; each other gets a pool, which stays.
#[cold]
fn claim() -> *const Pool {
    let pool = if IS_TAKEN.swap(true, Ordering::Relaxed) {
        // SAFETY: written before it is used, unless there is no memory.
        unsafe {
            let at = System.alloc(Layout::new::<Pool>());
            let at = at.cast::<c_void>().cast::<Pool>();
            if !at.is_null() {
                at.write(Pool::new());
            }
            at.cast_const()
        }
    } else {
        // SAFETY: written to through its cells alone.
        unsafe { &*POOL.0.get() }.begin(BYTES.0.get().cast(), THERE);
        POOL.0.get().cast_const()
    };
    OWN.set(pool);
    pool
}

/// The allocator: each thread's pool, and libc's for what is large.
pub(crate) struct Heap;

// SAFETY: a piece is inside a chunk or libc's, aligned, as large as its class, and
// overlaps nothing that was given out before.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some(class) = class_of(layout) else {
            // SAFETY: as the caller promises.
            return unsafe { System.alloc(layout) };
        };
        // SAFETY: of this thread, and never given back.
        unsafe { own().as_ref() }.map_or(ptr::null_mut(), |pool| pool.take(class))
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        let Some(class) = class_of(layout) else {
            // SAFETY: one without a class came from there.
            return unsafe { System.dealloc(at, layout) };
        };
        // SAFETY: of this thread, and never given back.
        if let Some(pool) = unsafe { own().as_ref() } {
            pool.give(at, class);
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if class_of(layout).is_none() {
            // SAFETY: as the caller promises.
            return unsafe { System.alloc_zeroed(layout) };
        }
        // SAFETY: a new piece of this size.
        unsafe {
            let at = self.alloc(layout);
            if !at.is_null() {
                at.write_bytes(0, layout.size());
            }
            at
        }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises that the new size fits the alignment.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        match (class_of(layout), class_of(wanted)) {
            // SAFETY: without a class, so it came from there.
            (None, None) => return unsafe { System.realloc(at, layout, size) },
            // What is larger than its class is as good.
            (Some(old), Some(new)) if new <= old => return at,
            (Some(old), Some(new)) => {
                // SAFETY: of this thread, and never given back.
                let pool = unsafe { own().as_ref() };
                if pool.is_some_and(|pool| pool.stretch(at, old, new)) {
                    return at;
                }
            }
            _ => {}
        }
        // SAFETY: a new piece can't overlap the old one; what both have room for is
        // copied.
        unsafe {
            let new = self.alloc(wanted);
            if !new.is_null() {
                ptr::copy_nonoverlapping(at, new, layout.size().min(size));
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

    fn filled(layout: Layout, with: u8) -> *mut u8 {
        // SAFETY: as much as the layout says.
        unsafe {
            let at = Heap.alloc(layout);
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
        let mut pieces = Vec::new();
        for (number, align) in [1, 8, 2, 16, 4, 64, 1].into_iter().enumerate() {
            let layout = Layout::from_size_align(5 + number, align).unwrap();
            let with = u8::try_from(number).unwrap();
            pieces.push((filled(layout, with), layout, with));
        }
        for (at, layout, with) in pieces {
            assert_eq!(at.addr() % layout.align(), 0);
            assert!(holds(at, layout.size(), with));
            // SAFETY: from there, once.
            unsafe { Heap.dealloc(at, layout) };
        }
    }

    #[test]
    fn the_last_piece_grows_in_place_and_another_moves() {
        let first = filled(bytes(10), 1);
        let second = filled(bytes(10), 2);
        // SAFETY: from there, with these layouts.
        unsafe {
            assert_eq!(Heap.realloc(second, bytes(10), 100), second);
            let moved = Heap.realloc(first, bytes(10), 20);
            assert!(moved != first && holds(moved, 10, 1));
            assert!(holds(second, 10, 2));
            Heap.dealloc(moved, bytes(20));
            Heap.dealloc(second, bytes(100));
            assert_eq!(Heap.alloc(bytes(200)), second, "the end was given back");
        }
    }

    #[test]
    fn classes_hold_what_belongs_to_them() {
        let mut last = None;
        for size in 1..=LARGEST {
            let class = class_of(bytes(size)).unwrap();
            let has = size_of(class);
            assert!(has >= size && has < size.max(16) * 2 + 16, "{size}");
            assert!(class < CLASSES && last.is_none_or(|last| class == last || class == last + 1));
            last = Some(class);
        }
        assert_eq!(last, Some(CLASSES - 1));
        assert_eq!(class_of(bytes(LARGEST + 1)), None);
        assert_eq!(class_of(Layout::from_size_align(8, 64).unwrap()), None);
    }

    #[test]
    fn what_was_given_back_is_given_out_again() {
        let pieces = [20, 30, 700, 32_000].map(|size| (filled(bytes(size), 1), size));
        let last = filled(bytes(1), 0);
        // SAFETY: from there, with these layouts.
        unsafe {
            for (at, size) in pieces {
                Heap.dealloc(at, bytes(size));
            }
            assert_eq!(Heap.alloc(bytes(32)), pieces[1].0, "the last one first");
            assert_eq!(Heap.alloc(bytes(17)), pieces[0].0);
            assert_eq!(Heap.alloc(bytes(1024)), pieces[2].0);
            assert_eq!(Heap.alloc(bytes(16_385)), pieces[3].0);
            let another = filled(bytes(32), 2);
            assert!(pieces.iter().all(|(at, _)| *at != another));
            Heap.dealloc(last, bytes(1));
        }
    }

    #[test]
    fn pieces_of_all_sizes_keep_what_is_in_them() {
        let sizes = [
            1, 16, 17, 512, 513, 1024, 1025, 32_768, 32_769, 100_000, 32_768, 40, 3,
        ];
        for from in sizes {
            for to in sizes {
                let at = filled(bytes(from), 7);
                // SAFETY: from there, with these layouts.
                unsafe {
                    let moved = Heap.realloc(at, bytes(from), to);
                    assert!(holds(moved, from.min(to), 7), "{from} to {to}");
                    moved.write_bytes(8, to);
                    Heap.dealloc(moved, bytes(to));
                }
            }
        }
    }

    /// More than all chunks up to the largest hold, so that each kind is met.
    #[test]
    fn more_than_a_chunk_is_many_chunks() {
        let size = 1000;
        let count = 4 * LARGEST_CHUNK / size;
        let with = |number: usize| u8::try_from(number % 251).unwrap();
        let pieces: Vec<*mut u8> = (0..count)
            .map(|number| filled(bytes(size), with(number)))
            .collect();
        for (number, at) in pieces.into_iter().enumerate() {
            assert!(holds(at, size, with(number)));
            // SAFETY: from there, with this layout.
            unsafe { Heap.dealloc(at, bytes(size)) };
        }
    }

    #[test]
    fn what_one_thread_made_another_gives_back() {
        let layout = bytes(100);
        let made: Vec<usize> = (0..1000)
            .map(|_| filled(layout, 3).expose_provenance())
            .collect();
        let another = std::thread::spawn(move || {
            for at in made {
                let at = ptr::with_exposed_provenance_mut::<u8>(at);
                assert!(holds(at, 100, 3));
                // SAFETY: from there, once.
                unsafe { Heap.dealloc(at, layout) };
            }
            let pieces: Vec<*mut u8> = (0..2000).map(|_| filled(layout, 4)).collect();
            pieces.iter().all(|at| holds(*at, 100, 4))
        });
        let here: Vec<*mut u8> = (0..2000).map(|_| filled(layout, 5)).collect();
        assert!(another.join().unwrap());
        assert!(here.iter().all(|at| holds(*at, 100, 5)));
    }
}
