//! Whether a file is still the one that was read or written. Compares what stat(2) tells;
//! reads no content and decides nothing.

use std::fmt;

use nix::sys::stat::FileStat;

/// The state of a file that changes whenever another file is renamed over it (device,
/// inode) and whenever it is written in place (size, time of the last write).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileVersion {
    device: u64,
    inode: u64,
    size: i64,
    seconds: i64,
    nanoseconds: i64,
}

impl FileVersion {
    pub(crate) fn of(stat: &FileStat) -> Self {
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
            size: stat.st_size,
            seconds: stat.st_mtime,
            nanoseconds: stat.st_mtime_nsec,
        }
    }

    /// Reads what `Display` writes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut fields = text.split(' ');
        let version = Self {
            device: fields.next()?.parse().ok()?,
            inode: fields.next()?.parse().ok()?,
            size: fields.next()?.parse().ok()?,
            seconds: fields.next()?.parse().ok()?,
            nanoseconds: fields.next()?.parse().ok()?,
        };
        fields.next().is_none().then_some(version)
    }
}

impl fmt::Display for FileVersion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            device,
            inode,
            size,
            seconds,
            nanoseconds,
        } = self;
        write!(out, "{device} {inode} {size} {seconds} {nanoseconds}")
    }
}

/// The first word of a line that holds a mark.
const MARK: &str = "left ";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum WatchedDir {
    Etc,
    Store,
}

impl WatchedDir {
    const fn word(self) -> &'static str {
        match self {
            Self::Etc => "etc",
            Self::Store => "store",
        }
    }
}

/// A file that a restore wrote, as it was when the restore had written it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    place: WatchedDir,
    name: String,
    version: FileVersion,
}

impl Mark {
    pub(crate) fn new(place: WatchedDir, name: &str, stat: &FileStat) -> Self {
        Self {
            place,
            name: name.to_owned(),
            version: FileVersion::of(stat),
        }
    }

    /// The line that a restore prints for PID 1.
    pub(crate) fn line(&self) -> String {
        let Self {
            place,
            name,
            version,
        } = self;
        format!("{MARK}{} {name} {version}\n", place.word())
    }

    /// Reads such a line, without its newline.
    pub(crate) fn parse(line: &[u8]) -> Option<Self> {
        let rest = std::str::from_utf8(line).ok()?.strip_prefix(MARK)?;
        let (place, rest) = rest.split_once(' ')?;
        let (name, version) = rest.split_once(' ')?;
        Some(Self {
            place: [WatchedDir::Etc, WatchedDir::Store]
                .into_iter()
                .find(|known| known.word() == place)?,
            name: name.to_owned(),
            version: FileVersion::parse(version)?,
        })
    }
}

#[cfg(test)]
mod tests;
