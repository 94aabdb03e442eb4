//! The README's figures are those of docs/benchmarks.md, which `just bench` writes.

use crate::read;

const LINK: &str = "](docs/benchmarks.md#restore)";
/// Of the README's table; in the benchmark's.
const ROWS: [(&str, &str); 3] = [
    ("occ", "occ-init, homes there"),
    ("systemd-sysusers", "systemd-sysusers"),
    ("a loop of useradd", "useradd loop"),
];
/// For how many accounts the README says what it takes to bring them back.
const COUNT: &str = "1,000";

/// The cells of the lines of a table, from the one whose first cell is `head`.
fn table<'a>(page: &'a str, head: &str) -> Vec<Vec<&'a str>> {
    let cells = |line: &'a str| -> Vec<&'a str> {
        let inner = line.trim_matches('|').split('|');
        inner.map(str::trim).collect()
    };
    let rows = page.lines().map(cells);
    let rows = rows.skip_while(|cells| cells.first() != Some(&head));
    rows.take_while(|cells| cells.len() > 1).collect()
}

/// A time per account, in µs, as the time of 1,000 accounts is written in the README: 14 ms,
/// 32 s.
fn of_a_thousand(cell: &str) -> String {
    let median = cell.split(' ').next().unwrap_or_default().replace(',', "");
    let millis: f64 = median
        .parse()
        .unwrap_or_else(|_| panic!("'{cell}' has no figure"));
    if millis < 1000.0 {
        format!("{millis:.0} ms")
    } else {
        format!("{:.0} s", millis / 1000.0)
    }
}

#[test]
fn readme_says_what_was_measured() {
    let (readme, page) = (read("README.md"), read("docs/benchmarks.md"));
    let measured = table(&page, "µs per account");
    let column = measured[0].iter().position(|cell| *cell == COUNT).unwrap();
    let mut checked = 0;
    for line in readme.lines().filter(|line| line.contains(LINK)) {
        let name = line.trim_matches('|').split('|').next().unwrap().trim();
        let name = name.trim_start_matches('[').split(']').next().unwrap();
        let (_, row) = ROWS.iter().find(|(ours, _)| *ours == name).unwrap();
        let figures = measured.iter().find(|cells| cells[0] == *row).unwrap();
        let claim = line.split(LINK).next().unwrap().rsplit('[').next().unwrap();
        assert_eq!(claim, of_a_thousand(figures[column]), "README.md, {name}");
        checked += 1;
    }
    assert_eq!(
        checked,
        ROWS.len(),
        "a figure of the README is not compared"
    );
    let benchmarks = readme.matches("](docs/benchmarks.md#").count();
    assert_eq!(
        benchmarks, checked,
        "a figure of the README is not compared"
    );
}

#[test]
fn figures_are_rounded_as_people_say_them() {
    assert_eq!(of_a_thousand("13.9 (13.2–15.0)"), "14 ms");
    assert_eq!(of_a_thousand("31,512"), "32 s");
}
