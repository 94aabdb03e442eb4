//! Valid inputs, made on the spot: those of the formats' own writers, and what
//! distributions ship.

use accounts::account::UidRange;
use accounts::files::File;
use accounts::reconcile::{Applied, AppliedEntry};
use accounts::record::ParsedRecord;
use serde_json::{Value, json};

/// Stands in every hash and password, and must stand in no message.
pub(crate) const SECRET: &str = "s3cr3ts3cr3ts3cr3t";

pub(crate) fn hash() -> String {
    format!(
        "$6$rounds=100000$saltsaltsaltsalt${SECRET}{}",
        "a".repeat(68)
    )
}

/// Records: plain, with all fields, disabled, older, of another program.
pub(crate) fn records() -> Vec<Vec<u8>> {
    let people = [
        ("alice", 10_000),
        ("bob", 10_001),
        ("x-y", 59_999),
        ("Zoe", 10_003),
    ];
    let mut records: Vec<Value> = people
        .iter()
        .map(|(name, uid)| {
            json!({
                "userName": name, "uid": uid, "gid": uid, "disposition": "regular",
                "homeDirectory": format!("/home/{name}"), "shell": "/bin/bash", "locked": false,
                "occ": { "schema": 1, "created": 1_700_000_000_000_000_u64 },
                "privileged": { "hashedPassword": [hash()] },
            })
        })
        .collect();
    let mut full = records[0].clone();
    full["realName"] = json!("Zo\u{eb} \u{1f600} Liddell");
    full["memberOf"] = json!(["audio", "staff", "sudo", "root"]);
    full["locked"] = json!(true);
    full["lastPasswordChangeUSec"] = json!(1_728_000_000_000_000_u64);
    full["passwordChangeMaxUSec"] = json!(7_776_000_000_000_u64);
    full["notAfterUSec"] = json!(1_900_000_000_000_000_u64);
    full["privileged"]["sshAuthorizedKeys"] = json!(["ssh-ed25519 AAAA alice@x"]);
    full["emailAddress"] = json!("alice@example.org");
    records.push(full);
    records.push(json!({ "username": "carol", "password_hash": hash(), "locked": true }));
    records.push(
        json!({ "userName": "dave", "uid": 10_004, "perMachine": [{ "a": [1, 2.5, null] }] }),
    );
    let mut texts: Vec<Vec<u8>> = records.iter().map(|r| r.to_string().into_bytes()).collect();
    texts.push(serde_json::to_vec_pretty(&records[4]).unwrap());
    texts
}

/// The file of one kind, with people, services, comments, NIS and Latin-1.
pub(crate) fn file(file: File) -> Vec<u8> {
    let hash = hash();
    match file {
        File::Passwd => b"root:x:0:0:root:/root:/bin/bash\n# people\ndaemon:x:1:1::/usr/sbin:/usr/sbin/nologin\n\
            node:x:1000:1000:J\xf6rg:/home/node:/bin/bash\n\nmalformed line\nalice:x:10000:10000::/home/alice:/bin/bash\n\
            bob:x:10001:10001:Bob:/home/bob:/bin/sh\nnobody:x:65534:65534::/:/usr/sbin/nologin\n+::::::\n"
            .to_vec(),
        File::Shadow => format!(
            "root:*:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\nnode:!:19000:0:99999:7:::\n\
             alice:{hash}:20000:0:99999:7:::\nbob:!{hash}:20000:0:99999:7::1:\nnobody:*:19000:0:99999:7:::\n"
        )
        .into_bytes(),
        File::Group => b"root:x:0:\ndaemon:x:1:\nsudo:x:27:alice\naudio:x:29:node,bob\nstaff:x:50:\nnode:x:1000:\n\
            alice:x:10000:\nbob:x:10001:\nnogroup:x:65534:\n"
            .to_vec(),
        File::Gshadow => b"root:*::\ndaemon:*::\nsudo:*::alice\naudio:*:node:node,bob\nstaff:*::\nalice:!::\nbob:!::\n".to_vec(),
        File::Subuid | File::Subgid => b"node:100000:65536\nalice:589924000:65536\n".to_vec(),
    }
}

pub(crate) fn files() -> Vec<Vec<u8>> {
    File::ALL.map(file).to_vec()
}

/// The three formats of `user import`.
pub(crate) fn imports() -> Vec<Vec<u8>> {
    let hash = hash();
    let newusers = format!(
        "alice:{SECRET}:10000:10000:Alice:/home/alice:/bin/bash\nbob:{SECRET}:::Bob::\n\ncarol::10002::::/bin/sh\r\n"
    );
    let csv = format!(
        "name,password,password_hash,uid,comment,home,shell,groups,locked\n\
         alice,{SECRET},,10000,\"Alice, the \"\"first\"\"\",/home/alice,/bin/bash,\"audio;staff\",false\n\
         bob,,{hash},,,,,,true\r\n"
    );
    let lines: Vec<String> = records()
        .into_iter()
        .filter_map(|record| String::from_utf8(record).ok())
        .map(|record| record.replace('\n', ""))
        .collect();
    vec![
        newusers.into_bytes(),
        csv.into_bytes(),
        lines.join("\n").into_bytes(),
    ]
}

/// What restore wrote for the people of the files.
pub(crate) fn applied() -> Vec<u8> {
    let mut applied = Applied::default();
    for record in records() {
        if let Ok(ParsedRecord::Record(record)) = ParsedRecord::parse(&record, UidRange::default())
        {
            let account = record.account();
            applied
                .accounts
                .insert(account.name.clone(), AppliedEntry::of(account));
        }
    }
    applied.capturing = applied.accounts.clone();
    serde_json::to_vec(&applied).unwrap()
}

/// What the programs say to each other.
pub(crate) fn wire() -> Vec<Vec<u8>> {
    [
        include_str!("../wire/account.json"),
        include_str!("../wire/account_generated.json"),
        include_str!("../wire/error_conflict.json"),
        include_str!("../wire/export.json"),
        include_str!("../wire/import.json"),
        include_str!("../wire/list.json"),
        include_str!("../wire/list_changed.json"),
        include_str!("../wire/request_hash.json"),
        include_str!("../wire/request_keys.json"),
        include_str!("../wire/request_password.json"),
    ]
    .map(|sample| sample.as_bytes().to_vec())
    .to_vec()
}
