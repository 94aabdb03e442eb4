use std::io::Read as _;

use super::*;

#[test]
fn a_copy_is_made_once_and_says_the_same() {
    let copies = Copies::default();
    let script = b"export const answer = 42;\n".repeat(1000);
    let digest = copies.keep(&script);
    let copy = copies.get(&digest).unwrap();
    assert!(copy.len() < script.len() / 10);
    let mut back = Vec::new();
    flate2::read::GzDecoder::new(&copy[..])
        .read_to_end(&mut back)
        .unwrap();
    assert_eq!(back, script);
    assert_eq!(copies.keep(&script), digest);
    let same = copies.get(&digest).unwrap();
    assert_eq!(same.as_ptr(), copy.as_ptr());
}

#[test]
fn what_does_not_shrink_stays_as_it_is() {
    let copies = Copies::default();
    let short = copies.keep(b"short");
    assert_eq!(copies.get(&short), None);
    let noise: Vec<u8> = (0..200u32)
        .flat_map(|n| <[u8; 32]>::from(Sha256::digest(n.to_le_bytes())))
        .collect();
    let noise = copies.keep(&noise);
    assert_eq!(copies.get(&noise), None);
}

#[test]
fn copies_stay_within_their_room() {
    let copies = Copies::default();
    let copy = Bytes::from(vec![0; ROOM / 4]);
    for number in 0..4 {
        copies.insert([number; 32], copy.clone());
    }
    assert!(copies.get(&[0; 32]).is_some(), "now the most recently used");
    copies.insert([9; 32], copy.clone());
    copies.insert([9; 32], copy);
    assert!(copies.get(&[0; 32]).is_some());
    assert!(copies.get(&[1; 32]).is_none());
    let kept = |copies: &Copies| {
        lock(&copies.0)
            .iter()
            .map(|(_, copy)| copy.len())
            .sum::<usize>()
    };
    assert_eq!(kept(&copies), ROOM / 4 * 4);
    copies.insert([8; 32], Bytes::from(vec![0; ROOM + 1]));
    assert!(copies.get(&[8; 32]).is_none());
    let small = Bytes::from_static(b"x");
    for number in 0..COPIES + 10 {
        copies.insert(Sha256::digest(number.to_le_bytes()).into(), small.clone());
    }
    assert_eq!(lock(&copies.0).len(), COPIES);
}

#[test]
fn tags_tell_the_forms_apart_and_know_both() {
    let known = CachedAsset {
        digest: [0xab; 32],
        headers: HeaderMap::new(),
    };
    let plain = headers(&known, false);
    let gzip = headers(&known, true);
    assert_eq!(plain[ETAG], "\"abababababababababababababababab\"");
    assert_eq!(gzip[ETAG], "\"abababababababababababababababab-gzip\"");
    assert_eq!(gzip[CONTENT_ENCODING], "gzip");
    assert_eq!(gzip[CACHE_CONTROL], "private, max-age=31536000, immutable");
    for (sent, unchanged) in [
        ("\"abababababababababababababababab\"", true),
        ("\"x\", W/\"abababababababababababababababab-gzip\"", true),
        ("*", true),
        ("\"abab\"", false),
        ("", false),
    ] {
        let browser = HeaderMap::from_iter([(IF_NONE_MATCH, HeaderValue::from_static(sent))]);
        assert_eq!(is_unchanged(&browser, &known.digest), unchanged, "{sent}");
    }
    assert!(!is_unchanged(&HeaderMap::new(), &known.digest));
}

/// An opencode may send whatever headers and paths it likes.
#[test]
fn what_is_remembered_of_assets_stays_within_its_room() {
    let mut sent = HeaderMap::new();
    sent.insert(CONTENT_TYPE, HeaderValue::from_static("text/javascript"));
    for number in 0..90 {
        let name = HeaderName::try_from(format!("x-{number}")).unwrap();
        sent.insert(name, HeaderValue::try_from("a".repeat(1000)).unwrap());
    }
    let long = HeaderValue::try_from("a".repeat(LONGEST_HEADER + 1)).unwrap();
    sent.insert(CONTENT_SECURITY_POLICY, long);
    let digests = Digests::default();
    for number in 0..3000 {
        let path = format!("/assets/{number}-{}", "b".repeat(number * 2));
        digests.insert(&path, CachedAsset::new([0; 32], &sent));
        digests.insert(&path, CachedAsset::new([1; 32], &sent));
    }
    let kept = lock(&digests.0);
    assert!(total_cost(&kept) <= PATHS_ROOM && kept.len() > 100);
    let first = &kept["/assets/0-"];
    let (headers, digest) = (first.headers.len(), first.digest);
    assert_eq!((headers, digest), (1, [1; 32]), "the type, of the latest");
}

#[test]
fn only_assets_are_assets() {
    assert!(is_asset("/assets/index-abc.js"));
    assert!(!is_asset("/assets"));
    assert!(!is_asset("/session/assets/x"));
}
