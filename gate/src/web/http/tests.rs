use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};

use super::only;

/// The headers of these lines.
pub(crate) fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in lines {
        map.append(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    map
}

#[test]
fn only_one_is_the_only_one() {
    assert_eq!(only([1].iter()), Some(&1));
    assert_eq!(only([1, 1].iter()), None);
    assert_eq!(only([0; 0].iter()), None);
}
