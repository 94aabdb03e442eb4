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

fn frame(json: &str) -> Vec<u8> {
    let length = u32::try_from(json.len()).unwrap();
    [&length.to_le_bytes()[..], json.as_bytes()].concat()
}

fn one(json: &str) -> Result<Call, Malformed> {
    feed(&mut Frames::default(), &frame(json), 7).pop().unwrap()
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
        login.prop_map(
            |(user, password, address, agent, device)| ask::Authenticate {
                user: Text::cut(&user),
                password,
                address,
                agent: Text::cut(&agent),
                device,
            }
            .into_request()
        ),
        (any::<u64>(), secret()).prop_map(|(id, text)| ask::Answer {
            conversation: Conversation(id),
            text
        }
        .into_request()),
        token().prop_map(|token| ask::Ensure { token }.into_request()),
        (token(), any::<u64>()).prop_map(|(token, id)| ask::Revoke {
            token,
            handle: Handle(id)
        }
        .into_request()),
        (token(), secret(), secret()).prop_map(|(token, old, new)| ask::ChangePassword {
            token,
            old,
            new
        }
        .into_request()),
        Just(()).prop_map(|()| ask::Ping {}.into_request()),
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
        prop_assert!(!frames.is_partial());
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
    let token = Token::new([7; 32]).expose();
    for json in [
        "",
        "null",
        "{}",
        "[1,2]",
        r#"{"id":1}"#,
        r#"{"id":-1,"request":{"ping":{}}}"#,
        r#"{"id":1,"request":{"ping":{}}} x"#,
        r#"{"id":1,"request":{"ping":{}},"uid":0}"#,
        r#"{"id":1,"id":2,"request":{"ping":{}}}"#,
        r#"{"id":1,"request":{"shell":{}}}"#,
        r#"{"id":1,"request":{"ensure":{"token":"short"}}}"#,
        &format!(
            r#"{{"id":1,"request":{{"ensure":{{"token":"{}"}}}}}}"#,
            *token
        )
        .replace("Bwc", "B\\u0000"),
        &format!(
            r#"{{"id":1,"request":{{"ensure":{{"token":"{}","uid":0}}}}}}"#,
            *token
        ),
        &format!(
            r#"{{"id":1,"request":{{"ensure":{{"token":"{}","user":"root"}}}}}}"#,
            *token
        ),
        &format!(
            r#"{{"id":1,"request":{{"answer":{{"conversation":1,"text":"{}"}}}}}}"#,
            "A".repeat(400)
        ),
    ] {
        if !json.is_empty() {
            assert_eq!(one(json).unwrap_err(), Malformed::Content, "{json}");
        }
    }
    let latin1 = b"{\"id\":1,\"request\":{\"ping\":{\"\xe9\":1}}}";
    let bytes = [
        &u32::try_from(latin1.len()).unwrap().to_le_bytes()[..],
        latin1,
    ]
    .concat();
    let found = feed(&mut Frames::default(), &bytes, 64).pop().unwrap();
    assert_eq!(found.unwrap_err(), Malformed::Content);
}

#[test]
fn a_frame_leaves_nothing_in_the_buffer() {
    let mut frames = Frames::default();
    let call = Call {
        id: 1,
        request: ask::Answer {
            conversation: Conversation(1),
            text: Secret::from_text("correct horse battery").unwrap(),
        }
        .into_request(),
    };
    let bytes = encode(&call).unwrap();
    assert_eq!(feed(&mut frames, &bytes, 9).len(), 1);
    assert!(frames.room().iter().all(|&byte| byte == 0));
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
}

#[test]
fn secrets_do_not_print() {
    let call = Call {
        id: 1,
        request: ask::ChangePassword {
            token: Token::new([7; 32]),
            old: Secret::from_text("hunter2").unwrap(),
            new: Secret::from_text("hunter3").unwrap(),
        }
        .into_request(),
    };
    let shown = format!("{call:?}");
    assert!(
        !shown.contains("hunter") && !shown.contains("BwcH"),
        "{shown}"
    );
    assert!(Secret::from_text("a\0b").is_none());
    assert!(Secret::from_text(&"x".repeat(SECRET_LIMIT + 1)).is_none());
}
