use super::*;

/// Made by ssh-keygen for these tests; its private half was thrown away.
const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG7XlDM31LdZr0AjzdymgbyWg7rQepVzcdAqVudzft8b";
const PRINT: &str = "SHA256:5Fk0scUReO0IAYmWsFTo2kRFWRAPfEUdBISZNq99/wU";

#[test]
fn a_key_is_a_line_of_authorized_keys() {
    for line in [
        KEY.to_owned(),
        format!("{KEY} petra@host"),
        format!("{KEY} a comment of several words"),
        format!("  {KEY}\r"),
        KEY.replace(' ', "\t"),
        format!("restrict {KEY}"),
        format!("no-pty,from=\"10.0.0.0/8\" {KEY} petra"),
        format!("command=\"echo \\\"a b\\\" c\",no-pty {KEY}"),
    ] {
        let key = SshKey::parse(&line).unwrap_or_else(|| panic!("{line}"));
        assert_eq!(key.fingerprint(), PRINT);
        assert_eq!(key.as_str(), line.trim());
    }
}

#[test]
fn every_kind_of_key_is_one() {
    for line in [
        "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBBlsJ9DK9Q8tv7b3xCKIiR+G29+WQ7q1yhSLuev4mp/47kOAIZklbAtpIDJhn9lJ0pE+eF6Yn2bikquocgQKseM=",
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQCeVB/ZrgnkleZh38JSOMzeMe4pigeHJrGMggxWMqoifjYfwBWi8FRPzOQvc7FxEzFkd3DAm1FMHR+UOb+X8vgBFKjikVkOJM0cRLTAHg1l5SevE8I9xwRdbuOYXhstfEz5emuK8aGd6Mvd+GHuESLgtAfh5IDPbmy9AapE89I87/3n0Nc57CSrP00cMq25n5lAfAxeMkfnLyFtSpiPyPOXUIKh7+r/WoiIcXx1BM33MqRGngknmXCww5cOuDNLa2nodOmLAMMxK2VyatxPs9JtfNVqbUPMJjJ3KKSe1rVar2KkRst7l7by7y0evX0sOyJ5yPz9jxUohVXPaeMDBh0PIDJbsROuX48NIg+dZEtqm0P2YznW71eklOYVKlirnXUmbWjsgvjQOoaXy9Qd08NDrIcJk2sOOCff6jz7+W4vjPq5Wuta51e6R+g8Sle/Vhq6GUHmG56Ue/5uVzpaaWHOV/BQh9oYtffz8Phn3W5BUhFLEYvpzSGMldAw4/6EU2k=",
    ] {
        assert!(SshKey::parse(line).is_some(), "{line}");
    }
}

#[test]
fn no_key_is_none() {
    let cut = &KEY[..KEY.len() - 8];
    let other_kind = KEY.replace("ssh-ed25519", "ssh-rsa");
    for line in [
        "",
        "hello",
        "ssh-ed25519",
        "ssh-ed25519 AAAA",
        cut,
        &other_kind,
        &format!("{KEY} bell \x07"),
        &format!("from=\"unended {KEY}"),
    ] {
        assert_eq!(SshKey::parse(line), None, "{line}");
    }
}

#[test]
fn a_file_has_keys_comments_and_blank_lines() {
    let text = format!("\u{feff}# of petra\r\n\r\n{KEY} one\r\n  # two\n{KEY}");
    let keys = SshKey::parse_file(text.as_bytes()).unwrap();
    let lines: Vec<&str> = keys.iter().map(SshKey::as_str).collect();
    assert_eq!(lines, [&format!("{KEY} one"), KEY]);
    assert_eq!(SshKey::parse_file(b"").unwrap(), []);
}

#[test]
fn what_is_given_by_mistake_is_named() {
    for (text, expected) in [
        (
            "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blb",
            InvalidKeys::Private(1),
        ),
        ("\n-----BEGIN RSA PRIVATE KEY-----", InvalidKeys::Private(2)),
        (
            "-----BEGIN ENCRYPTED PRIVATE KEY-----",
            InvalidKeys::Private(1),
        ),
        ("PuTTY-User-Key-File-3: ssh-ed25519", InvalidKeys::Putty(1)),
        ("---- BEGIN SSH2 PUBLIC KEY ----", InvalidKeys::Rfc4716(1)),
        ("-----BEGIN PUBLIC KEY-----", InvalidKeys::Pem(1, "PKCS8")),
        ("-----BEGIN RSA PUBLIC KEY-----", InvalidKeys::Pem(1, "PEM")),
        ("-----BEGIN CERTIFICATE-----", InvalidKeys::Line(1)),
        ("hunter2", InvalidKeys::Line(1)),
    ] {
        let found = SshKey::parse_file(text.as_bytes());
        assert_eq!(found, Err(expected), "{text}");
        assert!(!expected.to_string().contains("hunter2"));
    }
    assert_eq!(
        SshKey::parse_file(b"\xff\xfes\0"),
        Err(InvalidKeys::Line(1))
    );
}

#[test]
fn a_record_has_room_for_so_many() {
    let one = "x".repeat(4096 - OVERHEAD);
    assert_eq!(check_room(std::iter::repeat_n(one.as_str(), 12)), Ok(()));
    let many = std::iter::repeat_n(one.as_str(), 13);
    assert_eq!(check_room(many), Err(InvalidKeys::TooLong));
}
