use super::*;
use proptest::prelude::*;

/// Each page is cut where its head begins.
const PAGES: [(&str, &str); 12] = [
    ("<head>", "<title>"),
    ("<!doctype html>\n<html lang=\"en\">\n  <head>", "\n"),
    ("\u{feff}<!DOCTYPE HTML><HTML><HEAD>", "x"),
    ("<!-- <head> </body> --><html><head>", "<head>"),
    ("<!--><html><head>", "-->"),
    ("<!---><head>", "-->"),
    ("<!-- a --!><head>", "--><head>"),
    ("<?xml version='1.0'?><html><head>", ""),
    (
        "<html data-x=\"><head>\" y='>' z><head prefix = 'a>b' >",
        ">",
    ),
    ("<html a\"=><head>", "\">"),
    ("<html/><head/>", "<script>'</body>'</script>"),
    ("<!doctype html SYSTEM \"about:legacy-compat\"><head\t>", ""),
];

#[test]
fn head_is_found() {
    for (start, rest) in PAGES {
        let page = format!("{start}{rest}");
        assert_eq!(
            find_head(page.as_bytes()),
            Prolog::Head(start.len()),
            "{page}"
        );
    }
}

#[test]
fn pages_without_the_tag_have_none() {
    for page in [
        "<title>x</title><head>",
        "<script>'<head>'</script>",
        "text <head>",
        "<header><head>",
        "<html><body><head>",
        "</p><head>",
        "<h1>opencode</h1>",
        "{\"<head>\": 1}",
        "<\0h\0e\0a\0d\0>\0",
    ] {
        assert_eq!(find_head(page.as_bytes()), Prolog::NoHead, "{page}");
    }
}

#[test]
fn every_beginning_of_a_page_is_unfinished() {
    for (start, _) in PAGES {
        for end in 0..start.len() {
            // A mark of the byte order is no text when it is cut.
            if start.is_char_boundary(end) {
                let part = &start.as_bytes()[..end];
                assert_eq!(find_head(part), Prolog::Unfinished, "{}", &start[..end]);
            }
        }
    }
}

proptest! {
    #[test]
    fn more_bytes_change_no_decision(
        page in "(<!--|-->|--!>|<html|<head|>|\"|=|'| |<!|/|a){0,12}",
        more in ".{0,8}",
    ) {
        let first = find_head(page.as_bytes());
        let both = find_head(format!("{page}{more}").as_bytes());
        prop_assert!(first == Prolog::Unfinished || first == both, "{page} {more} {first:?} {both:?}");
    }
}
