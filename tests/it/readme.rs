//! The parts of the README that are made from the tables of the program.

use std::fs;
use std::path::PathBuf;

use midwatch::findings::RULES;
use midwatch::sources::SOURCES;
use midwatch::units;

fn sources() -> String {
    let mut out =
        String::from("| kind | what is polled | every | deadline |\n| --- | --- | --- | --- |\n");
    for source in SOURCES {
        let doc = source.doc.lines().next().unwrap_or_default().trim();
        let (period, timeout) = (units::span(source.period), units::span(source.timeout));
        out.push_str(&format!(
            "| `{}` | {doc} | {period} | {timeout} |\n",
            source.kind
        ));
    }
    out
}

fn rules() -> String {
    let mut rows: Vec<String> = RULES
        .iter()
        .map(|rule| {
            format!(
                "| `{}` | {} |\n",
                rule.id,
                rule.title().trim().replace('|', "\\|")
            )
        })
        .collect();
    rows.sort();
    format!("| rule | what it finds |\n| --- | --- |\n{}", rows.concat())
}

/// The text with what stands between a pair of markers replaced.
fn filled(text: &str, name: &str, content: &str) -> String {
    let (open, close) = (
        format!("<!-- {name}: made by a test -->\n"),
        format!("<!-- /{name} -->"),
    );
    let start = text
        .find(&open)
        .unwrap_or_else(|| panic!("no marker for {name}"))
        + open.len();
    let end = start
        + text[start..]
            .find(&close)
            .unwrap_or_else(|| panic!("no end marker for {name}"));
    format!("{}{content}{}", &text[..start], &text[end..])
}

#[test]
fn tables_are_those_of_the_program() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = fs::read_to_string(&path).unwrap();
    let wanted = filled(&filled(&text, "sources", &sources()), "rules", &rules());
    if std::env::var_os("MIDWATCH_BLESS").is_some() {
        fs::write(&path, &wanted).unwrap();
    } else {
        assert!(
            text == wanted,
            "README.md is not what the tables say; run with MIDWATCH_BLESS=1"
        );
    }
}

#[test]
fn every_picture_that_is_shown_exists() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("README.md")).unwrap();
    let names: Vec<&str> = text
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter(|name| name.starts_with("screenshots/"))
        .collect();
    assert!(names.len() >= 6, "{names:?}");
    for name in names {
        assert!(root.join(name).exists(), "{name}");
    }
}
