use super::*;
use std::collections::BTreeMap;

/// Sizes on both sides of every class, and larger than all.
const SIZES: [usize; 12] = [
    1,
    15,
    16,
    17,
    32,
    33,
    500,
    512,
    513,
    4097,
    LARGEST,
    LARGEST + 1,
];

fn layout(size: usize) -> Layout {
    Layout::from_size_align(size, 1).unwrap()
}

/// Fails if the piece overlaps one that is in use.
fn mark_used(used: &mut BTreeMap<usize, usize>, at: *mut u8, size: usize) {
    let (start, end) = (at.addr(), at.addr() + size);
    let before = used.range(..end).next_back();
    assert!(before.is_none_or(|(_, &other)| other <= start));
    used.insert(start, end);
}

#[test]
fn pieces_never_overlap() {
    // SAFETY: this process has no allocator of ours; only this test calls it.
    unsafe { turn_on() };
    let (mut used, mut pieces) = (BTreeMap::new(), Vec::new());
    for round in 0..2000 {
        let size = SIZES[round % SIZES.len()];
        // SAFETY: each piece is given back once, with the layout it has.
        unsafe {
            let at = Pools.alloc(layout(size));
            at.write_bytes(1, size);
            mark_used(&mut used, at, size);
            pieces.push((at, size));
            if round % 3 == 1 {
                let (at, size) = pieces.swap_remove(round / 3 % pieces.len());
                used.remove(&at.addr());
                Pools.dealloc(at, layout(size));
            }
            if round % 5 == 4 {
                let (at, size) = pieces.swap_remove(0);
                used.remove(&at.addr());
                let wanted = SIZES[round / 5 % SIZES.len()];
                let at = Pools.realloc(at, layout(size), wanted);
                assert!((0..size.min(wanted)).all(|offset| *at.add(offset) == 1));
                at.write_bytes(1, wanted);
                mark_used(&mut used, at, wanted);
                pieces.push((at, wanted));
            }
        }
    }
}

#[test]
fn class_has_room_for_its_sizes() {
    // SAFETY: as above.
    unsafe { turn_on() };
    for size in 1..=LARGEST {
        let class = class_of(layout(size)).unwrap();
        assert!(class < CLASSES && (class + 1) * UNIT >= size, "{size}");
    }
    assert_eq!(class_of(layout(LARGEST + 1)), None);
    assert_eq!(class_of(Layout::from_size_align(8, 64).unwrap()), None);
}
