//! The frame: header band, tabs, body, hints. Takes `&App`, changes nothing, does no I/O.

mod body;
mod hints;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::App;
use crate::event::Drawn;
use crate::findings::Severity;
use crate::model::Freshness;
use crate::paint::{Line, Painter, Skin};
use crate::panes::{PANES, parts};
use crate::role::Role;
use crate::subject::SubjectKind;
use crate::text;
use crate::units;

/// The smallest screen on which a list can be read.
pub const LEAST: (u16, u16) = (60, 15);

/// Draws the whole screen; answers what was shown.
pub fn draw(app: &App, skin: Skin, buffer: &mut Buffer) -> Drawn {
    let area = *buffer.area();
    let mut painter = Painter { buffer, skin };
    painter.fill(area, Role::Background);
    if area.width < LEAST.0 || area.height < LEAST.1 {
        too_small(app, &mut painter, area);
        return Drawn::default();
    }
    if app.is_full_screen() {
        let body = Rect {
            height: area.height - 1,
            ..area
        };
        let drawn = body::draw(app, &mut painter, body);
        let last = Rect {
            y: area.bottom() - 1,
            height: 1,
            ..area
        };
        hints::draw(app, &mut painter, last);
        return drawn;
    }
    let line = |y: u16| Rect {
        y,
        height: 1,
        ..area
    };
    header(app, &mut painter, line(0));
    tabs(app, &mut painter, line(1));
    let rule_at = area.bottom() - 2;
    let drawn = body::draw(
        app,
        &mut painter,
        Rect {
            y: 2,
            height: rule_at - 2,
            ..area
        },
    );
    painter.rule(line(rule_at), &Line::new());
    hints::draw(app, &mut painter, line(area.bottom() - 1));
    drawn
}

/// Too small for a list still says what is worst.
fn too_small(app: &App, painter: &mut Painter, area: Rect) {
    let size = format!("{}x{}", area.width, area.height);
    let lines = [
        worst(app),
        Line::new().text(format!("screen is {size},")),
        Line::new().text(format!("midwatch needs {}x{}", LEAST.0, LEAST.1)),
    ];
    for (y, line) in (area.y..area.bottom()).zip(&lines) {
        painter.line(area.x, y, area.width, line);
    }
}

fn worst(app: &App) -> Line {
    match app.context().ledger.roots().first() {
        Some(entry) => {
            let role = crate::listing::severity_role(entry.effective);
            Line::new().with(
                format!("{} {}", entry.effective.word(), entry.finding.summary),
                role,
            )
        }
        None => Line::new().with("no findings", Role::Dim),
    }
}

/// Name, context band, counts per kind, clock.
fn header(app: &App, painter: &mut Painter, line: Rect) {
    painter.fill(line, Role::Header);
    let mut left = Line::new().with(" midwatch ", Role::Title);
    if !app.identity.context.is_empty() {
        let role = if app.identity.production {
            Role::Production
        } else {
            Role::Context
        };
        left = left
            .with(" ", Role::Header)
            .with(format!(" {} ", app.identity.context), role);
    }
    left = left.with(
        if line.width < 80 {
            "  "
        } else {
            "  read-only  "
        },
        Role::Header,
    );
    let mut counts: Vec<Count> = COUNTED
        .iter()
        .filter_map(|(kind, word)| count(app, *kind, word, line.width))
        .collect();
    let room = usize::from(line.width).saturating_sub(left.width() + 12);
    // Where not all fit, those with nothing wrong go first.
    while counts
        .iter()
        .map(|count| count.text.len() + 2)
        .sum::<usize>()
        > room
    {
        let Some(at) = counts.iter().rposition(|count| count.role == Role::Header) else {
            break;
        };
        counts.remove(at);
    }
    for count in counts {
        left = left.with(count.text, count.role).with("  ", Role::Header);
    }
    if !app.identity.tls_off.is_empty() {
        left = left.with(
            format!(" TLS-OFF {} ", app.identity.tls_off.len()),
            Role::Production,
        );
    }
    painter.line(line.x, line.y, line.width, &left);
    let clock = app.now.wall.strftime(" %H:%M:%SZ ").to_string();
    painter.line_right(
        line.right(),
        line.y,
        12,
        &Line::new().with(clock, Role::Header),
    );
}

