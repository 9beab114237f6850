//! The page of logs: lines of many containers, each behind its name, with what hinders them above.
//! Draws the lines that are on the screen and no other, so that a flood costs what a trickle does.

use ratatui::layout::Rect;

use crate::app::App;
use crate::app::asks::logs::{LogPage, Times};
use crate::app::asks::ring::{Kept, Matches, Writer};
use crate::app::asks::scroll::{End, Fold, Lines, View};
use crate::app::asks::stream::{Stream, StreamState};
use crate::ask::LogRun;
use crate::event::Drawn;
use crate::paint::{Line, Painter};
use crate::role::Role;
use crate::sgr::{self, Escapes};
use crate::text::{self, SafeText};
use crate::units;

use super::manifest::mark;
use super::parts;

/// Columns of the time before a line: `11-21 02:14:07.123`.
const TIME: usize = 18;

/// Widest name before a line; of a longer one the end is shown, which tells it apart.
const NAME: usize = 28;

/// Most lines about what hinders streams.
const TROUBLES: usize = 3;

const SERIES: [Role; 6] = [
    Role::Series1,
    Role::Series2,
    Role::Series3,
    Role::Series4,
    Role::Series5,
    Role::Series6,
];

pub fn draw(app: &App, painter: &mut Painter, area: Rect) -> Drawn {
    let Some(page) = app.opened().logs() else {
        return Drawn::default();
    };
    let mut y = area.y;
    if !app.is_full_screen() {
        painter.rule(Rect { height: 1, ..area }, &heading(page));
        painter.line(
            area.x + 1,
            y + 1,
            area.width.saturating_sub(2),
            &state(app, page),
        );
        y += 2;
        for line in troubles(app, page) {
            let rows = line.wrap(usize::from(area.width.saturating_sub(3)), 2);
            for row in rows.iter().take(2) {
                painter.line(area.x + 1, y, area.width.saturating_sub(2), row);
                y += 1;
            }
        }
    }
    let prefix = prefix(page);
    let x = area.x + 1;
    let columns = usize::from(area.width.saturating_sub(2)).saturating_sub(prefix);
    let view = View {
        columns: columns.max(1),
        height: usize::from(area.bottom().saturating_sub(y)),
    };
    let ring = &page.ring;
    let place = page.scroll.shown(ring, view);
    let mut row = place.row;
    for at in place.line..ring.len() {
        let rows = match page.scroll.fold {
            Fold::Cut => ring.rows(at, usize::MAX),
            Fold::Wrap => ring.rows(at, view.columns),
        };
        let Some(kept) = ring.get(at) else { break };
        while row < rows && y < area.bottom() {
            if row == 0 {
                draw_prefix(page, painter, (x, y), prefix, kept);
            }
            if page.hit == Some(kept.serial) {
                painter.glyph(area.x, y, painter.skin.glyphs.cursor, Role::Accent);
            }
            draw_line(page, painter, (x, y), prefix, kept, row, view);
            y += 1;
            row += 1;
        }
        row = 0;
        if y >= area.bottom() {
            break;
        }
    }
    Drawn {
        rows: view.height,
        columns: view.columns,
        ..Drawn::default()
    }
}

/// Whose logs, and since when.
fn heading(page: &LogPage) -> Line {
    let word = match page.run {
        LogRun::Follow => "Logs  ",
        LogRun::Previous => "Logs before the restart  ",
    };
    let mut line = Line::new().with(word, Role::Title).text(page.title.clone());
    let mut clusters: Vec<&str> = page.members.list().iter().map(|m| &*m.cluster).collect();
    clusters.sort_unstable();
    clusters.dedup();
    line = line.dim(format!("  {}", clusters.join(" ")));
    let containers = page.streams.len();
    if containers > 1 {
        line = match page.members.list().iter().filter(|m| !m.gone).count() {
            0 | 1 => line.dim(format!("  {containers} containers")),
            pods => line.dim(format!("  {pods} pods, {containers} containers")),
        };
    }
    if let Some(chosen) = &page.chosen {
        line = line.with(format!("  only {chosen}"), Role::Accent);
    }
    line.dim(format!("  {}", page.span()))
}

