//! As much of Markdown as the pages use: headings, links, blocks, words in backquotes.

/// The lines of a page that are prose: outside of fenced and indented blocks.
pub(crate) fn prose(page: &str) -> impl Iterator<Item = &str> {
    let mut is_fenced = false;
    page.lines().filter(move |line| {
        let is_fence = line.starts_with("```");
        is_fenced ^= is_fence;
        !is_fenced && !is_fence && !line.starts_with("    ")
    })
}

/// The words after the opening fences of a page.
pub(crate) fn fences(page: &str) -> Vec<&str> {
    let fences = page.lines().filter_map(|line| line.strip_prefix("```"));
    fences.step_by(2).collect()
}

/// A line without what stands between backquotes.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect()
}

/// The anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let kept = heading
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    let words: String = kept.collect();
    words.trim().to_lowercase().replace(' ', "-")
}

/// The anchors of a page.
pub(crate) fn anchors(page: &str) -> Vec<String> {
    let headings = prose(page).filter(|line| line.starts_with('#'));
    headings
        .map(|line| anchor(line.trim_start_matches('#')))
        .collect()
}

/// The targets of a page's links and pictures, in Markdown and in HTML.
pub(crate) fn targets(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in prose(page) {
        // The text of a link may be code, its target is none.
        for rest in line.split("](").skip(1) {
            found.extend(rest.split_once(')').map(|(target, _)| target.to_owned()));
        }
        let plain = without_code(line);
        for attribute in ["src=\"", "srcset=\"", "href=\""] {
            for rest in plain.split(attribute).skip(1) {
                found.extend(rest.split_once('"').map(|(target, _)| target.to_owned()));
            }
        }
    }
    found
}

#[test]
fn headings_links_and_fences_are_found() {
    let page = "# A `b`: c\n\n[x](y.md#z) and [`code`](w)\n<img src=\"p.png\">\n\n```sh\n# no [l](m)\n```\n\n    [n](o)\n";
    assert_eq!(anchors(page), ["a-b-c"]);
    assert_eq!(targets(page), ["y.md#z", "w", "p.png"]);
    assert_eq!(fences(page), ["sh"]);
}
