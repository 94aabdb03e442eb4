//! The ELF note by which every copy and every version of this program is known: PID 1 may be
//! a file of its own, as podman's --init-path makes it. Decides nothing.
#![allow(unsafe_code)]

/// An ELF note without a description, elf(5).
#[repr(C)]
struct Note {
    name_size: u32,
    description_size: u32,
    kind: u32,
    name: [u8; NAME.len()],
}

/// With its NUL, and padded to a multiple of 4 bytes.
const NAME: [u8; 12] = *b"occ-init\0\0\0\0";
const KIND: u32 = 1;

#[used]
#[unsafe(link_section = ".note.occ-init")]
static NOTE: Note = Note {
    name_size: 9,
    description_size: 0,
    kind: KIND,
    name: NAME,
};

/// Returns true if the beginning of a program's file has the note.
pub(crate) fn has_note(head: &[u8]) -> bool {
    let [kind, ..] = KIND.to_le_bytes();
    let note = [&[kind, 0, 0, 0], &NAME[..]].concat();
    head.windows(note.len()).any(|bytes| bytes == note)
}
