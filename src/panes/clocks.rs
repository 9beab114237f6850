//! Clocks: every witness as an interval against this machine, the worst pair, and whether it is
//! this machine that is wrong.

use super::{Block, Extra, Pane, detail, parts};
use crate::facts::{ClockOffset, Interval, KernelClock};
use crate::listing::{Cell, Column, Context, Listing, Row, RowKey, SortValue};
use crate::model::Reading;
use crate::model::clocks::{self, OwnVerdict};
use crate::paint::Line;
use crate::role::Role;
use crate::subject::{Subject, SubjectKind};
use crate::units;

pub static PANE: Pane = Pane {
    listing: &Clocks,
    head,
    preview,
};

struct Clocks;

static COLUMNS: &[Column] = &[
    Column::names("clock", "CLOCK", 14..=36, 0),
    Column::left("state", "STATE", 10..=12, 1),
    Column::right("offset", "OFFSET", 8..=9, 0),
    Column::right("error", "+/-", 6..=8, 1),
    Column::left("axis", "-100 ms      0      +100 ms", 27..=41, 6),
    Column::left("witness", "TOLD BY", 9..=10, 3),
    Column::right("stratum", "ST", 2..=7, 5),
    Column::right("root", "FROM UTC", 8..=8, 5),
    Column::left("kernel", "KERNEL", 8..=10, 4),
    Column::ages("age", "AGE", 4..=14, 0),
];

/// Half the width of the drawn axis, in seconds: twice the usual limit of 50 ms.
const AXIS: f64 = 0.1;

impl Listing for Clocks {
    fn id(&self) -> &'static str {
        "clocks"
    }
    fn title(&self) -> &'static str {
        "Clocks"
    }
    fn doc(&self) -> &'static str {
        "Every clock against this machine's, as intervals; the worst pair; who says so."
    }
    fn columns(&self) -> &'static [Column] {
        COLUMNS
    }
    fn how_to(&self) -> &'static str {
        "add a [[target]] with kind = \"sntp\" and its address, or any host"
    }

    fn rows(&self, cx: &Context) -> Vec<Row> {
        let survey = clocks::survey(&cx.snap);
        let mut rows: Vec<Subject> = survey.clocks.into_iter().map(|row| row.subject).collect();
        // A time server that never answered, a host whose clock nobody could compare: still rows.
        for kind in [SubjectKind::Sntp, SubjectKind::Host] {
            for subject in cx.snap.model.subjects(kind) {
                if !rows.contains(subject) {
                    rows.push(subject.clone());
                }
            }
        }
        rows.into_iter()
            .map(|subject| {
                let problem =
                    cx.snap.fresh::<ClockOffset>(&subject).is_err() || is_off(cx, &subject);
                Row::new(RowKey::Subject(subject)).problem(problem)
            })
            .collect()
    }

    fn cell(&self, cx: &Context, row: &Row, column: &'static str) -> Cell {
        let Some(subject) = row.key.subject() else {
            return Cell::none();
        };
        match column {
            "clock" => Cell::plain(subject.to_string()),
            "kernel" => kernel(cx, subject),
            "state" => state(cx, subject),
            _ => match cx.snap.latest::<ClockOffset>(subject) {
                Some(reading) => offset_cell(cx, subject, &reading, column),
                None => Cell::unknown(),
            },
        }
    }

    fn sort_value(&self, cx: &Context, row: &Row, column: &'static str) -> SortValue {
        let Some(subject) = row.key.subject() else {
            return SortValue::Nothing;
        };
        let Some(reading) = cx.snap.latest::<ClockOffset>(subject) else {
            return SortValue::Nothing;
        };
        let offset = reading.value.offset;
        match column {
            "offset" | "axis" => SortValue::Number(offset.mid()),
            "error" => SortValue::Number(offset.error()),
            "root" => reading
                .value
                .root_distance
                .map_or(SortValue::Nothing, SortValue::Number),
            "stratum" => reading.value.stratum.map_or(SortValue::Nothing, |stratum| {
                SortValue::Number(f64::from(stratum))
            }),
            "age" => SortValue::Number(reading.age.as_secs_f64()),
            _ => SortValue::Text(self.cell(cx, row, column).words()),
        }
    }
}

