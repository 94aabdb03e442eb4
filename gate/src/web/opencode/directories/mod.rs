//! The project directory that a request to opencode names. Pure.
//!
//! opencode runs one workspace per directory and answers about one at a time;
//! which ones there are is needed to tell whether it is at rest.

use hyper::HeaderMap;

use crate::web::http::form::Form;
use crate::web::http::percent;

/// Longest path of the kernel's.
const LONGEST: usize = 4096;

/// The directory in `?directory=` or `X-Opencode-Directory`, decoded.
pub(crate) fn named(query: Option<&str>, headers: &HeaderMap) -> Option<String> {
    let mut fields = query.unwrap_or("").split('&');
    let field = fields.find(|field| field.starts_with("directory="));
    let in_query = field.and_then(decoded);
    let in_header = || {
        let value = headers.get("x-opencode-directory")?.to_str().ok()?;
        // There a plus is a plus.
        let value = value.replace('+', "%2B").replace('&', "%26");
        decoded(&format!("directory={value}"))
    };
    in_query
        .or_else(in_header)
        .filter(|path| !path.is_empty() && path.len() <= LONGEST)
}

/// The query that names a directory.
pub(crate) fn query(directory: &str) -> String {
    format!("?directory={}", percent::encode(directory))
}

fn decoded(field: &str) -> Option<String> {
    let form = Form::parse(field.as_bytes())?;
    form.text("directory").map(str::to_owned)
}

#[cfg(test)]
mod tests;
