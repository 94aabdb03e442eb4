use super::*;

/// Each line as text, so that whole tables can be compared.
fn read(input: &[u8]) -> Vec<String> {
    let mut unquoted = Zeroizing::new(Vec::new());
    let Ok(lines) = parse(input, &mut unquoted, UidRange::default()) else {
        panic!("{}", input.escape_ascii());
    };
    lines
        .iter()
        .map(|line| format!("{} {}", line.number, shown(line)))
        .collect()
}

fn shown(line: &Line<'_>) -> String {
    match &line.item {
        Err(invalid) => invalid.to_string(),
        Ok(Item::Record(record)) => format!("record {}", record.account().name),
        Ok(Item::Entry(entry)) => {
            let secret = match entry.secret {
                Secret::None => String::new(),
                Secret::Password(password) => password.escape_ascii().to_string(),
                Secret::Hash(hash) => format!("hash {hash}"),
            };
            let (name, uid, comment) = (entry.name, entry.uid, entry.comment);
            let (home, shell) = (entry.home, entry.shell);
            format!(
                "{name}|{secret}|{uid:?}|{comment:?}|{home:?}|{shell:?}|{:?}|{}",
                entry.groups(),
                entry.locked
            )
        }
    }
}

fn refused(input: &[u8]) -> InvalidInput {
    let mut unquoted = Zeroizing::new(Vec::new());
    match parse(input, &mut unquoted, UidRange::default()) {
        Ok(lines) => panic!("{} lines", lines.len()),
        Err(invalid) => invalid,
    }
}

#[test]
fn newusers_lines() {
    let input = b"\nalice:pa ss\xff:::::\r\n\nbob::1001:1001:Bob B:/home/bob:/bin/sh\n\
        a:b\ncarol:x:1001:1002:::\ndave:x::1001:::\nerin:x:-1::::\nf\xff::::::\n";
    assert_eq!(
        read(input),
        [
            r"2 alice|pa ss\xff|None|None|None|None|[]|false",
            r#"4 bob||Some(1001)|Some("Bob B")|Some("/home/bob")|Some("/bin/sh")|[]|false"#,
            "5 a line has 7 fields, name:password:uid:gid:comment:home:shell, and this one 2",
            "6 the gid must be empty or the uid: every account has a group of its own",
            "7 the gid must be empty or the uid: every account has a group of its own",
            "8 the uid is not a whole number",
            "9 the name is not UTF-8",
        ]
    );
}

#[test]
fn csv_with_quotes() {
    let input = b"\xef\xbb\xbfUsername,password,groups,locked,comment\r\n\
        alice,\"a,\"\"b\",\"audio,video\",,\r\n\r\n\
        bob,,staff;audio staff,TRUE,\"B,\nob\"\r\ncarol\r\ndave,,,maybe,";
    assert_eq!(
        read(input),
        [
            r#"2 alice|a,\"b|None|None|None|None|["audio", "video"]|false"#,
            r#"4 bob||None|Some("B,\nob")|None|None|["audio", "staff"]|true"#,
            "6 the header has 5 columns, and this line 1",
            "7 locked must be true or false",
        ]
    );
    assert_eq!(
        read(b"uid,name,password_hash,home,shell,password\n1001,eve,$6$x,/home/e,/bin/sh,\n,f,$6$x,,,y\n"),
        [
            r#"2 eve|hash $6$x|Some(1001)|None|Some("/home/e")|Some("/bin/sh")|[]|false"#,
            "3 both a password and a hash",
        ]
    );
    assert_eq!(read(b"name"), [""; 0]);
    assert_eq!(read(b"name\nalice\n").len(), 1);
}

#[test]
fn a_row_of_many_cells_does_not_take_the_next_one_along() {
    let input = format!("name\n{}\nbob\n", ",".repeat(1000));
    assert_eq!(
        read(input.as_bytes()),
        [
            "2 the header has 1 columns, and this line 1001",
            "3 bob||None|None|None|None|[]|false"
        ]
    );
}

#[test]
fn records() {
    let input = br#"{"userName":"eve","uid":1001}
{"userName":"eve"}
{"username":"old","password_hash":""}
{"userName":"fay","uid":1002,"privileged":{"hashedPassword":["$1$a$b"]}}
{"userName":
name,password
"#;
    let read = read(input);
    assert_eq!(read[0], "1 record eve");
    assert_eq!(read[1], "2 invalid record: field 'uid' is missing");
    assert_eq!(
        read[2],
        "3 an older record; put it into the store, where it is taken over"
    );
    assert!(
        read[3].starts_with("4 the password hash has no known scheme"),
        "{}",
        read[3]
    );
    assert!(
        read[4].starts_with("5 invalid record: not valid JSON"),
        "{}",
        read[4]
    );
    assert!(read[5].starts_with("6 invalid record"), "{}", read[5]);
}

#[test]
fn formats_that_are_none() {
    assert_eq!(read(b""), [""; 0]);
    assert_eq!(read(b"\n \r\n"), [""; 0]);
    for input in [&b"alice\nbob\n"[..], b"[]", b"\xff\xfe", b"a,b,c\n"] {
        assert_eq!(refused(input), InvalidInput::Format);
    }
    assert_eq!(refused(b"name,colour\n"), InvalidInput::Column(2));
    assert_eq!(refused(b"name,uid,UID\n"), InvalidInput::ColumnTwice(3));
}

#[test]
fn no_error_repeats_what_stood_in_the_line() {
    let secret = "hunter2";
    for input in [
        format!("a:{secret}\n"),
        format!("a:{secret}:x::::\n"),
        format!("a:b:1:{secret}:::\n"),
        format!("name,uid\na,{secret}\n"),
        format!("name,locked\na,{secret}\n"),
        format!("{{\"userName\":\"{secret}:\",\"uid\":1001}}"),
        format!("{{\"userName\":{secret}"),
    ] {
        let read = read(input.as_bytes()).concat();
        assert!(!read.contains(secret), "{read}");
        assert!(!read.contains('|'), "{read}");
    }
}
