use super::*;

fn members(line: &str, ours: &[&str], joins: &[&str]) -> Option<String> {
    let stays = |member: &[u8]| !ours.iter().any(|name| name.as_bytes() == member);
    let has_administrators = line.contains(":!:");
    with_members(line.as_bytes(), has_administrators, stays, joins)
        .map(|line| String::from_utf8(line).unwrap())
}

#[test]
fn our_names_come_and_go() {
    assert_eq!(
        members("audio:x:29:www,alice,mpd", &["alice"], &[]).unwrap(),
        "audio:x:29:www,mpd"
    );
    assert_eq!(
        members("audio:x:29:", &[], &["alice"]).unwrap(),
        "audio:x:29:alice"
    );
    assert_eq!(
        members("audio:x:29:mpd", &[], &["alice", "bob"]).unwrap(),
        "audio:x:29:mpd,alice,bob"
    );
    assert_eq!(
        members("audio:!:alice:alice,mpd", &["alice"], &[]).unwrap(),
        "audio:!::mpd"
    );
}

#[test]
fn a_line_with_more_colons_holds_members_too() {
    assert_eq!(
        members("audio:x:29:alice,www:,alice", &["alice"], &[]).unwrap(),
        "audio:x:29:www:"
    );
}

#[test]
fn other_lines_stay_to_the_byte() {
    for line in [
        "audio:x:29:,www,,mpd",
        "audio:x:29:alice",
        "audio:x:29",
        "#audio:x",
        "audio:x:29:a\r",
        "audio:x:zoe:",
    ] {
        assert_eq!(members(line, &["zoe"], &[]), None, "{line}");
    }
    assert_eq!(members("audio:x:29:alice", &[], &["alice"]), None);
}
