//! opencode's scripts and styles: compressed once, kept within bounds, cached by
//! browsers for good (their names hold a digest of what is in them).
//!
//! What a person's opencode sends is that person's word alone, for it runs under
//! their uid: nobody may be served from what another's sent. So a compressed
//! copy is found only by the digest of the very bytes it was made of, and which
//! bytes a path means is remembered per opencode.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::{Arc, Mutex};

use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::HeaderMap;
use hyper::body::Bytes;
use hyper::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName,
    HeaderValue, IF_NONE_MATCH, VARY,
};
use sha2::{Digest as _, Sha256};

use crate::lock::lock;

/// Larger ones pass as they are.
pub(crate) const LARGEST: usize = 8 * 1024 * 1024;
/// Below that, compressing costs more than it saves.
const SMALLEST: usize = 1024;
/// Room for compressed copies, and most of them.
const ROOM: usize = 6 * 1024 * 1024;
const COPIES: usize = 2000;
/// Room for what is remembered of the assets of one opencode: 500 take half of it.
const PATHS_ROOM: usize = 256 * 1024;
/// The cost of a path besides its bytes and those of its headers.
const PATH_COST: usize = 256;
/// The headers of an asset that are kept, and the longest that is.
const KEPT_HEADERS: [HeaderName; 2] = [CONTENT_TYPE, CONTENT_SECURITY_POLICY];
const LONGEST_HEADER: usize = 1024;
const LEVEL: Compression = Compression::new(6);

/// SHA-256 of an asset's bytes.
pub(crate) type Digest = [u8; 32];

/// An asset without its bytes: enough to answer from the copy.
#[derive(Clone)]
pub(crate) struct CachedAsset {
    pub(crate) digest: Digest,
    pub(crate) headers: HeaderMap,
}

impl CachedAsset {
    /// Keeps only the headers that the asset needs, as the browser gets them.
    pub(crate) fn new(digest: Digest, headers: &HeaderMap) -> Self {
        let mut kept = HeaderMap::new();
        for (name, value) in headers {
            if KEPT_HEADERS.contains(name) && value.len() <= LONGEST_HEADER {
                kept.append(name.clone(), value.clone());
            }
        }
        Self {
            digest,
            headers: kept,
        }
    }

    fn cost(&self, path: &str) -> usize {
        let headers = self.headers.iter();
        let headers = headers.map(|(name, value)| name.as_str().len() + value.len());
        PATH_COST + path.len() + headers.sum::<usize>()
    }
}

/// The assets of one opencode, by path.
#[derive(Default)]
pub(crate) struct Digests(Mutex<HashMap<String, CachedAsset>>);

fn total_cost(paths: &HashMap<String, CachedAsset>) -> usize {
    paths.iter().map(|(path, known)| known.cost(path)).sum()
}

impl Digests {
    pub(crate) fn get(&self, path: &str) -> Option<CachedAsset> {
        lock(&self.0).get(path).cloned()
    }

    /// Remembers an asset while there is room; opencode decides what its paths are.
    pub(crate) fn insert(&self, path: &str, known: CachedAsset) {
        let mut paths = lock(&self.0);
        if total_cost(&paths) + known.cost(path) <= PATHS_ROOM {
            paths.insert(path.to_owned(), known);
        }
    }
}

/// Compressed copies by the digest of what they were made of, the least recently
/// used first.
#[derive(Clone, Default)]
pub(crate) struct Copies(Arc<Mutex<Vec<(Digest, Bytes)>>>);

impl Copies {
    pub(crate) fn get(&self, digest: &Digest) -> Option<Bytes> {
        let mut kept = lock(&self.0);
        let at = kept.iter().position(|(of, _)| of == digest)?;
        kept[at..].rotate_left(1);
        kept.last().map(|(_, copy)| copy.clone())
    }

    /// Keeps a compressed copy of an asset, unless it is there or saves nothing.
    /// Takes some 0.1 s for the largest: not for the thread that serves.
    pub(crate) fn keep(&self, bytes: &[u8]) -> Digest {
        let digest = Sha256::digest(bytes).into();
        if self.get(&digest).is_none()
            && let Some(copy) = compress(bytes).filter(|copy| copy.len() < bytes.len())
        {
            self.insert(digest, copy);
        }
        digest
    }

    /// The least recently used ones make room.
    fn insert(&self, digest: Digest, copy: Bytes) {
        if copy.len() > ROOM {
            return;
        }
        let mut kept = lock(&self.0);
        kept.retain(|(of, _)| *of != digest);
        kept.push((digest, copy));
        let mut size: usize = kept.iter().map(|(_, copy)| copy.len()).sum();
        while size > ROOM || kept.len() > COPIES {
            size -= kept.remove(0).1.len();
        }
    }
}

fn compress(bytes: &[u8]) -> Option<Bytes> {
    if bytes.len() < SMALLEST {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 3), LEVEL);
    encoder.write_all(bytes).ok()?;
    let mut copy = encoder.finish().ok()?;
    copy.shrink_to_fit();
    Some(copy.into())
}

/// Returns true for the path of an asset: only their names change with their content.
pub(crate) fn is_asset(path: &str) -> bool {
    path.starts_with("/assets/")
}

/// The headers of an asset that is sent whole.
pub(crate) fn headers(known: &CachedAsset, compressed: bool) -> HeaderMap {
    let mut headers = known.headers.clone();
    headers.insert(
        CACHE_CONTROL,
        HeaderValue::from_static("private, max-age=31536000, immutable"),
    );
    headers.append(VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(tag) = HeaderValue::from_str(&etag(&known.digest, compressed)) {
        headers.insert(ETAG, tag);
    }
    if compressed {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    headers
}

/// Returns true if the browser has it already, in either form.
pub(crate) fn is_unchanged(browser: &HeaderMap, digest: &Digest) -> bool {
    let tags = browser
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|line| line.to_str().ok());
    tags.flat_map(|line| line.split(','))
        .map(|tag| tag.trim().trim_start_matches("W/"))
        .any(|tag| tag == "*" || tag == etag(digest, false) || tag == etag(digest, true))
}

fn etag(digest: &Digest, compressed: bool) -> String {
    let half = u128::from_be_bytes(std::array::from_fn(|at| digest[at]));
    let form = if compressed { "-gzip" } else { "" };
    format!("\"{half:032x}{form}\"")
}

#[cfg(test)]
mod tests;