/// Kinds that the header counts.
const COUNTED: [(SubjectKind, &str); 5] = [
    (SubjectKind::Host, "hosts"),
    (SubjectKind::Etcd, "etcd"),
    (SubjectKind::Prometheus, "prometheus"),
    (SubjectKind::Alertmanager, "alertmgr"),
    (SubjectKind::Sntp, "time"),
];

struct Count {
    text: String,
    role: Role,
}

/// `hosts 26/30!`: well of all, with a mark when one is not; nothing for a kind nobody watches.
fn count(app: &App, kind: SubjectKind, word: &str, width: u16) -> Option<Count> {
    let cx = app.context();
    let (mut all, mut well, mut worst) = (0, 0, None);
    for subject in cx.snap.model.subjects(kind) {
        all += 1;
        well += usize::from(!parts::is_problem(&cx, subject));
        worst = worst.max(cx.ledger.within(subject));
    }
    if all == 0 {
        return None;
    }
    let role = match worst {
        _ if well == all => Role::Header,
        Some(Severity::Critical) => Role::Critical,
        Some(Severity::Warning) => Role::Warning,
        _ => Role::Unknown,
    };
    let word = if width < 100 {
        text::clip(word, 4)
    } else {
        word
    };
    let mark = if well == all { "" } else { "!" };
    Some(Count {
        text: format!("{word} {well}/{all}{mark}"),
        role,
    })
}

/// Panes by digit on the left, freshness of the whole picture on the right.
fn tabs(app: &App, painter: &mut Painter, line: Rect) {
    let fresh = freshness(app, line.width < 100);
    let room = line
        .width
        .saturating_sub(u16::try_from(fresh.width()).unwrap_or(0) + 2);
    // Whole titles, short ones, or digits alone: whatever fits.
    let tabs = [usize::MAX, 4, 0]
        .into_iter()
        .map(|letters| titles(app.pane(), letters))
        .find(|tabs| tabs.width() <= usize::from(room))
        .unwrap_or_else(|| titles(app.pane(), 0));
    painter.line(line.x, line.y, room, &tabs);
    painter.line_right(line.right() - 1, line.y, line.width - room, &fresh);
}

/// The panes by digit, each title cut to so many letters; the open one is whole.
fn titles(open: usize, letters: usize) -> Line {
    let mut tabs = Line::new().text(" ");
    for (at, pane) in PANES.iter().enumerate() {
        let title = pane.listing.title();
        let (key, role, shown) = if at == open {
            (Role::Title, Role::Title, title)
        } else {
            (Role::Key, Role::Dim, text::clip(title, letters))
        };
        tabs = tabs.with((at + 1).to_string(), key);
        if !shown.is_empty() {
            tabs = tabs.text(" ").with(shown, role);
        }
        tabs = tabs.text(if letters > 4 { "  " } else { " " });
    }
    tabs
}

/// How many feeds are fresh, and the worst age with its owner.
fn freshness(app: &App, short: bool) -> Line {
    let cx = app.context();
    let now = cx.snap.now.stamp;
    let feeds = cx.snap.model.feeds();
    let fresh = feeds
        .iter()
        .filter(|feed| feed.freshness(now).is_usable() && feed.outage.is_none())
        .count();
    let mut line = Line::new();
    if app.frozen().is_some() {
        line = line.with(
            app.frozen().map_or_else(String::new, |at| {
                at.wall.strftime("FROZEN %H:%M:%SZ  ").to_string()
            }),
            Role::Accent,
        );
    }
    let role = if fresh == feeds.len() {
        Role::Dim
    } else {
        Role::StateStale
    };
    line = line.with(format!("{fresh}/{} fresh", feeds.len()), role);
    let oldest = feeds
        .iter()
        .map(|feed| (feed.last_ok.map(|ok| now.since(ok.stamp)), feed))
        .max_by_key(|(age, feed)| (feed.freshness(now), age.is_none(), *age));
    let Some((age, feed)) = oldest else {
        return line;
    };
    let state = feed.freshness(now);
    let age = age.map_or("never".into(), units::age);
    let word = if state == Freshness::Fresh {
        String::new()
    } else {
        format!("{} ", state.word())
    };
    let owner = if short {
        String::new()
    } else {
        format!(" {}", feed.subject())
    };
    line.with(
        format!("  oldest {word}{age}{owner}"),
        parts::freshness_role(state),
    )
}
