//! Damage to valid inputs: bytes flipped, set, cut out, doubled, moved, spliced
//! in from another input or from a list of what breaks parsers.

use super::corpus;
use accounts::files::File;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Bytes that print as text.
#[derive(Clone, PartialEq)]
pub(crate) struct Bytes(pub(crate) Vec<u8>);

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "b\"{}\"", self.0.escape_ascii())
    }
}

/// What readers stumble over.
const STUMBLING: [&[u8]; 34] = [
    b"\n",
    b"\r\n",
    b"\0",
    b":",
    b"::",
    b",",
    b"+",
    b"-",
    b"#",
    b"\xff",
    b"\xc3",
    b"\xe2\x80\xae",
    b"0",
    b"00",
    b"-0",
    b" 0",
    b"+0",
    b"4294967296",
    b"4294967295",
    b"65534",
    b"1e3",
    b"root2::0:0::/:/bin/sh\n",
    b"x:0:0::/root:/bin/sh",
    b"+::::::\n",
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"{",
    b"}",
    b"[[[[[[[[[[[[[[[[[[",
    b"null",
    b"true",
    b"\"uid\":0,",
];

#[derive(Debug, Clone)]
enum Damage {
    Flip(Index, u8),
    Set(Index, u8),
    Insert(Index, &'static [u8]),
    Cut(Index, Index),
    Double(Index, Index),
    Move(Index, Index, Index),
    Splice(Index, Index, Index),
    Truncate(Index),
    SwapLines(Index, Index),
    DoubleLine(Index, Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<Index>;
    prop_oneof![
        2 => (at(), 0..8_u8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        2 => (at(), any::<u8>()).prop_map(|(at, byte)| Damage::Set(at, byte)),
        6 => (at(), select(STUMBLING.to_vec())).prop_map(|(at, what)| Damage::Insert(at, what)),
        3 => (at(), at()).prop_map(|(from, to)| Damage::Cut(from, to)),
        2 => (at(), at()).prop_map(|(from, to)| Damage::Double(from, to)),
        2 => (at(), at(), at()).prop_map(|(from, to, into)| Damage::Move(from, to, into)),
        3 => (at(), at(), at()).prop_map(|(which, from, into)| Damage::Splice(which, from, into)),
        1 => at().prop_map(Damage::Truncate),
        2 => (at(), at()).prop_map(|(one, other)| Damage::SwapLines(one, other)),
        2 => (at(), at()).prop_map(|(line, into)| Damage::DoubleLine(line, into)),
    ]
}

/// One of the inputs with at most so many damages; often with few.
pub(crate) fn of(inputs: Vec<Vec<u8>>, most: usize) -> impl Strategy<Value = Bytes> {
    let damages = prop_oneof![3 => vec(damage(), 0..4), 1 => vec(damage(), 0..=most)];
    (any::<Index>(), damages).prop_map(move |(which, damages)| {
        let mut bytes = which.get(&inputs).clone();
        for damage in damages {
            apply(&damage, &mut bytes, &inputs);
        }
        Bytes(bytes)
    })
}

/// Records, account files and what was applied, each damaged.
pub(crate) fn worlds() -> impl Strategy<Value = (Vec<Bytes>, Vec<(File, Bytes)>, Bytes)> {
    let files: Vec<_> = File::ALL
        .into_iter()
        .map(|file| (Just(file), of(vec![corpus::file(file)], 6)))
        .collect();
    (
        vec(of(corpus::records(), 3), 0..5),
        files,
        of(vec![corpus::applied()], 2),
    )
}

fn apply(damage: &Damage, bytes: &mut Vec<u8>, inputs: &[Vec<u8>]) {
    let len = bytes.len();
    let range = |from: &Index, to: &Index| {
        let (from, to) = (from.index(len + 1), to.index(len + 1));
        from.min(to)..from.max(to)
    };
    match damage {
        Damage::Flip(at, bit) if len > 0 => bytes[at.index(len)] ^= 1 << bit,
        Damage::Set(at, byte) if len > 0 => bytes[at.index(len)] = *byte,
        Damage::Flip(..) | Damage::Set(..) => (),
        Damage::Insert(at, what) => insert(bytes, at.index(len + 1), what),
        Damage::Cut(from, to) => drop(bytes.drain(range(from, to))),
        Damage::Double(from, to) => {
            let piece = bytes[range(from, to)].to_vec();
            insert(bytes, from.index(len + 1), &piece);
        }
        Damage::Move(from, to, into) => {
            let piece: Vec<u8> = bytes.drain(range(from, to)).collect();
            let at = into.index(bytes.len() + 1);
            insert(bytes, at, &piece);
        }
        Damage::Splice(which, from, into) => {
            let other = which.get(inputs);
            let piece = &other[from.index(other.len() + 1)..];
            insert(bytes, into.index(len + 1), &piece[..piece.len().min(80)]);
        }
        Damage::Truncate(at) => bytes.truncate(at.index(len + 1)),
        Damage::SwapLines(one, other) => with_lines(bytes, |lines| {
            let count = lines.len();
            lines.swap(one.index(count), other.index(count));
        }),
        Damage::DoubleLine(line, into) => with_lines(bytes, |lines| {
            let copy = line.get(lines).clone();
            lines.insert(into.index(lines.len() + 1), copy);
        }),
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, piece: &[u8]) {
    bytes.splice(at..at, piece.iter().copied());
}

fn with_lines(bytes: &mut Vec<u8>, edit: impl FnOnce(&mut Vec<Vec<u8>>)) {
    let lines = bytes.split_inclusive(|&b| b == b'\n');
    let mut lines: Vec<Vec<u8>> = lines.map(<[u8]>::to_vec).collect();
    if !lines.is_empty() {
        edit(&mut lines);
        *bytes = lines.concat();
    }
}
