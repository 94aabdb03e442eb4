use clap::Parser;

use super::*;
use crate::cli::{Cli, Command, User};

fn parsed(line: &str) -> Add {
    let cli = Cli::try_parse_from(line.split(' ')).unwrap();
    match cli.command {
        Command::User(User::Add(add)) => add,
        other => panic!("{other:?}"),
    }
}

#[test]
fn flags_are_passed_on_word_for_word_and_the_name_comes_last() {
    let add = parsed(
        "occ user add alice --uid 12000 --comment A --shell /bin/sh --groups a,b --disabled --if-missing --new-uid",
    );
    assert_eq!(
        flags(&add, "alice", false, true).join(" "),
        "user add --json --uid=12000 --comment=A --shell=/bin/sh --groups=a,b --request-stdin --disabled --if-missing --new-uid alice"
    );
    let add = parsed("occ user add alice --no-password --restore");
    assert_eq!(
        flags(&add, "alice", true, false).join(" "),
        "user add --json --no-password --restore alice"
    );
}
