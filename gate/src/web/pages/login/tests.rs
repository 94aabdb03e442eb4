use super::*;

fn page(user: &str, notice: Option<Notice>) -> String {
    login(&LoginForm {
        host: "h:1",
        next: "/a?b=1&c=\"><script>",
        user,
        notice,
        passkeys: false,
    })
    .0
}

#[test]
fn passkeys_are_offered_where_there_are_some() {
    let html = login(&LoginForm {
        host: "h:1",
        next: "/a?b=1&c=\">",
        user: "",
        notice: None,
        passkeys: true,
    })
    .0;
    for there in [
        r#"autocomplete="username webauthn""#,
        r#"<script type="module" src="/_occ/assets/passkey-"#,
        r#"<form id="passkey-login" method="post" action="/_occ/passkey" hidden>"#,
        r#"name="next" value="/a?b=1&amp;c=&quot;&gt;""#,
    ] {
        assert!(html.contains(there), "{there}: {html}");
    }
    let html = page("", None);
    assert!(
        !html.contains("passkey") && !html.contains("webauthn"),
        "{html}"
    );
}

#[test]
fn nothing_typed_becomes_markup() {
    let html = page("\"><script>alert(1)</script>", Some(Notice::Refused));
    assert!(!html.contains("<script"), "{html}");
    let asked = prompt(&PromptForm {
        conversation: 7,
        next: "/",
        text: "<b>Code: ",
        echo: false,
    })
    .0;
    assert!(asked.contains("&lt;b&gt;Code</label>"), "{asked}");
}

#[test]
fn the_caret_is_where_the_next_word_goes() {
    let focused = |html: &str| {
        html.split("<input")
            .filter(|input| input.contains("autofocus"))
            .map(|input| input.split('"').nth(1).unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(focused(&page("", None)), ["user"]);
    assert_eq!(focused(&page("alice", Some(Notice::Refused))), ["password"]);
}

#[test]
fn every_field_has_a_label_and_alerts_are_told() {
    let html = page("alice", Some(Notice::SlowDown(4)));
    for field in ["user", "password"] {
        assert!(
            html.contains(&format!("for=\"{field}\"")) && html.contains(&format!("id=\"{field}\""))
        );
    }
    assert!(html.contains("role=\"alert\">Too many failed attempts. Try again in 4 seconds."));
    assert!(html.contains("aria-describedby=\"notice\""));
    assert!(!page("", None).contains("notice"));
}

#[test]
fn spans() {
    assert_eq!(
        [0, 1, 2, 90, 91, 900].map(span),
        [
            "one second",
            "one second",
            "2 seconds",
            "90 seconds",
            "2 minutes",
            "15 minutes"
        ]
    );
}
