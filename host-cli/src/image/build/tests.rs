//! The build context, and what is told of a failed build.

use super::*;

#[test]
fn the_context_is_the_same_for_the_same_files_and_holds_what_the_dockerfile_copies() {
    let directory = tempfile::tempdir().unwrap();
    let tarball = directory.path().join("opencode-linux-x64-1.0.0.tgz");
    std::fs::write(&tarball, b"tar").unwrap();
    let programs = ["occ-init", "occ-gate"].map(|name| {
        let path = directory.path().join(name);
        std::fs::write(&path, name).unwrap();
        (name, path)
    });
    let bytes = context(&programs, &tarball).unwrap();
    assert_eq!(bytes, context(&programs, &tarball).unwrap());
    let mut archive = tar::Archive::new(&bytes[..]);
    let names: Vec<_> = archive
        .entries()
        .unwrap()
        .map(|entry| entry.unwrap().path().unwrap().display().to_string())
        .collect();
    let dockerfile = std::str::from_utf8(
        CONTEXT
            .iter()
            .find(|file| file.name == "Dockerfile")
            .unwrap()
            .bytes,
    )
    .unwrap();
    let copied = dockerfile
        .lines()
        .filter(|line| line.starts_with("COPY ") && !line.contains("--from="));
    for word in copied
        .flat_map(|line| line.split(' ').skip(1))
        .filter(|word| !word.contains(['/', '*']))
    {
        assert!(
            names.iter().any(|name| name == word),
            "{word} is copied but not in {names:?}"
        );
    }
    assert!(
        names
            .iter()
            .any(|name| name == "opencode-linux-x64-1.0.0.tgz")
    );
}

#[test]
fn escape_sequences_of_the_builder_go() {
    assert_eq!(
        without_colour("\u{1b}[91mwarning: x\u{1b}[0m\r"),
        "warning: x"
    );
}

#[test]
fn failed_fetch_gives_message_and_hint() {
    let error = fetch_failed(&["fetch: npm is missing".into(), "hint: install npm".into()]);
    assert_eq!(
        error.text(),
        "occ: cannot get opencode: npm is missing\nhint: install npm\n"
    );
}
