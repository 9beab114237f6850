//! The frame: header band, tabs, body, hints. Takes `&App`, changes nothing, does no I/O.

mod body;
mod hints;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::App;
use crate::app::small::LEAST;
use crate::event::Drawn;
use crate::findings::Severity;
use crate::model::Freshness;
use crate::objects::ObjectKind;
use crate::paint::{Line, Painter, Skin};
use crate::panes::{PANES, clusters, parts};
use crate::role::Role;
use crate::subject::SubjectKind;
use crate::text;
use crate::units;

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
        // Without a header the state of the lock stands at the end of the last line.
        let lock = lock(app, area.width);
        let wide = u16::try_from(lock.width()).unwrap_or(area.width);
        let last = Rect {
            y: area.bottom() - 1,
            height: 1,
            width: area.width.saturating_sub(wide + 1),
            ..area
        };
        hints::draw(app, &mut painter, last, &drawn);
        painter.line_right(area.right(), last.y, wide, &lock);
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
    painter.rule(line(rule_at), &more(&drawn));
    hints::draw(app, &mut painter, line(area.bottom() - 1), &drawn);
    drawn
}

/// That a page goes on below the screen.
fn more(drawn: &Drawn) -> Line {
    match drawn.scroll_max.saturating_sub(drawn.offset) {
        0 => Line::new(),
        below => Line::new().dim(format!("{} more below", units::counted(below, "line"))),
    }
}

/// Too small for a list still says what is worst, and first of all that it is armed.
fn too_small(app: &App, painter: &mut Painter, area: Rect) {
    let size = format!("{}x{}", area.width, area.height);
    let mut lines = vec![
        worst(app),
        Line::new().text(format!("screen is {size},")),
        Line::new().text(format!("midwatch needs {}x{}", LEAST.0, LEAST.1)),
    ];
    let at = match app.acting().armed() {
        Some(_) => 0,
        None => lines.len(),
    };
    lines.insert(at, lock(app, area.width));
    let notice = app
        .notice()
        .map(|text| Line::new().with(text, Role::Accent));
    lines.extend(notice);
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

/// Name, context band, lock, counts per kind, clock.
fn header(app: &App, painter: &mut Painter, line: Rect) {
    painter.fill(line, Role::Header);
    let mut left = Line::new().with(" midwatch ", Role::Title);
    let power = power(app, line.width);
    if !app.identity.context.is_empty() {
        let role = if app.identity.production {
            Role::Production
        } else {
            Role::Context
        };
        // Whatever it is called, the lock is not pushed out.
        let taken = left.width() + power.width() + usize::from(CLOCK) + 3;
        let room = usize::from(line.width).saturating_sub(taken);
        let context = text::clip(&app.identity.context, room);
        left = left
            .with(" ", Role::Header)
            .with(format!(" {context} "), role);
    }
    left.0.extend(power.0);
    let mut counts: Vec<Count> = COUNTED
        .iter()
        .filter_map(|(kind, word)| match ObjectKind::of_subject(*kind) {
            Some(kind) => count_objects(app, kind, word, line.width),
            None => count(app, *kind, word, line.width),
        })
        .collect();
    let room = usize::from(line.width).saturating_sub(left.width() + usize::from(CLOCK));
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
        CLOCK,
        &Line::new().with(clock, Role::Header),
    );
}

/// Columns of the clock.
const CLOCK: u16 = 12;

/// The lock, and whether what is done can be recorded.
fn power(app: &App, width: u16) -> Line {
    let mut line = Line::new().with("  ", Role::Header);
    line.0.extend(lock(app, width).0);
    line = line.with("  ", Role::Header);
    let trail = &app.acting().trail;
    let banner = match (&trail.damage, &trail.trouble) {
        (Some(_), _) => " AUDIT DAMAGED ",
        (None, Some(_)) => " NO AUDIT ",
        (None, None) => return line,
    };
    line.with(banner, Role::Production).with("  ", Role::Header)
}

/// Whether anything can be changed, for how long, where and by whom. On every screen of any size.
fn lock(app: &App, width: u16) -> Line {
    let acting = app.acting();
    let Some(armed) = acting.armed() else {
        return Line::new().with("read-only", Role::Header);
    };
    let left = armed.left(app.now.stamp).as_secs();
    let who = match acting.who(armed.cluster()) {
        Some(who) if width >= 120 => format!(" as {}", who.user),
        _ => String::new(),
    };
    // However long its name, the time is told.
    let cluster = text::clip(armed.cluster(), usize::from(width / 3));
    let text = format!(" ARMED {cluster}{who} {:02}:{:02} ", left / 60, left % 60);
    Line::new().with(text, Role::Production)
}

