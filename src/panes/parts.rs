//! Cells and lines that several panes share.

use std::time::Duration;

use crate::clock::Stamp;
use crate::facts::Witness;
use crate::findings::{Evidence, Severity};
use crate::listing::{Cell, Context, Filter, severity_role};
use crate::model::{Freshness, Reading, State};
use crate::observation::Outage;
use crate::paint::Line;
use crate::role::Role;
use crate::subject::Subject;
use crate::units;

/// The role that shows how old a value is.
#[must_use]
pub fn freshness_role(freshness: Freshness) -> Role {
    match freshness {
        Freshness::Fresh => Role::Dim,
        Freshness::Aging => Role::StateAging,
        Freshness::Stale => Role::StateStale,
        Freshness::Unknown => Role::Unknown,
    }
}

/// An age with its mark: `4s`, `aging 41s`, `STALE 6m12s`; `?` when nothing was ever learnt.
#[must_use]
pub fn age(age: Option<(Duration, Freshness)>) -> Cell {
    let Some((age, freshness)) = age else {
        return Cell::unknown();
    };
    Cell::text(marked(age, freshness), freshness_role(freshness))
}

/// No row matches a filter; one that was meant as a regular expression is told that it is none.
#[must_use]
pub fn unmatched(filter: &str, way: &str) -> String {
    match Filter::parse(filter).pattern() {
        Some(pattern) => format!(
            "no row contains `{pattern}`; the filter takes text, not regular expressions; {way}"
        ),
        None => format!("no row matches /{filter}; {way}"),
    }
}

/// State of a subject by word and mark: its worst finding, else whether it is freshly known.
#[must_use]
pub fn state(cx: &Context, subject: &Subject) -> Cell {
    let (word, role) = state_of(cx, subject);
    Cell::mark(word, role)
}

/// The word and role of a subject's state; parts count for their whole.
#[must_use]
pub fn state_of(cx: &Context, subject: &Subject) -> (&'static str, Role) {
    state_by(cx.ledger.within(subject), cx.snap.known(subject))
}

/// The word and role of a state by the worst finding, else by whether anything is freshly known.
#[must_use]
pub fn state_by(worst: Option<Severity>, known: State) -> (&'static str, Role) {
    match worst.filter(|severity| *severity > Severity::Info) {
        Some(severity) => (state_word(severity), severity_role(severity)),
        None if known == State::Ok => ("ok", Role::StateOk),
        None => ("unknown", Role::Unknown),
    }
}

/// The newest samples, oldest of them first: a sparkline of `columns` shows no more.
pub fn newest(
    samples: impl DoubleEndedIterator<Item = Option<f32>>,
    columns: u16,
) -> Vec<Option<f32>> {
    let mut newest: Vec<_> = samples.rev().take(usize::from(columns)).collect();
    newest.reverse();
    newest
}

/// Rank of a state for sorting, worst first.
#[must_use]
pub fn state_rank(cx: &Context, subject: &Subject) -> f64 {
    match cx.ledger.within(subject) {
        Some(Severity::Critical) => 0.0,
        Some(Severity::Unknown) => 1.0,
        Some(Severity::Warning) => 2.0,
        _ if cx.snap.known(subject) == State::Ok => 4.0,
        _ => 3.0,
    }
}

fn state_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::Unknown => "unknown",
        Severity::Warning => "warning",
        Severity::Info => "ok",
    }
}

/// Is anything but info firing on the subject, or is it not freshly known?
#[must_use]
pub fn is_problem(cx: &Context, subject: &Subject) -> bool {
    cx.ledger
        .within(subject)
        .is_some_and(|severity| severity > Severity::Info)
        || cx.snap.known(subject) != State::Ok
}

/// A value that is shown although stale: drawn as such.
#[must_use]
pub fn value(text: impl Into<String>, freshness: Freshness, role: Role) -> Cell {
    let text: String = text.into();
    if freshness.is_usable() {
        Cell::text(text, role)
    } else {
        Cell::text(format!("{text}?"), Role::StateStale)
    }
}

/// A value that waits for a second sample; unknown where none is coming.
#[must_use]
pub fn waiting(freshness: Freshness) -> Cell {
    if freshness.is_usable() {
        Cell::text("...", Role::Dim)
    } else {
        Cell::unknown()
    }
}

/// A line on a page, with where its value is from and how old that is, fresh or not.
#[must_use]
pub fn origin<T>(line: Line, reading: &Reading<T>) -> Line {
    let freshness = reading.freshness;
    let text = format!(
        "  {}, {}",
        marked(reading.age, freshness),
        reading.feed.spec.id
    );
    faded(line, freshness).with(text, freshness_role(freshness))
}

/// A line on a page where the fresh ones need no date: an older value is marked and dated.
#[must_use]
pub fn dated<T>(line: Line, reading: &Reading<T>) -> Line {
    dated_by(line, reading.age, reading.freshness)
}

/// [`dated`], where the reading itself is no longer at hand.
#[must_use]
pub fn dated_by(line: Line, age: Duration, freshness: Freshness) -> Line {
    if freshness == Freshness::Fresh {
        return line;
    }
    let text = format!("  {}", marked(age, freshness));
    faded(line, freshness).with(text, freshness_role(freshness))
}

/// `4s`, `aging 41s`, `STALE 6m12s`.
fn marked(age: Duration, freshness: Freshness) -> String {
    match freshness {
        Freshness::Fresh => units::age(age),
        late => format!("{} {}", late.word(), units::age(age)),
    }
}

/// Takes the colour of a state from what no longer tells one: nothing stale is green or red.
fn faded(mut line: Line, freshness: Freshness) -> Line {
    if !freshness.is_usable() {
        for (_, role) in line.0.iter_mut().filter(|(_, role)| *role != Role::Dim) {
            *role = Role::StateStale;
        }
    }
    line
}

/// `3m12s ago` and the like, from a stamp.
#[must_use]
pub fn ago(cx: &Context, at: Stamp) -> String {
    units::age(cx.snap.now.stamp.since(at))
}

/// One line of evidence: what, value, limit, source, age.
#[must_use]
pub fn evidence(cx: &Context, evidence: &Evidence) -> Line {
    let mut line = Line::new()
        .dim(format!("{:<24} ", evidence.what))
        .text(evidence.value.clone());
    if !evidence.limit.is_empty() {
        line = line.dim(format!("  limit {}", evidence.limit));
    }
    line.dim(format!(
        "  {}  {} ago",
        evidence.source,
        ago(cx, evidence.at)
    ))
}

/// A role that turns to warning or critical as a share passes two limits.
#[must_use]
pub fn over(share: f64, warning: f64, critical: f64) -> Role {
    if share >= critical {
        Role::Critical
    } else if share >= warning {
        Role::Warning
    } else {
        Role::Text
    }
}

/// How a clock was compared, in a word or two.
#[must_use]
pub fn witness(witness: Witness) -> &'static str {
    match witness {
        Witness::Own => "this one",
        Witness::Sntp => "sntp",
        Witness::NodeTime => "node time",
        Witness::HttpDate => "http date",
    }
}

/// A failure in a line: the layer, what happened there, what to do.
#[must_use]
pub fn outage(outage: &Outage) -> Line {
    let line = Line::new()
        .with(outage.layer.word(), Role::Warning)
        .text(format!(": {}", outage.detail));
    match &outage.hint {
        Some(hint) => line.dim(format!("; {hint}")),
        None => line,
    }
}