/// Whether the end is followed, how many lines there are, what was lost of them, and how far behind
/// they are.
fn state(app: &App, page: &LogPage) -> Line {
    let ring = &page.ring;
    let mut line = match page.scroll.end {
        _ if page.run == LogRun::Previous => Line::new(),
        End::Follow => Line::new().with("following  ", Role::Accent),
        End::Stay => Line::new().with("standing still  ", Role::Warning),
    };
    line = if ring.search.is_empty() {
        line.dim(format!("{} lines", ring.len()))
    } else {
        let how = match ring.matches {
            Matches::Only => "",
            Matches::Marked => " marked",
        };
        line.with(
            format!(
                "{} of {} lines match{how} /{}",
                ring.matching(),
                ring.len(),
                ring.search.text()
            ),
            Role::Accent,
        )
    };
    if ring.dropped > 0 {
        line = line.with(format!("  {} older dropped", ring.dropped), Role::Warning);
    }
    if ring.cut > 0 {
        line = line.with(format!("  {} cut at 64 KiB", ring.cut), Role::Warning);
    }
    if page.run == LogRun::Follow {
        line.0.extend(lag(app, page).0);
    }
    if ring.escapes == Escapes::Visible {
        line = line.with("  bytes shown", Role::Accent);
    }
    let all = page.streams.len();
    let reading = page
        .streams
        .iter()
        .filter(|s| s.state == StreamState::Reading);
    let reading = reading.count();
    if all > 1 && reading < all {
        line = line.dim(format!("  {reading} of {all} are read"));
    }
    line
}

/// The worst lag of what is coming in; else how long nothing came.
fn lag(app: &App, page: &LogPage) -> Line {
    let behind = page.streams.iter().filter_map(|s| s.lag(app.now)).max();
    if let Some(behind) = behind {
        let role = if behind.as_secs() >= 5 {
            Role::Warning
        } else {
            Role::Dim
        };
        return Line::new().with(format!("  lag {}", units::latency(behind)), role);
    }
    let last = page
        .streams
        .iter()
        .filter_map(|s| s.received)
        .map(|at| at.stamp);
    match last.max() {
        Some(at) => {
            let quiet = app.now.stamp.since(at);
            if quiet.as_secs() < 2 {
                return Line::new();
            }
            Line::new().dim(format!("  quiet for {}", units::age(quiet)))
        }
        None => Line::new(),
    }
}

/// What hinders streams, the most frequent first; and that nothing can come at all.
fn troubles(app: &App, page: &LogPage) -> Vec<Line> {
    let mut kinds: Vec<(Line, usize)> = Vec::new();
    let mut add = |line: Line| match kinds.iter_mut().find(|(known, _)| *known == line) {
        Some((_, count)) => *count += 1,
        None => kinds.push((line, 1)),
    };
    for stream in &page.streams {
        if let Some(outage) = stream.outage() {
            let when = again(app, stream);
            add(parts::outage(outage).dim(when));
        } else if let StreamState::Waiting(reason) = &stream.state {
            add(Line::new().dim("waits: ").text(reason.to_string()));
        } else if stream.state == StreamState::TooMany {
            add(Line::new().with(
                "not read: more containers than are read at once; tab chooses one",
                Role::Warning,
            ));
        }
    }
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let mut lines: Vec<Line> = kinds
        .into_iter()
        .take(TROUBLES)
        .map(|(line, count)| {
            if count > 1 {
                let mut all = Line::new().dim(format!("{count} containers: "));
                all.0.extend(line.0);
                all
            } else {
                line
            }
        })
        .collect();
    if lines.is_empty() && page.ring.is_empty() {
        lines.push(nothing(page));
    }
    lines
}

