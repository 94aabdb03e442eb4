use super::*;
use std::ffi::CString;

#[test]
fn entry_is_a_name_and_a_value() {
    let env = Environment::of(&[c"HOME=/root", c"A=1", c"A=2", c"EMPTY=", c"odd"]);
    for (name, value) in [
        ("HOME", Some(&b"/root"[..])),
        ("A", Some(b"1")),
        ("EMPTY", Some(b"")),
        ("odd", None),
        ("HOM", None),
        ("HOMER", None),
        ("", None),
    ] {
        assert_eq!(env.get(name), value, "{name}");
    }
    assert!(env.has_prefix("HOM"));
    assert!(!env.has_prefix("OME"));
}

#[test]
fn removed_entries_are_gone() {
    let mut env = Environment::of(&[c"A=1", c"B=2", c"A=3"]);
    env.remove("A");
    assert_eq!(env.entries().collect::<Vec<_>>(), [c"B=2"]);
}

#[test]
fn secrets_are_overwritten_where_the_kernel_has_them() {
    let mut pointers = [c"A=12", c"B=2", c"A=", c"odd"]
        .map(CStr::to_owned)
        .map(CString::into_raw)
        .to_vec();
    pointers.push(std::ptr::null_mut());
    // SAFETY: an array of C strings of our own, with a null pointer at its end.
    let env = unsafe { Environment::take(pointers.as_mut_ptr(), &["A"]) };
    assert_eq!(env.get("A"), Some(&b"12"[..]));
    drop(env);
    pointers.pop();
    let left: Vec<CString> = pointers
        .into_iter()
        // SAFETY: made by into_raw above, and as long as then.
        .map(|text| unsafe { CString::from_raw(text) })
        .collect();
    assert_eq!(left, [c"A=xx", c"B=2", c"A=", c"odd"]);
}
