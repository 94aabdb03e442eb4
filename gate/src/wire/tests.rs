use proptest::prelude::*;

use super::*;

fn feed(frames: &mut Frames, mut bytes: &[u8], step: usize) -> Vec<Result<Call, Malformed>> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let room = frames.room();
        let count = step.min(bytes.len()).min(room.len());
        assert!(count > 0, "room for more");
        room[..count].copy_from_slice(&bytes[..count]);
        frames.filled(count);
        bytes = &bytes[count..];
        loop {
            match frames.take() {
                Ok(Some(call)) => found.push(Ok(call)),
                Ok(None) => break,
                Err(error) => {
                    found.push(Err(error));
                    return found;
                }
            }
        }
    }
    found
}

fn one(json: impl AsRef<[u8]>) -> Result<Call, Malformed> {
    let json = json.as_ref();
    let length = u32::try_from(json.len()).unwrap();
    let frame = [&length.to_le_bytes()[..], json].concat();
    feed(&mut Frames::default(), &frame, 7).pop().unwrap()
}

fn secret() -> impl Strategy<Value = Secret> {
    prop::collection::vec(1u8.., 0..=SECRET_LIMIT)
        .prop_map(|bytes| Secret::new(zeroize::Zeroizing::new(bytes)).unwrap())
}

fn request() -> impl Strategy<Value = Request> {
    let token = || any::<[u8; 32]>().prop_map(Token::new);
    let login = (
        ".{0,80}",
        secret(),
        any::<IpAddr>(),
        ".{0,200}",
        prop::option::of(secret()),
    );
    prop_oneof![
        login.prop_map(|(user, password, address, agent, device)| {
            let (user, agent) = (Text::cut(&user), Text::cut(&agent));
            Request::Authenticate(ask::Authenticate {
                user,
                password,
                address,
                agent,
                device,
            })
        }),
        (any::<u64>(), secret()).prop_map(|(id, text)| {
            let conversation = Conversation(id);
            Request::Answer(ask::Answer { conversation, text })
        }),
        token().prop_map(|token| Request::Ensure(ask::Ensure { token })),
        (token(), any::<u64>()).prop_map(|(token, id)| {
            let handle = Handle(id);
            Request::Revoke(ask::Revoke { token, handle })
        }),
        (token(), secret(), secret()).prop_map(|(token, old, new)| Request::ChangePassword(
            ask::ChangePassword { token, old, new }
        )),
        (any::<[u8; 32]>(), any::<IpAddr>()).prop_map(|(bytes, address)| {
            let access = AccessToken::new(bytes);
            Request::UseAccess(ask::UseAccess { access, address })
        }),
        (token(), "[a-z\"\\\\é]{1,20}", 0..4_usize).prop_map(|(token, name, choice)| {
            let name = AccessName::try_from(Box::from(name)).unwrap();
            let lifetime = Lifetime::try_from(Lifetime::CHOICES[choice]).unwrap();
            Request::MakeAccess(ask::MakeAccess {
                token,
                name,
                lifetime,
            })
        }),
        Just(()).prop_map(|()| Request::Ping(ask::Ping {})),
        (any::<u64>(), secret()).prop_map(|(id, new)| {
            let conversation = Conversation(id);
            Request::RenewPassword(ask::RenewPassword { conversation, new })
        }),
        about_second_step(),
    ]
}

fn about_second_step() -> impl Strategy<Value = Request> {
    let token = || any::<[u8; 32]>().prop_map(Token::new);
    prop_oneof![
        (token(), secret()).prop_map(|(token, password)| Request::BeginSecond(ask::BeginSecond {
            token,
            password
        })),
        (token(), secret())
            .prop_map(|(token, code)| Request::ConfirmSecond(ask::ConfirmSecond { token, code })),
        (token(), secret(), secret()).prop_map(|(token, password, code)| Request::EndSecond(
            ask::EndSecond {
                token,
                password,
                code
            }
        )),
    ]
}

