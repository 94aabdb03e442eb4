use super::*;

fn secret() -> Secret {
    Secret::Password(Zeroizing::new(b"correct horse".to_vec()))
}

fn refused(user: Option<&str>, secrets: Vec<Secret>) -> String {
    let user = user.map(|user| user.as_bytes().to_vec());
    match FirstAccount::new(user.as_ref(), secrets) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("not refused"),
    }
}

#[test]
fn a_name_and_one_secret_belong_together() {
    assert!(FirstAccount::new(None, Vec::new()).unwrap().is_none());
    let user = b"alice".to_vec();
    let first = FirstAccount::new(Some(&user), vec![secret()]).unwrap();
    assert_eq!(first.unwrap().user, "alice");
    assert_eq!(
        refused(None, vec![secret()]),
        "OPENCODE_BOOTSTRAP_USER is not set"
    );
    assert!(refused(Some("alice"), Vec::new()).starts_with("OPENCODE_BOOTSTRAP_USER needs"));
    assert!(refused(Some("alice"), vec![secret(), secret()]).starts_with("give one of"));
}

#[test]
fn a_password_file_is_one_line_of_a_regular_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("password");
    for (content, read) in [("horse", "horse"), ("horse\n", "horse"), ("a\n\n", "a\n")] {
        std::fs::write(&path, content).unwrap();
        assert_eq!(*line_of(&path).unwrap(), read.as_bytes());
    }
    std::fs::write(&path, vec![b'x'; 4096]).unwrap();
    assert!(Password::new(line_of(&path).unwrap()).is_err(), "too long");
    let fifo = dir.path().join("fifo");
    nix::unistd::mkfifo(&fifo, Mode::S_IRWXU).unwrap();
    assert!(line_of(&fifo).is_err());
    assert!(line_of(&dir.path().join("none")).is_err());
}
