//! The reader against the corners of the format, against itself in pieces, and against an oracle.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::observation::Layer;

#[derive(Clone, Debug, PartialEq)]
struct Owned {
    name: String,
    labels: Vec<(String, String)>,
    value: f64,
    time: Option<f64>,
}

fn own(sample: &Sample<'_, '_>) -> Owned {
    let labels = sample.labels.iter();
    Owned {
        name: sample.name.to_owned(),
        labels: labels.map(|(k, v)| (k.into(), v.into())).collect(),
        value: sample.value,
        time: sample.time,
    }
}

fn read_in<'a>(names: &[&str], pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Owned>, Tally) {
    let wanted = Wanted::new(names.iter().copied());
    let mut reader = Reader::new(&wanted);
    let mut samples = Vec::new();
    let mut sink = |sample: &Sample<'_, '_>| samples.push(own(sample));
    for piece in pieces {
        reader.push(piece, &mut sink);
    }
    let tally = reader.finish(&mut sink);
    (samples, tally)
}

fn read(names: &[&str], body: &str) -> (Vec<Owned>, Tally) {
    read_in(names, [body.as_bytes()])
}

/// The one sample of `m` in a body.
fn one(body: &str) -> Owned {
    let (mut samples, tally) = read(&["m"], body);
    assert_eq!((samples.len(), tally.malformed), (1, 0), "{body}");
    samples.remove(0)
}

fn labels(body: &str) -> Vec<(String, String)> {
    one(body).labels
}

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).to_vec()
}

#[test]
fn commas_equal_signs_and_braces_stay_in_their_label() {
    assert_eq!(
        labels("m{a=\"x,y\",b=\"c=d\",c=\"/api/{id}\"} 1"),
        pairs([("a", "x,y"), ("b", "c=d"), ("c", "/api/{id}")])
    );
}

