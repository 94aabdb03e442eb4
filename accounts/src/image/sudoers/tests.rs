use super::*;

fn groups_of(text: &str) -> Vec<String> {
    Sudoers::parse(text).groups.into_iter().collect()
}

#[test]
fn every_way_to_name_a_group() {
    let ways = [
        "%ops ALL=(ALL) ALL",
        "%Ops ALL=ALL\r\n",
        "  %ops\tALL=ALL",
        "\"%ops\" ALL=ALL",
        "%\"ops\" ALL=ALL",
        "%:ops ALL=ALL",
        "User_Alias ADMINS=root,%ops",
        "User_Alias ADMINS = root, \\\n  %ops",
        "root,\\  \n%ops\\\n ALL=ALL",
        "%ops\\\nALL=ALL",
        "Defaults:%ops !authenticate",
        "!%ops ALL=ALL",
        "ALL,!%ops ALL=ALL",
        "Runas_Alias R = %ops",
        "root ALL=(%ops) ALL",
        "%\\x6fps ALL=ALL",
        "%o\\ps ALL=ALL",
        "%ops# all of them",
        "# %ops ALL=ALL",
        "%ops",
    ];
    for text in ways {
        assert_eq!(groups_of(text), ["ops"], "{text}");
    }
    assert_eq!(groups_of("%a,%b ALL=ALL\n%c x"), ["a", "b", "c"]);
    assert_eq!(groups_of("%#10000 ALL=ALL"), ["#10000"]);
    assert_eq!(groups_of("\"%domain users\" ALL=ALL"), ["domain users"]);
}

#[test]
fn what_names_none() {
    for text in [
        "",
        "ops ALL=ALL",
        "+ops ALL=ALL",
        "root ALL=(:ops) ALL",
        "%",
        "100%",
        "\\",
        "%\\",
    ] {
        let groups = groups_of(text);
        assert!(
            groups.iter().all(|group| group.trim().is_empty()),
            "{text}: {groups:?}"
        );
    }
}

#[test]
fn other_files() {
    let file = |path: &str| Include::File(path.to_owned());
    let directory = |path: &str| Include::Directory(path.to_owned());
    for (text, include) in [
        ("@include /etc/sudoers.local", file("/etc/sudoers.local")),
        ("#include\tsudoers.%h", file("sudoers.%h")),
        ("  @include \"/etc/a b\"  ", file("/etc/a b")),
        ("@include /etc/a\\ b", file("/etc/a b")),
        ("@include \\\n/etc/x", file("/etc/x")),
        (
            "#includedir /etc/sudoers.d\r\n",
            directory("/etc/sudoers.d"),
        ),
        ("@includedir more", directory("more")),
    ] {
        assert_eq!(Sudoers::parse(text).includes, [include], "{text}");
    }
    for text in [
        "# include x",
        "@includes x",
        "include x",
        "@include",
        "@include \"\"",
    ] {
        assert_eq!(Sudoers::parse(text).includes, [], "{text}");
    }
}
