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

/// The commands in backquotes of a source, without its tests and comments.
fn hints(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let code = lines.collect::<Vec<_>>().join("\n");
    let parts = code.split('`').skip(1).step_by(2);
    let commands = parts.filter(|part| part.starts_with("occ ") || *part == "occ");
    commands.map(str::to_owned).collect()
}

fn sources(directory: &std::path::Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        // It holds the rule for hints, and none.
        if path.is_dir() && name == "text" {
            continue;
        }
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") && name != "tests.rs" {
            found.push(std::fs::read_to_string(&path).unwrap());
        }
    }
}

/// Values for what a hint gets when it is shown.
const VALUES: [(&str, &str); 8] = [
    ("{options}", " --port 4000"),
    ("{host}", "box.localhost:3000"),
    ("{volume}", "opencode-home"),
    ("{name}", "alice"),
    ("{line}", "user list"),
    ("{word}", "box"),
    ("{}", "4000"),
    ("`", ""),
];

/// Each is a command line that occ takes, with no word that stands for another.
#[test]
fn every_hint_can_be_typed_as_it_stands() {
    let mut files = Vec::new();
    sources(
        &std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut files,
    );
    let hints: Vec<String> = files.iter().flat_map(|file| hints(file)).collect();
    assert!(hints.len() > 40, "{hints:?}");
    for hint in hints {
        let typed = VALUES
            .iter()
            .fold(hint.clone(), |text, (from, to)| text.replace(from, to));
        for command in typed.split(" && ").filter(|part| part.starts_with("occ ")) {
            let words: Vec<&str> = command.split_whitespace().collect();
            let parsed = Cli::try_parse_from(&words);
            let is_help = words.contains(&"--help") || words[1] == "COMMAND" || words[1] == "man";
            assert!(parsed.is_ok() || is_help, "{hint}: {command}");
            let is_placeholder =
                |word: &&&str| word.len() > 1 && word.chars().all(char::is_uppercase);
            let found = words.iter().find(is_placeholder);
            assert!(found.is_none() || is_help, "{hint}: {found:?}");
        }
    }
}

/// The words of a shell's command up to a pipe, a redirection or a comment.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![];
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (Some(open), _) if open == c => quote = None,
            (None, ' ') => words.extend(word.take()),
            (None, '|' | '>' | '<' | ';' | '&') => break,
            (None, '#') if word.is_none() => break,
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// The calls of occ in a page: lines of its blocks, parts after a pipe, words in backquotes.
fn calls(page: &str) -> Vec<String> {
    let mut is_fenced = false;
    let (mut found, mut paragraph) = (Vec::new(), String::new());
    for line in page.lines().chain([""]) {
        let is_fence = line.starts_with("```");
        is_fenced ^= is_fence;
        let is_code = is_fenced || line.starts_with("    ");
        if is_code {
            found.extend(line.split(" | ").map(|part| part.trim().to_owned()));
        } else {
            paragraph += line;
            paragraph.push(' ');
        }
        if is_code || is_fence || line.is_empty() {
            found.extend(paragraph.split('`').skip(1).step_by(2).map(str::to_owned));
            paragraph.clear();
        }
    }
    found.retain(|call| call.starts_with("occ "));
    found
}

/// `occ user set` is no call, but the name of a command, and `--help` parses as an error.
fn is_call(call: &str, parsed: &Result<Cli, clap::Error>) -> bool {
    use clap::error::ErrorKind::{
        DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand, DisplayVersion,
        MissingRequiredArgument,
    };
    let Err(error) = parsed else { return true };
    match error.kind() {
        DisplayHelp | DisplayHelpOnMissingArgumentOrSubcommand | DisplayVersion => false,
        MissingRequiredArgument => words(call).len() > 3,
        _ => true,
    }
}

#[test]
fn every_call_in_the_pages_is_a_command_of_occ() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap();
    let folders = [root.to_owned(), root.join("docs")];
    let files = folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let files = files.map(|file| file.unwrap().path());
    let (mut seen, mut wrong) = (0, Vec::new());
    for page in files.filter(|file| file.extension().is_some_and(|end| end == "md")) {
        for call in calls(&std::fs::read_to_string(&page).unwrap()) {
            let parsed = Cli::try_parse_from(words(&call));
            if is_call(&call, &parsed) {
                seen += 1;
                let error = parsed.err().map(|error| error.to_string());
                wrong.extend(error.map(|error| format!("{}: {call}: {error}", page.display())));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(seen > 60, "only {seen} calls: are the pages read right?");
}
