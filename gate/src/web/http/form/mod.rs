//! Reads `application/x-www-form-urlencoded`, in buffers that are wiped. Pure.

use percent_encoding::percent_decode;
use zeroize::Zeroizing;

use crate::web::http::only;

/// The fields of a form that was sent.
#[derive(Default)]
pub(crate) struct Form(Vec<(Decoded, Decoded)>);

type Decoded = Zeroizing<Vec<u8>>;

/// A form of ours has far fewer fields.
const MOST_FIELDS: usize = 16;

impl Form {
    /// None if a percent sign has no two digits behind it, or fields are too many.
    pub(crate) fn parse(body: &[u8]) -> Option<Self> {
        let mut fields = Vec::new();
        let parts = body.split(|byte| *byte == b'&');
        for field in parts.filter(|field| !field.is_empty()) {
            let mut halves = field.splitn(2, |byte| *byte == b'=');
            let mut half = || decode(halves.next().unwrap_or_default());
            fields.push((half()?, half()?));
        }
        (fields.len() <= MOST_FIELDS).then_some(Self(fields))
    }

    /// A field that came exactly once.
    pub(crate) fn bytes(&self, name: &str) -> Option<&Decoded> {
        let is_meant = |(key, _): &&(Decoded, Decoded)| key.as_slice() == name.as_bytes();
        only(self.0.iter().filter(is_meant)).map(|(_, value)| value)
    }

    /// A field that came exactly once, as text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.bytes(name)?).ok()
    }
}

fn decode(text: &[u8]) -> Option<Decoded> {
    let mut escapes = text.split(|byte| *byte == b'%').skip(1);
    let is_escape = |rest: &[u8]| matches!(rest, [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit());
    escapes.all(is_escape).then_some(())?;
    // Never longer than what it decodes, so that no copy is left behind.
    let mut decoded = Zeroizing::new(Vec::with_capacity(text.len()));
    for (at, word) in text.split(|byte| *byte == b'+').enumerate() {
        decoded.extend((at > 0).then_some(b' '));
        decoded.extend(percent_decode(word));
    }
    Some(decoded)
}

#[cfg(test)]
mod tests;