/// Why no line is there.
fn nothing(page: &LogPage) -> Line {
    let said = match page.run {
        _ if page.streams.is_empty() => "there is no pod; one that comes is read",
        LogRun::Previous
            if page
                .streams
                .iter()
                .all(|s| matches!(s.state, StreamState::Ended(_))) =>
        {
            "no container was restarted: there is no log of a run before"
        }
        _ if page.streams.iter().any(|s| s.state == StreamState::Opening) => "asked",
        _ => "nothing was written in this time; 0 reads from the beginning",
    };
    Line::new().dim(said)
}

fn again(app: &App, stream: &Stream) -> String {
    match &stream.state {
        StreamState::Broken(_, at) => {
            let left = at.since(app.now.stamp);
            format!("  asked again in {}", units::age(left))
        }
        _ => "  ctrl-r asks again".to_owned(),
    }
}

/// Columns before each line: time and name, with the blanks behind them.
fn prefix(page: &LogPage) -> usize {
    let time = match page.times {
        Times::Hidden => 0,
        Times::Shown => TIME + 1,
    };
    let widths = page.streams.iter().map(|s| SafeText::new(&s.label).width());
    let name = widths.max().unwrap_or(0).min(NAME);
    time + if name > 0 { name + 1 } else { 0 }
}

fn draw_prefix(
    page: &LogPage,
    painter: &mut Painter,
    (x, y): (u16, u16),
    prefix: usize,
    kept: &Kept,
) {
    let mut x = x;
    let mut room = u16::try_from(prefix).unwrap_or(0);
    if page.times == Times::Shown {
        let text = match kept.at {
            Some(at) => at.strftime("%m-%d %H:%M:%S%.3f").to_string(),
            None => "-".into(),
        };
        let time = u16::try_from(TIME + 1).unwrap_or(0);
        painter.text(x, y, time - 1, &text.into(), Role::Dim);
        x += time;
        room = room.saturating_sub(time);
    }
    if let Writer::Stream(at) = kept.writer
        && let Some(stream) = page.streams.get(at as usize)
        && room > 1
    {
        let label = SafeText::new(&stream.label);
        // Of names too long the end is what tells them apart.
        let over = label.width().saturating_sub(usize::from(room - 1));
        let skipped = text::clip(label.as_str(), over).len();
        let shown = SafeText::new(&label.as_str()[skipped..]);
        painter.text(x, y, room - 1, &shown, SERIES[stream.member % SERIES.len()]);
    }
}

fn draw_line(
    page: &LogPage,
    painter: &mut Painter,
    (x, y): (u16, u16),
    prefix: usize,
    kept: &Kept,
    row: usize,
    view: View,
) {
    let mut x = x.saturating_add(u16::try_from(prefix).unwrap_or(u16::MAX));
    let escapes = page.ring.escapes;
    let runs = match page.scroll.fold {
        Fold::Wrap => sgr::row(&kept.bytes, escapes, row, view.columns),
        Fold::Cut => sgr::window(&kept.bytes, escapes, page.scroll.pan, view.columns),
    };
    let (left, mut room) = (x, u16::try_from(view.columns).unwrap_or(u16::MAX));
    let mut shown = String::new();
    for (run, look) in &runs {
        let used = match kept.writer {
            Writer::Midwatch => painter.text(x, y, room, run, Role::Accent),
            Writer::Stream(_) => painter.log_text(x, y, room, run, *look),
        };
        x += used;
        room = room.saturating_sub(used);
        shown.push_str(run.as_str());
    }
    mark(painter, (left, y), &shown, &page.ring.search.hits(&shown));
    if kept.cut > 0 && room > 0 && !runs.is_empty() {
        let said = SafeText::new(&format!(" (+{} bytes)", kept.cut));
        painter.text(x, y, room, &said, Role::Warning);
    }
}
