use super::*;
use accounts::account::InvalidPassword;

#[test]
fn the_chain_is_printed_once() {
    let full = io("write", "/etc/shadow")(Errno::ENOSPC);
    assert_eq!(
        chain(&full),
        "cannot write '/etc/shadow': no space left on device"
    );
    assert_eq!(
        chain(&Error::Recorded(Box::new(full))),
        "the change is recorded and takes effect at the next restore, but not now: \
         cannot write '/etc/shadow': no space left on device"
    );
}

#[test]
fn kinds() {
    let name = Username::parse("alice").unwrap();
    let refused = |refusal| Error::refused(&name, refusal);
    assert_eq!(refused(Refusal::ImageUser).kind(), ErrorKind::Refused);
    let twin = refused(Refusal::CaseTwin(name.clone()));
    assert_eq!(twin.kind(), ErrorKind::Conflict);
    assert_eq!(Error::LastAccount.kind(), ErrorKind::Refused);
    assert_eq!(
        Error::Password(InvalidPassword::Empty).kind(),
        ErrorKind::Invalid
    );
}
