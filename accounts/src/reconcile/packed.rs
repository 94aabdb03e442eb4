//! Many short texts one after the other in one piece of memory: whoever looks at all
//! of them, in whatever order, does not go through memory from one to the next.

/// The texts, each at its place.
pub(crate) struct Packed {
    bytes: Vec<u8>,
    /// Where each ends, which is where the next begins.
    ends: Vec<usize>,
}

impl Packed {
    /// Of each item what `write` appends.
    pub(crate) fn new<T>(
        items: impl IntoIterator<Item = T>,
        write: impl Fn(T, &mut Vec<u8>),
    ) -> Self {
        let mut bytes = Vec::new();
        let append = |item| {
            write(item, &mut bytes);
            bytes.len()
        };
        let ends = items.into_iter().map(append).collect();
        Self { bytes, ends }
    }

    /// The text at this place, which is one of those of the items.
    pub(crate) fn at(&self, place: usize) -> &[u8] {
        let before = place.checked_sub(1);
        let begin = before.map_or(0, |before| self.ends[before]);
        &self.bytes[begin..self.ends[place]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_is_at_its_place() {
        let texts = ["", "one", "", "three", "x"];
        let packed = Packed::new(texts, |text, into| into.extend_from_slice(text.as_bytes()));
        for (place, text) in texts.into_iter().enumerate() {
            assert_eq!(packed.at(place), text.as_bytes());
        }
    }
}
