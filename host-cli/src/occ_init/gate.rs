//! Calls occ-gate in the container: programs' tokens, and the code for the first account.

use std::time::Duration;

use serde::de::DeserializeOwned;

use super::reply::read;
use super::{LIMIT, OccInit, argv};
use crate::error::{Error, Result};

/// Its path in every image of ours.
const PATH: &str = "/usr/local/bin/occ-gate";
/// Printing the code reads one file.
const CODE_LIMIT: Duration = Duration::from_secs(10);

impl OccInit {
    /// Runs `occ-gate ARGS` and reads its answer, which is like occ-init's.
    pub(crate) async fn call_gate<T: DeserializeOwned>(&self, args: Vec<String>) -> Result<T> {
        let finished = self.exec(&argv(PATH, args), None, LIMIT).await?;
        let answer = self.answer(&finished, read).await;
        answer.map_err(|error| match error {
            Error::NoInit { container, .. } => Error::NoGate(container),
            other => other,
        })
    }

    /// The code with which the login makes the first account; `None` if there is none, also
    /// because the image has no occ-gate.
    pub(crate) async fn first_code(&self) -> Option<String> {
        let argv = argv(PATH, vec!["first-account".to_owned()]);
        let finished = self.exec(&argv, None, CODE_LIMIT).await.ok()?;
        let code = code(&finished.stdout)?.to_owned();
        (finished.code == 0).then_some(code)
    }
}

/// The code in what was printed: `XXXX-XXXX-XXXX` and nothing else.
fn code(printed: &[u8]) -> Option<&str> {
    let code = std::str::from_utf8(printed).ok()?.trim_end();
    let is_group =
        |part: &str| part.len() == 4 && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (code.split('-').count() == 3 && code.split('-').all(is_group)).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_a_code_is_shown() {
        assert_eq!(code(b"AB2C-D3EF-GH4J\n"), Some("AB2C-D3EF-GH4J"));
        for bad in [
            "",
            "AB2C-D3EF",
            "AB2C-D3EF-GH4\u{1b}",
            "AB2CD-3EF-GH4J",
            "AB2C-D3EF-GH4J-K5LM",
        ] {
            assert_eq!(code(bad.as_bytes()), None, "{bad:?}");
        }
    }
}