/// Kinds that the header counts.
const COUNTED: [(SubjectKind, &str); 8] = [
    (SubjectKind::Cluster, "clusters"),
    (SubjectKind::Node, "nodes"),
    (SubjectKind::Pod, "pods"),
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
        // What is wrong with its objects is counted with them.
        let (bad, found) = if kind == SubjectKind::Cluster {
            (clusters::is_problem(&cx, subject), cx.ledger.on(subject))
        } else {
            (parts::is_problem(&cx, subject), cx.ledger.within(subject))
        };
        well += usize::from(!bad);
        worst = worst.max(found);
    }
    if all == 0 {
        return None;
    }
    let role = count_role(well == all, worst);
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

fn count_role(all_well: bool, worst: Option<Severity>) -> Role {
    match worst {
        _ if all_well => Role::Header,
        Some(Severity::Critical) => Role::Critical,
        Some(Severity::Warning) => Role::Warning,
        _ => Role::Unknown,
    }
}

/// `pods 480/482!`: those that nothing was found on, of all; `?` while they are not freshly known.
/// Too many to be looked at one by one for a frame.
fn count_objects(app: &App, kind: ObjectKind, word: &str, width: u16) -> Option<Count> {
    let cx = app.context();
    let objects = cx.snap.model.objects();
    let watched = || {
        let clusters = objects.clusters();
        clusters.filter(move |cluster| cluster.feeds(kind).next().is_some())
    };
    watched().next()?;
    let known = watched().all(|cluster| {
        let age = cx.snap.age_of_kind(cluster.name(), kind);
        cluster.is_synced(kind) && age.is_some_and(|(_, freshness)| freshness.is_usable())
    });
    let all = objects.count(kind);
    let (bad, worst) = match cx.ledger.troubled(kind.subject_kind()) {
        Some((bad, worst)) => (bad.min(all), Some(worst)),
        None => (0, None),
    };
    let word = if width < 100 {
        text::clip(word, 4)
    } else {
        word
    };
    let (text, role) = if known {
        let mark = if bad == 0 { "" } else { "!" };
        let text = format!("{word} {}/{all}{mark}", all - bad);
        (text, count_role(bad == 0, worst))
    } else {
        (format!("{word} ?/{all}"), Role::Unknown)
    };
    Some(Count { text, role })
}

/// Panes by digit on the left, freshness of the whole picture on the right.
fn tabs(app: &App, painter: &mut Painter, line: Rect) {
    // Whole titles, shorter ones, or digits alone, beside as much of the freshness as fits.
    let (tabs, fresh) = [
        (usize::MAX, Said::Whole),
        (usize::MAX, Said::Oldest),
        (5, Said::Oldest),
        (4, Said::Oldest),
        (4, Said::Count),
    ]
    .into_iter()
    .map(|(letters, said)| (titles(app, letters), freshness(app, said)))
    .find(|(tabs, fresh)| tabs.width() + fresh.width() + 2 <= usize::from(line.width))
    .unwrap_or_else(|| (titles(app, 0), freshness(app, Said::Count)));
    let wide = u16::try_from(fresh.width()).unwrap_or(line.width);
    let room = line.width.saturating_sub(wide + 2);
    painter.line(line.x, line.y, room, &tabs);
    painter.line_right(line.right() - 1, line.y, line.width - room, &fresh);
}

/// Panes that a digit opens.
const DIGITS: usize = 9;

/// The panes by digit, each title cut to so many letters; the open one is whole, and the only one
/// shown of those without a digit.
fn titles(app: &App, letters: usize) -> Line {
    let mut tabs = Line::new();
    for (at, pane) in PANES.iter().enumerate() {
        let title = pane.listing.title();
        let open = at == app.pane();
        if at >= DIGITS && !open {
            continue;
        }
        let (key, role, shown) = if open {
            (Role::Title, Role::Title, title)
        } else {
            (Role::Key, Role::Dim, text::clip(title, letters))
        };
        tabs = tabs.text(" ");
        if at < DIGITS {
            tabs = tabs.with((at + 1).to_string(), key);
        }
        if !shown.is_empty() {
            tabs = tabs.text(" ").with(shown, role);
        }
    }
    tabs
}

/// How much is told of the freshness of all feeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Count,
    /// And the age of the oldest.
    Oldest,
    /// And whose that is.
    Whole,
}

/// How many feeds are fresh, and the worst age with its owner.
fn freshness(app: &App, said: Said) -> Line {
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
    if said == Said::Count {
        return line;
    }
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
    let owner = match said {
        Said::Whole => format!(" {}", feed.subject()),
        _ => String::new(),
    };
    line.with(
        format!("  oldest {word}{age}{owner}"),
        parts::freshness_role(state),
    )
}
