//! The account files as values: what was read, what is to be written, and the
//! last gate before writing.

pub mod group;
pub mod passwd;
pub mod shadow;
pub mod subid;
pub mod table;

/// The files, in the order in which a new account is written: a passwd line
/// never exists without its shadow and group lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum File {
    /// subuid(5)
    Subuid,
    /// subgid(5)
    Subgid,
    /// group(5)
    Group,
    /// gshadow(5)
    Gshadow,
    /// shadow(5)
    Shadow,
    /// passwd(5)
    Passwd,
}

impl File {
    /// All of them, in writing order.
    pub const ALL: [Self; 6] = [
        Self::Subuid,
        Self::Subgid,
        Self::Group,
        Self::Gshadow,
        Self::Shadow,
        Self::Passwd,
    ];

    /// The name in /etc.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Subuid => "subuid",
            Self::Subgid => "subgid",
            Self::Group => "group",
            Self::Gshadow => "gshadow",
            Self::Shadow => "shadow",
            Self::Passwd => "passwd",
        }
    }

    /// Returns whether passwords may stand in it.
    pub const fn is_secret(self) -> bool {
        matches!(self, Self::Shadow | Self::Gshadow)
    }

    /// Fields of one line.
    const fn field_count(self) -> usize {
        match self {
            Self::Subuid | Self::Subgid => 3,
            Self::Group | Self::Gshadow => 4,
            Self::Shadow => 9,
            Self::Passwd => 7,
        }
    }

    /// Bytes of a line that every reader takes.
    const fn max_line(self) -> usize {
        match self {
            Self::Shadow => shadow::MAX_LINE,
            Self::Passwd => passwd::MAX_LINE,
            _ => usize::MAX,
        }
    }

    /// The gate for a line of ours: number of fields, no control bytes, valid
    /// UTF-8, short enough. It repeats what the types promise, on the very
    /// bytes that are written.
    pub fn is_sound(self, line: &[u8]) -> bool {
        let (mut fields, mut is_ascii) = (1, true);
        for &byte in line {
            match byte {
                b':' => fields += 1,
                b' '..=b'~' => (),
                0x80.. => is_ascii = false,
                _ => return false,
            }
        }
        line.len() <= self.max_line()
            && fields == self.field_count()
            && (is_ascii || std::str::from_utf8(line).is_ok())
    }
}

/// The contents of the files; a file may be missing.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Etc([Option<Vec<u8>>; File::ALL.len()]);

impl Etc {
    /// The content of a file.
    pub fn get(&self, file: File) -> Option<&[u8]> {
        self.0[file as usize].as_deref()
    }

    /// The content of a file, or nothing if it is not there.
    pub fn bytes(&self, file: File) -> &[u8] {
        self.get(file).unwrap_or_default()
    }

    /// Puts a content in place.
    pub fn set(&mut self, file: File, content: Vec<u8>) {
        self.0[file as usize] = Some(content);
    }
}

#[cfg(test)]
mod tests;
