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
                entry.locked.unwrap_or_default()
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
        a:b\ncarol:xy:1001:1002:::\ndave:xy::1001:::\nerin:xy:-1::::\nf\xff::::::\n";
    assert_eq!(
        read(input),
        [
            r"2 alice|pa ss\xff|None|None|None|None|[]|false",
            r#"4 bob||Some(1001)|Some("Bob B")|Some("/home/bob")|Some("/bin/sh")|[]|false"#,
            "5 a line has 7 fields, name:password:uid:gid:comment:home:shell, and this one 2; \
             a CSV has the columns that its first line names: 'name,password_hash'",
            "6 the gid must be empty or the uid: every account has a group of its own",
            "7 the gid must be empty or the uid: every account has a group of its own",
            "8 the uid is not a whole number",
            "9 the name is not UTF-8",
        ]
    );
}

#[test]
fn csv_with_quotes() {
    let input = b"Username,password,groups,locked,comment\r\n\
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
fn csv_of_spreadsheets() {
    let alice = r#"2 alice|a b|Some(1001)|Some("Anna")|None|None|["audio", "staff"]|false"#;
    for input in [
        "name,password,uid,comment,groups,locked\nalice, a b ,1001, Anna ,audio staff,FALSE\n",
        "name;password;uid;comment;groups;locked\nalice;a b;1001;Anna;audio,staff;FALSCH\n",
        "name\tpassword\tuid\tcomment\tgroups\tlocked\nalice\ta b\t1001\tAnna\taudio,staff\tnein\n",
        "name;password;uid;comment;groups;locked;;\nalice;a b;1001;Anna;audio,staff;FALSCH;;\n",
    ] {
        assert_eq!(read(input.as_bytes()), [alice], "{input}");
    }
    let named = "sep=;\r\nname;password;locked\r\n;;\r\n# the second team\r\nbob;c|;WAHR\r\n  \r\n";
    assert_eq!(
        read(named.as_bytes()),
        ["5 bob|c||None|None|None|None|[]|true"]
    );
}

#[test]
fn blanks_belong_to_what_is_quoted() {
    let mut unquoted = Zeroizing::new(Vec::new());
    let input = b"name,password\nalice,\" correct horse\"\nbob,  plain  \ncarol, \"x y\"\n";
    let lines = parse(input, &mut unquoted, UidRange::default()).unwrap();
    let shown: Vec<String> = lines.iter().map(shown).collect();
    assert!(
        shown[0].starts_with("alice| correct horse|"),
        "{}",
        shown[0]
    );
    assert_eq!(lines[0].warning, Some(LineWarning::OuterBlanks));
    assert!(shown[1].starts_with("bob|plain|"), "{}", shown[1]);
    assert_eq!(lines[1].warning, None);
    assert_eq!(shown[2], InvalidLine::Quote.to_string());
}

#[test]
fn utf_16_is_read_as_utf_8() {
    let text = "name\tpassword\nalice\tMüller-ß\n";
    let units: Vec<u16> = text.encode_utf16().collect();
    let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
    for input in [
        [&b"\xff\xfe"[..], &little].concat(),
        [&b"\xfe\xff"[..], &big].concat(),
        [b"\xef\xbb\xbf", text.as_bytes()].concat(),
        text.as_bytes().to_vec(),
    ] {
        assert_eq!(decode(&input).unwrap(), text.as_bytes());
    }
    for broken in [&b"\xff\xfea"[..], b"\xff\xfe\x00\xd8"] {
        assert_eq!(decode(broken), Err(InvalidInput::NotUtf16));
    }
}

#[test]
fn comments_are_no_lines() {
    assert_eq!(
        read(b"# people\nalice:::::: \n  # more\n"),
        ["2 alice||None|None|None|Some(\" \")|[]|false"]
    );
}

#[test]
fn a_row_of_many_cells_does_not_take_the_next_one_along() {
    let input = format!("name\n{}x\nbob\n", ",".repeat(1000));
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
fn documents_of_any_form() {
    let eve = r#"{"userName":"eve","uid":1001,"realName":"{ \"x\" }"}"#;
    let fay = r#"{"userName":"fay","uid":1002}"#;
    for (input, expected) in [
        (format!("[{eve},\n{fay}]"), ["1 record eve", "2 record fay"]),
        (
            format!("\x1e{eve}\n\x1e{fay}\n"),
            ["1 record eve", "2 record fay"],
        ),
        (format!("{eve}{fay}"), ["1 record eve", "1 record fay"]),
        (
            format!("{{\n  \"userName\": \"eve\",\n  \"uid\": 1001\n}}\n{fay}\n"),
            ["1 record eve", "5 record fay"],
        ),
    ] {
        assert_eq!(read(input.as_bytes()), expected, "{input}");
    }
}

#[test]
fn what_never_ends_costs_nobody_behind_it() {
    let open = "{\n".repeat(200_000);
    let input = format!("{open}{{\"userName\":\"eve\",\"uid\":1001}}\n");
    let read = read(input.as_bytes());
    assert_eq!(read.len(), 200_001);
    assert_eq!(read[200_000], "200001 record eve");
}

#[test]
fn what_userdbctl_prints_of_a_locked_account_is_locked() {
    let hash = format!("!$6$saltsaltsaltsalt${}", "x".repeat(86));
    let text = format!(
        r#"{{"userName":"eve","uid":1001,"locked":true,"perMachine":[],"notBeforeUSec":5,"privileged":{{"hashedPassword":["{hash}"]}}}}"#
    );
    let mut unquoted = Zeroizing::new(Vec::new());
    let lines = parse(text.as_bytes(), &mut unquoted, UidRange::default()).unwrap();
    let Ok(Item::Record(record)) = &lines[0].item else {
        panic!("no record");
    };
    assert!(record.account().locked);
    assert_eq!(record.account().hash.as_ref().unwrap().expose(), &hash[1..]);
    assert_eq!(
        lines[0].warning,
        Some(LineWarning::NotHonoured(vec![
            "perMachine",
            "notBeforeUSec"
        ]))
    );
}

#[test]
fn formats_that_are_none() {
    assert_eq!(read(b""), [""; 0]);
    assert_eq!(read(b"\n \r\n"), [""; 0]);
    for input in [&b"alice\nbob\n"[..], b"[]", b"a,b,c\n"] {
        assert_eq!(refused(input), InvalidInput::Format);
    }
    assert_eq!(
        refused(b"name,password\nalice,M\xfcller\n"),
        InvalidInput::NotUtf8
    );
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

#[test]
fn what_stands_in_passwd_and_shadow_is_no_plain_password() {
    let not_plain = InvalidLine::NotPlain.to_string();
    for field in [
        "x",
        "*",
        "!",
        "!!",
        "!*",
        "!$6$salt$hash",
        "$6$salt$hash",
        "$y$j9T$s$h",
        "$2b$10$x",
    ] {
        let lines = format!("petra:{field}:1500:1500:Petra:/home/petra:/bin/bash\n");
        let table = format!("name,password\npetra,{field}\n");
        assert_eq!(
            read(lines.as_bytes()),
            [format!("1 {not_plain}")],
            "{field}"
        );
        assert_eq!(
            read(table.as_bytes()),
            [format!("2 {not_plain}")],
            "{field}"
        );
    }
    for field in ["xx", "a*", "$", "$$", "$6", "$ 6$salt", "5$6$", "xy!"] {
        let lines = format!("petra:{field}:::::\n");
        assert!(read(lines.as_bytes())[0].starts_with("1 petra|"), "{field}");
    }
}
