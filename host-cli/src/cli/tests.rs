use clap::CommandFactory;

use super::*;

#[test]
fn command_line_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_is_in_the_help() {
    for command in Cli::command().get_subcommands() {
        let about = command.get_about().map(ToString::to_string);
        let line = format!("  {:<12} {}", command.get_name(), about.unwrap_or_default());
        let shown = HELP.lines().any(|shown| shown.starts_with(&line));
        assert!(shown, "not in HELP: {line}");
    }
}

#[test]
fn passwords_come_from_one_place_and_never_from_the_command_line() {
    for line in [
        "occ user add a --generate --password-stdin",
        "occ user add a --generate --no-password",
        "occ user passwd a --password-stdin --password-hash-stdin",
        "occ user add a --password x",
        "occ user passwd a --no-password",
        "occ user remove",
        "occ --host unix:///x --context y user list",
    ] {
        assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
    }
}
