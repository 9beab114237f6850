//! Facts about the decoder, with laws for splits, answers between keys, and hostile bytes.

use std::time::Duration;

use proptest::prelude::*;

use super::{Decoder, ESCAPE_LIMIT, PASTE_LIMIT, SEQUENCE_LIMIT};
use crate::chord::{Chord, Input, KeyCode, MouseEvent, MouseKind, Reply, Rgb};

fn decode(bytes: &[u8]) -> Vec<Input> {
    decode_pieces(&[bytes])
}

/// Feeds the pieces without silence between them, then a long one.
fn decode_pieces(pieces: &[&[u8]]) -> Vec<Input> {
    let mut decoder = Decoder::default();
    let mut out = Vec::new();
    for piece in pieces {
        decoder.feed(piece, &mut out);
    }
    decoder.flush(PASTE_LIMIT, &mut out);
    assert!(decoder.limit().is_none(), "something is held for ever");
    out
}

fn keys(bytes: &[u8]) -> Vec<String> {
    decode(bytes)
        .into_iter()
        .filter_map(|input| match input {
            Input::Key(chord) => Some(chord.to_string()),
            _ => None,
        })
        .collect()
}

#[test]
fn bytes_are_the_keys_that_sent_them() {
    let table: &[(&[u8], &str)] = &[
        (b"j", "j"),
        (b"G", "G"),
        (b" ", "space"),
        ("é".as_bytes(), "é"),
        ("日".as_bytes(), "日"),
        (b"\r", "enter"),
        (b"\t", "tab"),
        (b"\x7f", "backspace"),
        (b"\x00", "ctrl-space"),
        (b"\x03", "ctrl-c"),
        (b"\x1a", "ctrl-z"),
        (b"\x1c", "ctrl-\\"),
        (b"\x1f", "ctrl-_"),
        (b"\x1b", "esc"),
        (b"\x1bj", "alt-j"),
        (b"\x1b\r", "alt-enter"),
        (b"\x1b\xc3\xa9", "alt-é"),
        (b"\x1bO", "alt-O"),
        (b"\x1b[A", "up"),
        (b"\x1bOA", "up"),
        (b"\x1b\x1b[A", "alt-up"),
        (b"\x1b[1;5A", "ctrl-up"),
        (b"\x1b[1;2H", "shift-home"),
        (b"\x1b[3~", "delete"),
        (b"\x1b[5;3~", "alt-page-up"),
        (b"\x1b[Z", "backtab"),
        (b"\x1bOP", "f1"),
        (b"\x1b[[A", "f1"),
        (b"\x1b[11~", "f1"),
        (b"\x1bOR", "f3"),
        (b"\x1b[13~", "f3"),
        (b"\x1b[13;5~", "ctrl-f3"),
        (b"\x1b[15~", "f5"),
        (b"\x1b[24~", "f12"),
        (b"\x1b[34~", "f20"),
        (b"\x1bOM", "enter"),
        (b"\x1bOw", "7"),
        (b"\x1b[97;5u", "ctrl-a"),
        (b"\x1b[103;2u", "G"),
        (b"\x1b[105;5u", "tab"),
        (b"\x1b[27u", "esc"),
        (b"\x1b[27;5;100~", "ctrl-d"),
        (b"\x1b[57400u", "1"),
    ];
    for (bytes, name) in table {
        assert_eq!(keys(bytes), [*name], "{:?}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn what_is_no_key_types_nothing() {
    let table: &[&[u8]] = &[
        b"\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\",
        b"\x1b]52;c;Zm9v\x07",
        b"\x1b[?62;22c",
        b"\x1b[>41;354;0c",
        b"\x1b[12;40R",
        b"\x1b[1;2R",
        b"\x1b[?2026;2$y",
        b"\x1b[?1u",
        b"\x1b[?997;1n",
        b"\x1b[8;24;80t",
        b"\x1bP>|xterm(380)\x1b\\",
        b"\x1bP1+r544e=787465726d\x1b\\",
        b"\x1b_Gi=31;OK\x1b\\",
        b"\x1b\\",
        b"\x1b[201~",
        b"\x1b[97;9u",
        b"\x1b[97;1:3u",
        b"\x1b[M !!",
        b"\x1b[<35;10;10M",
        b"\x1b[<0;10;10m",
        b"\x1b[",
        b"\x1b[1;",
        b"\x1b]11;rgb:1e1e/",
        b"\xc3",
        b"\xff\x80",
        b"\xc2\x9b",
    ];
    for bytes in table {
        assert!(
            keys(bytes).is_empty(),
            "{:?}",
            String::from_utf8_lossy(bytes)
        );
    }
}

#[test]
fn colours_are_read_in_every_spelling() {
    let background = |text: &str| decode(format!("\x1b]11;{text}\x07").as_bytes());
    let dark = [Input::Reply(Reply::Background(Rgb(0x1e, 0x1e, 0x2e)))];
    assert_eq!(background("rgb:1e1e/1e1e/2e2e"), dark);
    assert_eq!(background("rgb:1e/1e/2e"), dark);
    assert_eq!(background("rgba:1e1e/1e1e/2e2e/ffff"), dark);
    assert_eq!(background("#1e1e2e"), dark);
    assert_eq!(
        background("rgb:f/f/f"),
        [Input::Reply(Reply::Background(Rgb(255, 255, 255)))]
    );
    for bad in ["rgb:1e/1e", "rgb:12345/0/0", "#12", "?", ""] {
        assert_eq!(background(bad), [Input::Reply(Reply::Other)], "{bad}");
    }
    assert_eq!(
        decode(b"\x1b]10;#ffffff\x1b\\"),
        [Input::Reply(Reply::Foreground(Rgb(255, 255, 255)))]
    );
}

#[test]
fn a_cursor_position_is_never_f3() {
    assert_eq!(
        decode(b"\x1b[1;2R"),
        [Input::Reply(Reply::CursorPosition(1, 2))]
    );
    assert_eq!(keys(b"\x1b[R"), ["f3"]);
}

#[test]
fn the_mouse_counts_from_zero() {
    let at = |kind| Input::Mouse(MouseEvent { kind, x: 9, y: 4 });
    assert_eq!(decode(b"\x1b[<0;10;5M"), [at(MouseKind::PressLeft)]);
    assert_eq!(decode(b"\x1b[<64;10;5M"), [at(MouseKind::WheelUp)]);
    assert_eq!(decode(b"\x1b[<81;10;5M"), [at(MouseKind::WheelDown)]);
}

#[test]
fn a_lone_escape_waits_for_silence() {
    let mut decoder = Decoder::default();
    let mut out = Vec::new();
    decoder.feed(b"\x1b", &mut out);
    decoder.flush(ESCAPE_LIMIT - Duration::from_millis(1), &mut out);
    assert!(out.is_empty());
    decoder.flush(ESCAPE_LIMIT, &mut out);
    assert_eq!(out, [Input::Key(Chord::key(KeyCode::Esc))]);
}

#[test]
fn an_awaited_answer_may_pause_after_its_first_byte() {
    let mut decoder = Decoder::default();
    decoder.expect_answer();
    let mut out = Vec::new();
    decoder.feed(b"\x1b", &mut out);
    decoder.flush(ESCAPE_LIMIT * 2, &mut out);
    decoder.feed(b"]11;#000000\x07", &mut out);
    assert_eq!(out, [Input::Reply(Reply::Background(Rgb(0, 0, 0)))]);
}

#[test]
fn an_unfinished_answer_survives_a_short_silence_and_is_dropped_after_a_long_one() {
    for start in [
        "\x1b[?62;",
        "\x1b]11;rgb:1e1e",
        "\x1bP>|xt",
        "\x1b]11;rgb:0/0/0\x1b",
    ] {
        let mut decoder = Decoder::default();
        let mut out = Vec::new();
        decoder.feed(start.as_bytes(), &mut out);
        decoder.flush(ESCAPE_LIMIT, &mut out);
        assert_eq!(decoder.limit(), Some(SEQUENCE_LIMIT), "{start:?}");
        decoder.flush(SEQUENCE_LIMIT, &mut out);
        decoder.feed(b"j", &mut out);
        assert_eq!(out, [Input::Key(Chord::char('j'))], "{start:?}");
    }
}

#[test]
fn control_c_gets_through_behind_a_cut_answer() {
    assert_eq!(keys(b"\x1b]11;rgb:1e\x03"), ["ctrl-c"]);
    assert_eq!(keys(b"\x1b[?62;\x03"), ["ctrl-c"]);
}

#[test]
fn an_arrow_key_ends_a_cut_answer() {
    assert_eq!(keys(b"\x1b]11;rgb:1e\x1b[A"), ["up"]);
}

#[test]
fn pasted_text_is_one_input_and_types_no_key() {
    assert_eq!(
        decode(b"a\x1b[200~q\r\nx\x1b[Ay\x1b[201~b"),
        [
            Input::Key(Chord::char('a')),
            Input::Paste("q\nx\x1b[Ay".into()),
            Input::Key(Chord::char('b')),
        ]
    );
}

#[test]
fn an_end_mark_inside_a_paste_does_not_type_the_rest() {
    for hostile in [
        "\x1b[200~x\x1b[201~:quit\r\x1b[201~",
        "\x1b[200~x\x1b[201~:quit\r\x1b[200~\x1b[201~",
    ] {
        assert_eq!(
            decode(hostile.as_bytes()),
            [Input::Paste("x:quit\n".into())]
        );
    }
}

#[test]
fn an_unfinished_paste_is_never_typed() {
    let mut decoder = Decoder::default();
    let mut out = Vec::new();
    decoder.feed(b"\x1b[200~rm", &mut out);
    decoder.flush(SEQUENCE_LIMIT, &mut out);
    decoder.feed(b" q\x1b[201", &mut out);
    decoder.flush(PASTE_LIMIT, &mut out);
    assert!(out.is_empty());
    assert!(decoder.limit().is_none());
}

#[test]
fn a_paste_is_cut_at_a_mebibyte_between_characters() {
    let text = "é".repeat(1 << 20);
    let inputs = decode(format!("\x1b[200~x{text}\x1b[201~").as_bytes());
    let [Input::Paste(pasted)] = inputs.as_slice() else {
        panic!("{} inputs", inputs.len());
    };
    assert_eq!(pasted.len(), super::paste::PASTE_MAX - 1);
    assert!(pasted.ends_with('é'));
}

/// Things that a terminal answers.
fn answer() -> impl Strategy<Value = Vec<u8>> {
    let number = "[0-9]{0,5}";
    prop_oneof![
        (number, number, "[cR]").prop_map(|(a, b, end)| format!("\x1b[?{a};{b}{end}")),
        (1_u16..999, 1_u16..999).prop_map(|(a, b)| format!("\x1b[{a};{b}R")),
        (number, "[0-4]").prop_map(|(a, b)| format!("\x1b[?{a};{b}$y")),
        ("[0-9]{1,3}", "[ -~]{0,40}", "\x07|\x1b\\\\")
            .prop_map(|(n, text, end)| format!("\x1b]{n};{text}{end}")),
        ("[P_^X]", "[ -~]{0,40}").prop_map(|(kind, text)| format!("\x1b{kind}{text}\x1b\\")),
    ]
    .prop_map(String::into_bytes)
}

/// Whole presses of keys.
fn press() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "[ -~]".prop_map(String::into_bytes),
        "[é日ß]".prop_map(String::into_bytes),
        Just(b"\x1b[A".to_vec()),
        Just(b"\x1b[1;5C".to_vec()),
        Just(b"\x1bOP".to_vec()),
        Just(b"\x1b[6~".to_vec()),
        Just(b"\x1bq".to_vec()),
        Just(b"\r".to_vec()),
    ]
}

