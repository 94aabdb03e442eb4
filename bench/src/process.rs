//! What /proc tells of a process that runs, and waiting for one.

use crate::{Error, io};
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(5);

/// The number behind `key` in a file of /proc/PID.
pub fn number(pid: u32, file: &str, key: &str) -> Result<u32, Error> {
    let path = format!("/proc/{pid}/{file}");
    let text = fs::read_to_string(&path).map_err(io(&path))?;
    let after = text.lines().find_map(|line| line.strip_prefix(key));
    after
        .and_then(|words| words.split_whitespace().next()?.parse().ok())
        .ok_or_else(|| Error::Other(format!("no {key} in '{path}'")))
}

/// Looks again and again until there is what is waited for.
pub fn until<T>(
    what: &str,
    patience: Duration,
    mut look: impl FnMut() -> Result<Option<T>, Error>,
) -> Result<T, Error> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if Instant::now() > deadline {
            return Err(Error::Other(format!("waited in vain for {what}")));
        }
        thread::sleep(LOOK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_a_process() {
        let own = std::process::id();
        assert_eq!(number(own, "status", "Pid:").unwrap(), own);
        assert!(number(own, "smaps_rollup", "Pss:").unwrap() > 100);
        assert_eq!(
            number(own, "status", "Nothing:").unwrap_err().to_string(),
            format!("no Nothing: in '/proc/{own}/status'")
        );
    }

    #[test]
    fn what_never_comes_is_named() {
        let never = until("a miracle", Duration::ZERO, || Ok(None::<()>)).unwrap_err();
        assert_eq!(never.to_string(), "waited in vain for a miracle");
        let mut looks = 0;
        let third = until("the third", Duration::from_secs(9), || {
            looks += 1;
            Ok((looks == 3).then_some(looks))
        });
        assert_eq!(third.unwrap(), 3);
    }
}