proptest! {
    #[test]
    fn calls_round_trip_whatever_the_pieces(
        calls in prop::collection::vec((any::<u64>(), request()), 1..5),
        step in 1usize..5000,
    ) {
        let calls: Vec<Call> = calls.into_iter().map(|(id, request)| Call { id, request }).collect();
        let sent: Vec<Vec<u8>> = calls.iter().map(|call| encode(call).unwrap().to_vec()).collect();
        let mut frames = Frames::default();
        let got = feed(&mut frames, &sent.concat(), step);
        prop_assert_eq!(frames.room().len(), Frames::default().room().len(), "nothing is left");
        let again: Vec<Vec<u8>> = got.iter().map(|call| encode(call.as_ref().unwrap()).unwrap().to_vec()).collect();
        prop_assert_eq!(sent, again);
    }

    #[test]
    fn any_bytes_are_taken_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..40_000), step in 1usize..20_000) {
        feed(&mut Frames::default(), &bytes, step);
    }

    #[test]
    fn a_cut_text_fits(text in ".{0,300}") {
        let cut = Agent::cut(&text);
        prop_assert!(cut.as_str().len() <= AGENT_LIMIT);
        prop_assert!(!cut.as_str().chars().any(char::is_control));
        prop_assert_eq!(Agent::new(cut.as_str()), Some(cut));
    }

    #[test]
    fn tokens_are_read_as_written(bytes: [u8; 32]) {
        let token = Token::new(bytes);
        prop_assert_eq!(token.expose().len(), 43);
        prop_assert!(Token::parse(&token.expose()) == Some(token));
    }
}

#[test]
fn lengths_out_of_bounds_are_malformed() {
    for length in [0, FRAME_LIMIT + 1, 0x7fff_ffff, 0xffff_ffff] {
        let header = u32::try_from(length).unwrap().to_le_bytes();
        let found = feed(&mut Frames::default(), &header, 1).pop();
        assert_eq!(found.unwrap().unwrap_err(), Malformed::Length(length));
    }
}