fn only_keys(inputs: Vec<Input>) -> Vec<Input> {
    inputs
        .into_iter()
        .filter(|input| !matches!(input, Input::Reply(_)))
        .collect()
}

proptest! {
    #[test]
    fn a_split_changes_nothing(
        parts in prop::collection::vec(prop_oneof![answer(), press(), Just(b"\x1b[200~ab\x1b[201~".to_vec())], 0..12),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let bytes = parts.concat();
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        at.extend([0, bytes.len()]);
        at.sort_unstable();
        let pieces: Vec<&[u8]> = at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(decode_pieces(&pieces), decode(&bytes));
    }

    #[test]
    fn answers_between_keys_change_no_key(
        parts in prop::collection::vec((press(), answer()), 0..12),
    ) {
        let keys: Vec<u8> = parts.iter().flat_map(|(press, _)| press.clone()).collect();
        let mixed: Vec<u8> = parts.iter().flat_map(|(p, a)| [p.clone(), a.clone()].concat()).collect();
        prop_assert_eq!(only_keys(decode(&mixed)), decode(&keys));
    }

    #[test]
    fn a_cut_answer_types_nothing(answer in answer(), cut in any::<prop::sample::Index>()) {
        // Cut after at least two bytes: a single escape is the key by definition.
        let end = 2 + cut.index(answer.len() - 1);
        prop_assert!(only_keys(decode(&answer[..end])).is_empty());
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(
        prop_oneof![any::<u8>(), Just(0x1b), Just(b'['), Just(b']'), Just(b'~'), Just(b';')], 0..200)) {
        let whole = decode(&bytes);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(decode_pieces(&single), whole);
    }
}
