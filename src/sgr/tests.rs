//! Facts about what is read of a line and what is only shown.

use proptest::prelude::*;

use super::*;

fn shown(line: &str) -> String {
    window(line.as_bytes(), Escapes::Colour, 0, 10_000)
        .iter()
        .map(|(text, _)| text.as_str())
        .collect()
}

fn looks(line: &str) -> Vec<(String, Look)> {
    window(line.as_bytes(), Escapes::Colour, 0, 10_000)
        .into_iter()
        .map(|(text, look)| (text.to_string(), look))
        .collect()
}

#[test]
fn sixteen_256_and_rgb_colours_are_read() {
    let ink = |line: &str| looks(line)[0].1.ink;
    assert_eq!(ink("\x1b[31mx"), Some(Ink::Basic(1)));
    assert_eq!(ink("\x1b[97mx"), Some(Ink::Basic(15)));
    assert_eq!(ink("\x1b[38;5;208mx"), Some(Ink::Indexed(208)));
    assert_eq!(ink("\x1b[38;2;1;2;3mx"), Some(Ink::Rgb(1, 2, 3)));
    assert_eq!(ink("\x1b[38:2::1:2:3mx"), Some(Ink::Rgb(1, 2, 3)));
    assert_eq!(ink("\x1b[38:2:1:2:3mx"), Some(Ink::Rgb(1, 2, 3)));
    assert_eq!(looks("\x1b[104mx")[0].1.ground, Some(Ink::Basic(12)));
}

#[test]
fn what_is_set_is_taken_back() {
    let line = "\x1b[1;31mred\x1b[22mthin\x1b[0mplain\x1b[4mline\x1b[mnone";
    let bold: Vec<bool> = looks(line).iter().map(|(_, look)| look.bold).collect();
    assert_eq!(bold, [true, false, false, false, false]);
    let runs = looks(line);
    assert_eq!(runs[1].1.ink, Some(Ink::Basic(1)));
    assert_eq!(runs[2].1, Look::default());
    assert!(runs[3].1.underline);
    assert_eq!(runs[4].1, Look::default());
    assert_eq!(shown(line), "redthinplainlinenone");
}

#[test]
fn a_colour_that_is_none_changes_nothing_and_eats_nothing() {
    let runs = looks("\x1b[32ma\x1b[38;5mb\x1b[38;2;300;0;0mc");
    assert!(runs.iter().all(|(_, look)| look.ink == Some(Ink::Basic(2))));
}

#[test]
fn everything_else_becomes_a_mark() {
    assert_eq!(shown("\x1b[2Jgone"), "\u{241b}[2Jgone");
    assert_eq!(shown("\x1b]0;title\x07x"), "\u{241b}]0;title\u{2407}x");
    assert_eq!(
        shown("\x1b]52;c;cm0gLXJm\x1b\\"),
        "\u{241b}]52;c;cm0gLXJm\u{241b}\\"
    );
    assert_eq!(shown("a\rb"), "a\u{240d}b");
    assert_eq!(shown("\u{9b}31mx"), "<U+009B>31mx");
    assert_eq!(shown("\x1b[31"), "\u{241b}[31");
    assert_eq!(shown("\x1b[?25lx"), "\u{241b}[?25lx");
}

#[test]
fn the_carriage_return_of_a_line_break_is_not_shown() {
    assert_eq!(shown("windows\r"), "windows");
    assert_eq!(width(b"windows\r", Escapes::Colour), 7);
}

#[test]
fn bytes_are_shown_as_they_are_when_asked() {
    let runs = window(b"\x1b[31mred\r", Escapes::Visible, 0, 100);
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0].0.as_str(), "\u{241b}[31mred\u{240d}");
    assert_eq!(runs[0].1, Look::default());
}

#[test]
fn tabs_reach_to_the_next_stop() {
    assert_eq!(shown("a\tb"), "a       b");
    assert_eq!(shown("\x1b[1m12345678\tb"), "12345678        b");
}

#[test]
fn a_window_cuts_between_symbols() {
    let part = |from, columns| -> String {
        window("日本語abc".as_bytes(), Escapes::Colour, from, columns)
            .iter()
            .map(|(text, _)| text.as_str())
            .collect()
    };
    assert_eq!(part(0, 4), "日本");
    assert_eq!(part(2, 5), "本語a");
    assert_eq!(part(6, 9), "abc");
    assert_eq!(width("日本語abc".as_bytes(), Escapes::Colour), 9);
}

#[test]
fn a_wide_symbol_at_the_edge_goes_to_the_next_row() {
    let line = "abc日de".as_bytes();
    assert_eq!(rows(line, Escapes::Colour, 4), 2);
    let text = |at| row(line, Escapes::Colour, at, 4)[0].0.to_string();
    assert_eq!((text(0), text(1)), ("abc".to_owned(), "日de".to_owned()));
}

#[test]
fn a_search_sees_no_colours() {
    assert_eq!(plain(b"a\x1b[31mb\x1b[0mc"), "abc");
    assert_eq!(plain(b"plain"), "plain");
}

#[test]
fn a_letter_wider_than_any_is_a_replacement() {
    let runs = window("ㄅ\u{11302}x".as_bytes(), Escapes::Colour, 0, 10);
    let text: String = runs.iter().map(|(text, _)| text.as_str()).collect();
    assert_eq!(text, "\u{fffd}x");
}

fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..20),
        "\\PC{0,8}".prop_map(String::into_bytes),
        "\x1b\\[[0-9;:]{0,12}[a-zA-Z]".prop_map(String::into_bytes),
        Just(b"\x1b]52;c;AAAA\x07".to_vec()),
        Just("\u{9b}\u{202e}\u{200b}\t\r".as_bytes().to_vec()),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn no_control_character_is_left(line in hostile(), from in 0_usize..40, columns in 0_usize..60) {
        for escapes in [Escapes::Colour, Escapes::Visible] {
            for (text, _) in window(&line, escapes, from, columns) {
                prop_assert!(!text.as_str().chars().any(text::is_unsafe));
            }
        }
    }

    #[test]
    fn a_window_is_never_wider_than_asked(line in hostile(), from in 0_usize..40, columns in 0_usize..60) {
        let runs = window(&line, Escapes::Colour, from, columns);
        prop_assert!(runs.iter().map(|(text, _)| text.width()).sum::<usize>() <= columns);
    }

    #[test]
    fn the_rows_of_a_broken_line_are_the_whole_line(line in hostile(), columns in 2_usize..20) {
        let mut joined = String::new();
        for at in 0..rows(&line, Escapes::Colour, columns) {
            let runs = row(&line, Escapes::Colour, at, columns);
            prop_assert!(runs.iter().map(|(text, _)| text.width()).sum::<usize>() <= columns);
            joined.extend(runs.iter().map(|(text, _)| text.as_str()));
        }
        let whole: String = window(&line, Escapes::Colour, 0, usize::MAX)
            .iter()
            .map(|(text, _)| text.as_str())
            .collect();
        prop_assert_eq!(joined, whole);
    }
}