fn is_off(cx: &Context, subject: &Subject) -> bool {
    let limit = cx.snap.thresholds(subject).clock_skew_warning;
    cx.snap
        .latest::<ClockOffset>(subject)
        .is_some_and(|reading| reading.value.offset.at_least() > limit)
}

/// Ok only where the whole interval lies within the limit; a wide one proves nothing either way.
fn state(cx: &Context, subject: &Subject) -> Cell {
    let Ok(reading) = cx.snap.fresh::<ClockOffset>(subject) else {
        return Cell::mark("unknown", Role::Unknown);
    };
    let limits = cx.snap.thresholds(subject);
    let offset = reading.value.offset;
    if offset.at_least() > limits.clock_skew_critical {
        Cell::mark("off", Role::Critical)
    } else if offset.at_least() > limits.clock_skew_warning {
        Cell::mark("off", Role::Warning)
    } else if cx
        .snap
        .latest::<KernelClock>(subject)
        .is_some_and(|kernel| !kernel.value.synced)
    {
        Cell::mark("unsynced", Role::Warning)
    } else if offset.at_most() > limits.clock_skew_warning {
        Cell::mark("too wide", Role::StateUnknown)
    } else {
        Cell::mark("ok", Role::StateOk)
    }
}

fn offset_cell(
    cx: &Context,
    subject: &Subject,
    reading: &Reading<ClockOffset>,
    column: &str,
) -> Cell {
    let value = reading.value;
    let limits = cx.snap.thresholds(subject);
    let role = parts::over(
        value.offset.at_least(),
        limits.clock_skew_warning,
        limits.clock_skew_critical,
    );
    let text = |text: String, role| parts::value(text, reading.freshness, role);
    match column {
        "offset" => text(units::offset(value.offset.mid()), role),
        "error" => text(unsigned(value.offset.error()), Role::Dim),
        "axis" if reading.freshness.is_usable() => {
            let Interval { lo, hi } = value.offset;
            let role = if role == Role::Text {
                Role::ChartLine
            } else {
                role
            };
            Cell::Offset {
                lo,
                hi,
                limit: AXIS,
                role,
            }
        }
        "witness" => Cell::text(parts::witness(value.witness), Role::Dim),
        "stratum" => value
            .stratum
            .map_or_else(Cell::none, |stratum| text(stratum.to_string(), Role::Text)),
        "root" => value
            .root_distance
            .map_or_else(Cell::none, |far| text(unsigned(far), Role::Text)),
        "age" => parts::age(Some((reading.age, reading.freshness))),
        // An interval that is no longer true has no place on the axis.
        _ => Cell::unknown(),
    }
}

/// An error bound: an offset without a sign.
fn unsigned(secs: f64) -> String {
    units::offset(secs.abs()).trim_start_matches('+').to_owned()
}

fn kernel(cx: &Context, subject: &Subject) -> Cell {
    match cx.snap.latest::<KernelClock>(subject) {
        Some(reading) if reading.value.synced => {
            parts::value("synced", reading.freshness, Role::StateOk)
        }
        Some(reading) => parts::value("unsynced", reading.freshness, Role::Warning),
        None => Cell::none(),
    }
}

fn head(cx: &Context, _: &Extra) -> Vec<Line> {
    let survey = clocks::survey(&cx.snap);
    let role = match survey.own.verdict {
        OwnVerdict::Agrees => Role::Text,
        OwnVerdict::Off => Role::Warning,
        OwnVerdict::NoWitness | OwnVerdict::NoMajority => Role::Unknown,
    };
    let mut line = Line::new()
        .dim("this machine  ")
        .with(survey.own.sentence(), role);
    if let Some(pair) = survey.spread {
        let proven = pair.interval.at_least();
        line = line.dim("   furthest apart  ");
        line = if proven > 0.0 {
            let limit = cx.snap.thresholds(&pair.a).clock_pair_warning;
            let role = if proven > limit {
                Role::Warning
            } else {
                Role::Text
            };
            line.with(format!("{} or more ", unsigned(proven)), role)
                .dim(format!("{} / {}", pair.a, pair.b))
        } else {
            line.text("no two clocks are proven apart")
        };
    }
    vec![line]
}

fn preview(cx: &Context, key: &RowKey) -> Vec<Block> {
    key.subject()
        .map(|subject| detail::clock(cx, subject))
        .unwrap_or_default()
}