#[test]
fn escapes_are_undone_and_unknown_ones_kept() {
    assert_eq!(
        labels(r#"m{a="say \"hi\"",b="C:\\x\n",c="\d+"} 1"#),
        pairs([("a", "say \"hi\""), ("b", "C:\\x\n"), ("c", "\\d+")])
    );
    assert_eq!(
        labels(r#"m{a="ends in \\"} 1"#),
        pairs([("a", "ends in \\")])
    );
}

#[test]
fn a_recorded_series_keeps_its_colons() {
    let (samples, _) = read(&["job:x:rate5m"], "job:x:rate5m{job=\"a\"} 2\n");
    assert_eq!(samples[0].value, 2.0);
}

#[test]
fn values_may_be_infinite_or_no_number() {
    assert_eq!(one("m +Inf").value, f64::INFINITY);
    assert_eq!(one("m -Inf").value, f64::NEG_INFINITY);
    assert!(one("m NaN").value.is_nan());
    assert_eq!(one("m 1.5e-3").value, 0.0015);
    assert_eq!(
        labels("m{a=\"Zürich 日本\"} 1"),
        pairs([("a", "Zürich 日本")])
    );
}

#[test]
fn timestamps_are_seconds_whatever_the_dialect() {
    assert_eq!(one("m 1 1795227247123").time, Some(1_795_227_247.123));
    assert_eq!(one("m 1 1795227247.123").time, Some(1_795_227_247.123));
    assert_eq!(one("m 1 1795227247").time, Some(1_795_227_247.0));
    assert_eq!(one("m 1 -1").time, Some(-1.0));
    assert_eq!(one("m 1").time, None);
}

#[test]
fn trailing_commas_spaces_and_empty_braces_are_allowed() {
    assert_eq!(labels("m{a=\"b\",} 1"), pairs([("a", "b")]));
    assert_eq!(
        labels(" m { a = \"b\" , c\t=\"d\" }  1 "),
        pairs([("a", "b"), ("c", "d")])
    );
    assert_eq!(labels("m{} 1"), vec![]);
    assert_eq!(labels("m{ } 1"), vec![]);
}

#[test]
fn carriage_returns_end_lines_too() {
    let (samples, tally) = read(
        &["m", "n"],
        "# HELP m x\r\nm{a=\"b\"} 1\r\nn 2 1795227247123\r\n",
    );
    assert_eq!((samples.len(), tally.malformed), (2, 0));
}

#[test]
fn exemplars_and_the_end_mark_are_skipped() {
    let body = "m{le=\"1\"} 8 # {trace_id=\"a b\"} 0.67 1520879607.789\n# EOF\n";
    assert_eq!((one(body).value, one(body).time), (8.0, None));
    assert_eq!(
        one("m 8 1520879607.5 # {} 0.67").time,
        Some(1_520_879_607.5)
    );
}

#[test]
fn quoted_names_are_names() {
    let (samples, tally) = read(
        &["my.metric", "m", "tab\"le"],
        "{\"my.metric\",a=\"b\"} 1\n{\"my.metric\"} 2\nm{\"label.x\"=\"y\"} 3\n{ \"tab\\\"le\" , } 4\n",
    );
    assert_eq!(tally.malformed, 0);
    let values: Vec<f64> = samples.iter().map(|s| s.value).collect();
    assert_eq!(values, [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(samples[0].labels, pairs([("a", "b")]));
    assert_eq!(samples[2].labels, pairs([("label.x", "y")]));
}

#[test]
fn a_bad_line_is_counted_and_the_rest_is_read() {
    let body = "m 1\nm{a=\"b} 2\nm{a=b} 2\nm{a=\"b\"}\nm x\nm 1 2 3\nm{,} 1\n-m 1\nm{a=\"b\" c=\"d\"} 1\nm 3\n";
    let (samples, tally) = read(&["m"], body);
    assert_eq!((samples.len(), tally.malformed), (2, 8));
    assert_eq!(tally.verify(), Ok(()));
}

#[test]
fn the_last_line_needs_no_newline() {
    assert_eq!(one("# HELP m\nm 5").value, 5.0);
}

#[test]
fn bytes_that_are_no_text_make_a_bad_line() {
    let (samples, tally) = read_in(&["m"], [b"m{a=\"\xff\"} 1\nm 2\n".as_slice()]);
    assert_eq!((samples.len(), tally.malformed), (1, 1));
}

#[test]
fn an_overlong_line_is_dropped_whole_or_in_pieces() {
    let mut body = format!("m{{a=\"{}\"}} 1\n", "x".repeat(5 * MAX_LINE)).into_bytes();
    body.extend_from_slice(b"m 2\n");
    for size in [body.len(), 65_536, MAX_LINE + 1] {
        let (samples, tally) = read_in(&["m"], body.chunks(size));
        assert_eq!((samples.len(), tally.too_long), (1, 1), "in {size}s");
        assert_eq!(samples[0].value, 2.0);
    }
}

#[test]
fn a_line_of_the_longest_length_is_read_and_one_more_byte_is_not() {
    let fits = format!("m{}1", " ".repeat(MAX_LINE - 2));
    for (body, taken) in [(format!("{fits}\n"), 1), (format!(" {fits}\n"), 0)] {
        for size in [body.len(), 4096] {
            let (samples, tally) = read_in(&["m"], body.as_bytes().chunks(size));
            assert_eq!((samples.len(), tally.too_long), (taken, 1 - taken as u64));
        }
    }
}

#[test]
fn what_exceeds_a_limit_is_counted_as_refused() {
    let many: Vec<String> = (0..65).map(|n| format!("l{n}=\"v\"")).collect();
    let many = many.join(",");
    let long = "v".repeat(4097);
    let name = "n".repeat(257);
    let body = format!("m{{{many}}} 1\nm{{a=\"{long}\"}} 1\nm{{{name}=\"v\"}} 1\nm 7\n");
    let (samples, tally) = read(&["m"], &body);
    assert_eq!((samples.len(), tally.refused(), tally.malformed), (1, 3, 0));
    let wanted = Wanted::new(["m"]);
    let limits = Limits {
        samples: 2,
        ..Limits::default()
    };
    let mut reader = Reader::with_limits(&wanted, limits);
    reader.push(b"m 1\nm 2\nm 3\nm 4\n", &mut |_| {});
    let tally = reader.finish(&mut |_| {});
    assert_eq!((tally.taken, tally.refused()), (2, 2));
}

#[test]
fn a_page_of_markup_is_a_parse_outage() {
    let page = "<!DOCTYPE html>\n<html><body>\nPage 1\n<p>Log in</p>\n</body></html>\n";
    for body in [
        page,
        "",
        "\n# nothing\n",
        "404 page not found\n",
        "{\"error\": 1}\n",
    ] {
        let (_, tally) = read(&["m"], body);
        let outage = tally.verify().unwrap_err();
        assert_eq!(outage.layer, Layer::Parse, "{body}");
    }
    let outage = read(&["m"], page).1.verify().unwrap_err();
    assert!(outage.detail.contains("<!DOCTYPE html>"), "{outage}");
}

#[test]
fn samples_of_other_names_prove_the_format() {
    let (samples, tally) = read(&["m"], "other{a=\"b\"} 1\nthird 2\n");
    assert_eq!((samples.len(), tally.others), (0, 2));
    assert_eq!(tally.verify(), Ok(()));
}

fn escaped(raw: &str) -> String {
    raw.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

fn written(sample: &Owned) -> String {
    let labels: Vec<String> = sample
        .labels
        .iter()
        .map(|(k, v)| format!("{k}=\"{}\"", escaped(v)))
        .collect();
    format!("{}{{{}}} {}\n", sample.name, labels.join(","), sample.value)
}

prop_compose! {
    fn any_sample()(
        name in "[mn]_[a-c]{1,3}",
        labels in prop::collection::vec(("[a-z_][a-z0-9_]{0,8}", "\\PC{0,12}|[\\\\\"n\n,=}{ #]{0,8}"), 0..5),
        value in prop::num::f64::NORMAL | prop::num::f64::ZERO,
    ) -> Owned {
        Owned { name, labels, value, time: None }
    }
}

fn names(samples: &[Owned]) -> Vec<&str> {
    samples.iter().map(|s| s.name.as_str()).collect()
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(samples in prop::collection::vec(any_sample(), 0..20)) {
        let body: String = samples.iter().map(written).collect();
        let (back, tally) = read(&names(&samples), &body);
        prop_assert_eq!(tally.malformed, 0);
        prop_assert_eq!(back, samples);
    }

    #[test]
    fn any_split_gives_the_same_samples(
        body in "([mnx] ?(\\{[a\"=,\\\\ }]{0,9}\\})? ?[0-9]{0,3}( #.{0,4})?\r?\n?){0,20}",
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let whole = read(&["m", "n"], &body);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
        cuts.extend([0, body.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|cut| &body.as_bytes()[cut[0]..cut[1]]);
        prop_assert_eq!(read_in(&["m", "n"], pieces), whole);
    }

    #[test]
    fn no_bytes_make_it_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        read_in(&["m"], body.chunks(7));
    }

    #[test]
    fn an_independent_parser_agrees_on_tame_bodies(
        samples in prop::collection::vec(
            ("[mn]_[a-c]{1,3}", prop::collection::btree_map("[a-z_]{1,6}", "[a-zA-Z0-9/._-]{1,9}", 1..4), -1e9f64..1e9),
            1..15,
        ),
    ) {
        let samples: Vec<Owned> = samples
            .into_iter()
            .map(|(name, labels, value)| Owned { name, labels: labels.into_iter().collect(), value, time: None })
            .collect();
        let body: String = samples.iter().map(written).collect();
        let lines = body.lines().map(|line| Ok(line.to_owned()));
        let oracle = prometheus_parse::Scrape::parse(lines).unwrap();
        let theirs: Vec<_> = oracle
            .samples
            .iter()
            .map(|sample| {
                let labels: BTreeMap<_, _> = sample.labels.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
                let prometheus_parse::Value::Untyped(value) = sample.value else { panic!("no type was told") };
                (sample.metric.clone(), labels, value)
            })
            .collect();
        let ours: Vec<_> = read(&names(&samples), &body).0
            .into_iter()
            .map(|sample| (sample.name, sample.labels.into_iter().collect::<BTreeMap<_, _>>(), sample.value))
            .collect();
        prop_assert_eq!(ours, theirs);
    }
}
