//! The files that a session wrote, told to PID 1 on standard output, so that it does not
//! restore again because of them.

use super::session::Session;
use crate::fs::dir::stat;
use crate::fs::version::{Mark, WatchedDir};
use crate::log::print;

/// PID 1 reads them when the session has ended, so they must fit into the pipe.
const MOST_MARKS: usize = 64;
impl Session {
    /// Prints a line for each file that was written and still is as it was written then. Called
    /// while the locks are held.
    pub(crate) fn print_marks(&self) {
        let records = self.saved.iter().filter_map(|name| {
            let file = format!("{name}.json");
            // In this order: what is swapped in between gets no mark, or one
            // that no longer fits.
            let stat = stat(&self.store.directory, file.as_str());
            let record = self.store.read(name, self.image.uids).ok()?;
            let is_ours = self.records.get(name.as_str().as_bytes()) == Some(record.account());
            let stat = stat.ok().flatten().filter(|_| is_ours)?;
            Some(Mark::new(WatchedDir::Store, &file, &stat))
        });
        let etc = self.written.iter();
        let etc = etc.map(|file| Mark::new(WatchedDir::Etc, file.name, &file.state));
        let marks = etc.chain(records);
        let lines: Vec<String> = marks.take(MOST_MARKS).map(|mark| mark.line()).collect();
        print(&lines.concat());
    }
}
