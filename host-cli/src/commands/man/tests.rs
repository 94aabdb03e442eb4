use std::collections::BTreeMap;

use super::*;

/// Flags of a command and of all below it, by the name of their page.
fn flags(command: &Command, page: &str, found: &mut BTreeMap<String, Vec<String>>) {
    let shown = command.get_arguments().filter(|arg| !arg.is_hide_set());
    let long = shown.filter_map(|arg| arg.get_long().map(|long| format!("--{long}")));
    found.insert(page.to_owned(), long.collect());
    for below in command
        .get_subcommands()
        .filter(|below| !below.is_hide_set())
    {
        flags(below, &format!("{page}-{}", below.get_name()), found);
    }
}

#[test]
fn every_flag_of_every_command_is_in_its_page() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path()).unwrap();
    let mut command = without_help(Cli::command());
    command.build();
    let mut found = BTreeMap::new();
    flags(&command, "occ", &mut found);
    assert!(found.len() > 25, "{found:?}");
    let pages = std::fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(pages, found.len(), "pages of no command");
    for (page, flags) in &found {
        let path = directory.path().join(format!("{page}.1"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|_| panic!("no page {page}"));
        let text = text.replace("\\-", "-");
        for flag in flags {
            assert!(text.contains(flag.as_str()), "{flag} is not in {page}.1");
        }
        for section in ["\"EXIT STATUS\"", "FILES", "ENVIRONMENT"] {
            let heads = text.matches(&format!("\n.SH {section}\n")).count();
            assert_eq!(heads, 1, "{section} in {page}.1");
        }
    }
}