#[test]
fn the_longest_frame_fits() {
    let json = format!("{:1$}", r#"{"id":1,"request":{"ping":{}}}"#, FRAME_LIMIT);
    assert_eq!(one(&json).unwrap().id, 1);
}

#[test]
fn what_is_no_call_is_malformed() {
    let ensure = |fields: &str| format!(r#"{{"id":1,"request":{{"ensure":{{{fields}}}}}}}"#);
    let answer = |text: &str| {
        format!(r#"{{"id":1,"request":{{"answer":{{"conversation":1,"text":"{text}"}}}}}}"#)
    };
    let token = Token::new([7; 32]).expose();
    let token = format!(r#""token":"{}""#, *token);
    assert!(one(ensure(&token)).is_ok() && one(answer("QUJD")).is_ok());
    let make = |name: &str, days: u32| {
        let fields = format!(r#"{token},"name":"{name}","lifetime":{days}"#);
        format!(r#"{{"id":1,"request":{{"make_access":{{{fields}}}}}}}"#)
    };
    let show = |access: &str| {
        let fields = format!(r#""access":"{access}","address":"192.0.2.1""#);
        format!(r#"{{"id":1,"request":{{"use_access":{{{fields}}}}}}}"#)
    };
    let access = AccessToken::new([7; 32]).expose();
    assert!(one(make("laptop", 90)).is_ok() && one(show(&access)).is_ok());
    for json in [
        "null",
        "{}",
        "[1,2]",
        r#"{"id":1}"#,
        r#"{"id":-1,"request":{"ping":{}}}"#,
        r#"{"id":1,"request":{"ping":{}}} x"#,
        r#"{"id":1,"request":{"ping":{}},"uid":0}"#,
        r#"{"id":1,"id":2,"request":{"ping":{}}}"#,
        r#"{"id":1,"request":{"shell":{}}}"#,
        &ensure(r#""token":"short""#),
        &ensure(&token.replace("Bwc", "B\\u0000")),
        &ensure(&format!(r#"{token},"uid":0"#)),
        &ensure(&format!(r#"{token},"user":"root""#)),
        &make("laptop", 36_500),
        &make("", 90),
        &make(r"a\u001b", 90),
        &make(&"x".repeat(ACCESS_NAME_LIMIT + 1), 90),
        &make(r#"laptop","user":"root"#, 90),
        &show(&access[4..]),
        &show("occ_"),
        &show(&format!(r#"{}","user":"root"#, *access)),
        &answer(&"A".repeat(400)),
        &answer("QU\\u004aD"),
    ] {
        assert_eq!(one(json).unwrap_err(), Malformed::Content, "{json}");
    }
    let latin1 = b"{\"id\":1,\"request\":{\"ping\":{\"\xe9\":1}}}";
    assert_eq!(one(latin1).unwrap_err(), Malformed::Content);
}

#[test]
fn a_frame_leaves_nothing_in_the_buffer() {
    let mut frames = Frames::default();
    let text = Secret::from_text("correct horse battery").unwrap();
    let conversation = Conversation(1);
    let request = Request::Answer(ask::Answer { conversation, text });
    let bytes = encode(&Call { id: 1, request }).unwrap();
    assert_eq!(feed(&mut frames, &bytes, 9).len(), 1);
    assert!(frames.room().iter().all(|&byte| byte == 0));
}

#[test]
fn the_longest_list_of_access_tokens_fits() {
    let entry = || AccessEntry {
        handle: Handle(u64::MAX),
        name: AccessName::try_from(Box::from("\"".repeat(ACCESS_NAME_LIMIT))).unwrap(),
        made: Time::MAX,
        ends: Time::MAX,
        last_use: Some(LastUse {
            at: Time::MAX,
            address: IpAddr::from([0xffff; 8]),
        }),
    };
    let list = std::iter::repeat_with(entry).take(ACCESS_LIMIT).collect();
    let reply = Reply::ListAccess(Ok(list));
    assert!(
        encode(&Message::Reply {
            id: u64::MAX,
            reply
        })
        .is_ok()
    );
}

#[test]
fn a_message_too_long_is_an_error() {
    let entry = || SessionEntry {
        handle: Handle(u64::MAX),
        created: Time::MAX,
        last_seen: Time::MAX,
        agent: Text::cut(&"\"".repeat(AGENT_LIMIT)),
        address: IpAddr::from([0xffff; 8]),
        current: false,
    };
    let list = |count| Message::Reply {
        id: u64::MAX,
        reply: Reply::ListSessions(Ok(std::iter::repeat_with(entry).take(count).collect())),
    };
    assert!(
        encode(&list(SESSIONS_LIMIT)).is_ok(),
        "the longest list fits"
    );
    assert_eq!(encode(&list(60)).unwrap_err(), Malformed::TooLong);
    let lines = || vec![Line::cut(&"\"".repeat(LINE_LIMIT)); LINES_LIMIT];
    let failed = EnsureReply::Failed {
        reason: Failure::HomeReadOnly,
        retry_seconds: u32::MAX,
        output: lines(),
    };
    let view = OpencodeView {
        without_login_shell: Some(lines()),
    };
    for reply in [Reply::Ensure(Ok(failed)), Reply::GetOpencode(Ok(view))] {
        let id = u64::MAX;
        assert!(encode(&Message::Reply { id, reply }).is_ok());
    }
}

#[test]
fn secrets_do_not_print() {
    let change = ask::ChangePassword {
        token: Token::new([7; 32]),
        old: Secret::from_text("hunter2").unwrap(),
        new: Secret::from_text("hunter3").unwrap(),
    };
    let shown = format!("{:?}", change.into_request());
    assert!(
        !shown.contains("hunter") && !shown.contains("BwcH"),
        "{shown}"
    );
    assert!(Secret::from_text("a\0b").is_none());
    assert!(Secret::from_text(&"x".repeat(SECRET_LIMIT + 1)).is_none());
}
