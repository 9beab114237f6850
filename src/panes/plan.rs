//! The page of a plan: what would be done, what it touches, what speaks against it, and after the
//! answer what became of it. Also the page that asks whether to arm.

use std::time::Duration;

use super::Block;
use crate::actions::errand::End;
use crate::actions::guard::{Check, Verdict};
use crate::actions::plan::Plan;
use crate::actions::record::{Ended, Kind, Record};
use crate::actions::refusal::Why;
use crate::actions::{ACTIONS, call, live};
use crate::app::App;
use crate::app::acting::{Proposal, State};
use crate::event::Drawn;
use crate::intent::Intent;
use crate::paint::Line;
use crate::role::Role;
use crate::units;

/// The role of a guard's mark.
fn role(verdict: Verdict) -> Role {
    match verdict {
        Verdict::Ok => Role::StateOk,
        Verdict::Warn => Role::Warning,
        Verdict::Stop | Verdict::Fail => Role::Critical,
        Verdict::Asked => Role::Dim,
    }
}

fn title(line: Line) -> Block {
    Block::Title(line)
}

fn row(label: &str, line: Line) -> Block {
    let mut whole = Line::new().dim(format!("{label:<8} "));
    whole.0.extend(line.0);
    Block::Line(whole)
}

/// The open plan.
#[must_use]
pub fn page(app: &App) -> Vec<Block> {
    let Some(open) = app.acting().proposal() else {
        return vec![Block::Line(Line::new().dim("no plan is open"))];
    };
    let mut blocks = Vec::new();
    match open.plan() {
        Some(plan) => {
            blocks.push(heading(app, open, plan));
            blocks.extend(steps(plan));
            blocks.push(row("THEN", Line::new().text(then(plan))));
            blocks.extend(blast(plan));
            blocks.push(reason(open, plan));
        }
        None => blocks.push(title(Line::new().with(
            format!("PLAN {} {}", open.action.id, open.subject),
            Role::Title,
        ))),
    }
    let sent = matches!(open.state, State::Sent(_));
    if let Some(why) = open.remade.as_ref().filter(|_| !sent) {
        blocks.push(row("ANEW", Line::new().with(why.clone(), Role::Warning)));
    }
    blocks.extend(verdict(app, open));
    blocks
}

fn heading(app: &App, open: &Proposal, plan: &Plan) -> Block {
    let left = plan.left(app.now.stamp);
    let mut line = Line::new()
        .with(format!("PLAN {}", plan.title()), Role::Title)
        .text(format!("  LEVEL {}", plan.action.level.number()))
        .dim(format!("  cluster {}", plan.target.cluster));
    if matches!(open.state, State::Ready(_)) {
        line = line.dim(format!("  plan {}", plan.hash().short()));
        line = if left == Duration::ZERO {
            line.with("  too old", Role::Warning)
        } else {
            line.dim(format!("  valid {}", units::age(left)))
        };
    }
    if let Some(id) = plan.undoes {
        line = line.dim(format!("  undoes {id}"));
    }
    title(line)
}

fn steps(plan: &Plan) -> Vec<Block> {
    let mut blocks = Vec::new();
    for (nth, step) in plan.steps.iter().enumerate() {
        let line = Line::new()
            .text(format!("{}  ", step.title))
            .dim(step.call.spaced());
        blocks.push(row(&format!("STEP {}", nth + 1), line));
        let undo = match (&step.undo, plan.action.undone_by) {
            (Some(call), Some(verb)) => Line::new()
                .text(format!("undo: {verb}  "))
                .dim(call::spaced(call.body.get("spec").unwrap_or(&call.body))),
            (Some(call), None) => Line::new().text("undo: ").dim(call.spaced()),
            (None, _) => Line::new().with("no undo", Role::Warning),
        };
        blocks.push(row("", undo));
    }
    blocks
}

fn then(plan: &Plan) -> String {
    let patience = units::span(crate::app::acting::PATIENCE);
    format!(
        "done when the watch says {}, within {patience}",
        plan.action.expects
    )
}

fn blast(plan: &Plan) -> Vec<Block> {
    let lines = plan.blast.lines();
    let labelled = lines.iter().enumerate().map(|(nth, text)| {
        let label = if nth == 0 { "BLAST" } else { "" };
        let role = if text.starts_with("? ") {
            Role::Unknown
        } else {
            Role::Text
        };
        row(label, Line::new().with(text.clone(), role))
    });
    labelled.collect()
}

fn reason(open: &Proposal, plan: &Plan) -> Block {
    let line = match open.reason() {
        "" if plan.overridden => {
            Line::new().with("-   an override needs one: r gives it", Role::Warning)
        }
        "" => Line::new().dim("-   r gives one"),
        given => Line::new().text(given.to_owned()),
    };
    row("REASON", line)
}

/// Guards while it waits, the refusal where there is one, records once it is under way.
fn verdict(app: &App, open: &Proposal) -> Vec<Block> {
    match &open.state {
        State::Refused(refusal) => {
            let nothing = refusal.why == Why::Already;
            let (word, role) = if nothing {
                ("NOTHING TO DO", Role::Accent)
            } else {
                ("REFUSED", Role::Critical)
            };
            let mut blocks = vec![title(Line::new().with(word, role))];
            let mut text = refusal.text.clone();
            if let Some(since) = open.plan().and_then(|plan| already(app, plan)) {
                text.push_str(&format!(", {since}"));
            }
            let line = Line::new().text(format!("{text}, nothing was sent"));
            blocks.push(Block::Line(line));
            blocks.push(Block::Line(Line::new().dim(refusal.hint.clone())));
            blocks
        }
        State::Asking(plan) | State::Ready(plan) => guards(app, plan),
        State::Sent(_) => progress(app, open),
    }
}

/// Who made it so, and when.
fn already(app: &App, plan: &Plan) -> Option<String> {
    let object = plan.live.as_ref()?.object.as_ref().ok()?;
    live::since(object, plan.action.field, app.now.wall)
}

/// What all guards together come to.
fn sum(plan: &Plan, checks: &[Check]) -> Line {
    let overridden = checks.iter().filter(|check| plan.overrides(check)).count();
    let stops = checks
        .iter()
        .filter(|check| matches!(check.verdict, Verdict::Fail | Verdict::Stop))
        .count()
        - overridden;
    let asked = checks.iter().any(|check| check.verdict == Verdict::Asked);
    let locked = checks
        .iter()
        .any(|check| check.id == "armed" && check.verdict == Verdict::Fail);
    let guards = Line::new().with("GUARDS", Role::Title);
    match (stops, overridden) {
        (1, _) if locked => guards.with("  read-only: nothing is sent", Role::Warning),
        (0, _) if asked => guards.dim("  not all have answered"),
        (0, 0) => guards.dim("  nothing speaks against it that stops it"),
        (0, n) => Line::new().with(
            format!("{} OVERRIDDEN: {}", units::counted(n, "guard"), plan.reason),
            Role::Warning,
        ),
        (n, _) => Line::new().with(
            format!(
                "REFUSED by {}, nothing was sent",
                units::counted(n, "guard")
            ),
            Role::Critical,
        ),
    }
}

fn guards(app: &App, plan: &Plan) -> Vec<Block> {
    let checks = app.checks();
    let mut blocks = vec![title(sum(plan, &checks))];
    let lines: Vec<Block> = checks
        .iter()
        .map(|check| Block::Line(guard(app, plan, check)))
        .collect();
    // Two beside each other where both are short.
    let mut rest = lines.into_iter().peekable();
    while let Some(line) = rest.next() {
        let short = |block: &Block| matches!(block, Block::Line(line) if line.width() <= 56);
        if short(&line)
            && let Some(next) = rest.next_if(short)
        {
            blocks.push(Block::Beside(Box::new(line), Box::new(next)));
        } else {
            blocks.push(line);
        }
    }
    blocks
}

fn guard(app: &App, plan: &Plan, check: &Check) -> Line {
    let age = app.now.stamp.since(check.at);
    let role = if plan.overrides(check) {
        Role::Warning
    } else {
        role(check.verdict)
    };
    let line = Line::new()
        .with(plan.mark(check), role)
        .text(format!(" {}", check.text));
    if age >= Duration::from_secs(1) {
        line.dim(format!("  {}", units::age(age)))
    } else {
        line
    }
}

fn progress(app: &App, open: &Proposal) -> Vec<Block> {
    let act = open.id.and_then(|id| app.acting().trail.act(id));
    let mut heading = Line::new().with("UNDER WAY", Role::Title);
    if let Some(act) = act {
        heading = Line::new()
            .with(act.id.to_string(), Role::Title)
            .text(format!("  {}", act.standing().words()));
    }
    if let Some(end) = &open.end {
        heading = Line::new().with(end_words(end), Role::Warning);
    }
    let mut blocks = vec![title(heading)];
    if let Some(act) = act {
        blocks.extend(records(std::iter::once(&act.intent).chain(&act.later)));
    } else if open.end.is_none() {
        blocks.push(Block::Line(Line::new().dim("writing it down")));
    }
    if let Some(flight) = app.acting().flight() {
        let words = match flight.awaited {
            Some(until) => format!(
                "waiting for the watch to say so, {} more",
                units::age(until.since(app.now.stamp))
            ),
            None => "at work".to_owned(),
        };
        blocks.push(Block::Line(Line::new().dim(words)));
    } else if act.is_some_and(|act| act.standing().took()) {
        let line = Line::new()
            .dim("press ")
            .with(app.key_for(Intent::Undo), Role::Key)
            .dim(" to take it back");
        blocks.push(Block::Line(line));
    }
    blocks
}

fn end_words(end: &End) -> String {
    match end {
        End::Accepted => "accepted".to_owned(),
        End::AcceptedUnrecorded(why) => format!("accepted, and NOT RECORDED: {why}"),
        End::Refused(why) => format!("REFUSED BY THE SERVER: {why}"),
        End::Unknown(why) => format!("UNKNOWN: {why}"),
        End::NotSent(why) | End::NotRecorded(why) => format!("NOTHING WAS SENT: {why}"),
        End::Changed(_) => "NOTHING WAS SENT: it is not as the plan had it".to_owned(),
    }
}

/// Records, a line each.
pub fn records<'a>(records: impl Iterator<Item = &'a Record>) -> Vec<Block> {
    let lines = records.map(|record| {
        let line = Line::new()
            .dim(record.at.strftime("%H:%M:%SZ ").to_string())
            .text(format!("{:<9} ", record.entry.kind.word()));
        let (words, role) = record_words(record);
        Block::Line(line.with(words, role).dim(format!("  #{}", record.seq)))
    });
    lines.collect()
}

fn record_words(record: &Record) -> (String, Role) {
    let entry = &record.entry;
    let note = entry.note.clone().unwrap_or_default();
    match entry.kind {
        Kind::Intent => ("on disk, before anything is sent".to_owned(), Role::Text),
        Kind::Attempt => {
            let calls = entry
                .calls
                .iter()
                .map(|call| format!("{} {}", call.method, call.path));
            (calls.collect::<Vec<_>>().join(", "), Role::Text)
        }
        Kind::Result => match &entry.outcome {
            Some(outcome) => {
                let (mut words, role) = match outcome.ended {
                    Ended::Accepted => ("accepted".to_owned(), Role::Text),
                    Ended::Refused => (format!("refused: {}", outcome.message), Role::Critical),
                    Ended::Unknown => (format!("UNKNOWN: {}", outcome.message), Role::Unknown),
                    Ended::NotSent => (format!("not sent: {}", outcome.message), Role::Warning),
                };
                if let Some(code) = outcome.code {
                    words.push_str(&format!(" ({code})"));
                }
                if let Some(request) = &outcome.request {
                    words.push_str(&format!(", request {request}"));
                }
                for warning in &outcome.warnings {
                    words.push_str(&format!("; the server warns: {warning}"));
                }
                (words, role)
            }
            None => (note, Role::Text),
        },
        Kind::Observed | Kind::Resolved => match entry.found {
            Some(found) => {
                use crate::actions::record::Found;
                let role = if found == Found::InEffect {
                    Role::StateOk
                } else {
                    Role::Warning
                };
                (found.words().to_owned(), role)
            }
            None => (note, Role::Text),
        },
        Kind::Refused => (note, Role::Warning),
        Kind::Armed | Kind::Disarmed | Kind::Repaired => (note, Role::Text),
    }
}

/// Whether to arm.
#[must_use]
pub fn arm_page(app: &App) -> Vec<Block> {
    let Some(page) = app.acting().arming() else {
        return Vec::new();
    };
    let heading = Line::new()
        .with(format!("ARM for {}", page.cluster), Role::Title)
        .text(format!("  {}", units::span(page.time)));
    let mut blocks = vec![title(heading)];
    let who = match &page.who {
        None => Line::new().dim("asking the API server"),
        Some(Ok(who)) => Line::new()
            .text(who.user.clone())
            .dim(format!("  groups {}", who.groups.join(", "))),
        Some(Err(outage)) => Line::new().with(format!("not told: {outage}"), Role::Unknown),
    };
    blocks.push(row("AS", who));
    for (nth, action) in ACTIONS.iter().enumerate() {
        let told = page.may.iter().find(|(id, _)| *id == action.id);
        let (mark, words, role) = match told.map(|(_, may)| may) {
            None => ("?", "not known yet".to_owned(), Role::Dim),
            Some(Ok(may)) if may.allowed => ("yes", String::new(), Role::StateOk),
            Some(Ok(may)) => ("no", may.reason.clone(), Role::Warning),
            Some(Err(outage)) => ("?", outage.to_string(), Role::Unknown),
        };
        let line = Line::new()
            .text(format!("{:<10} ", action.id))
            .with(mark, role)
            .dim(format!("  {words}"));
        blocks.push(row(if nth == 0 { "MAY" } else { "" }, line));
    }
    let ends = "Armed, an action can be done: each is planned, shown and confirmed by itself. It ends \
                with the time, after 5 minutes without a key, on suspend, when another cluster is \
                chosen, when the API server is silent for 30 s, or with ";
    let ends = format!("{ends}{}.", app.key_for(Intent::Arm));
    blocks.push(row("ENDS", Line::new().text(ends)));
    blocks.push(row(
        "KEYS",
        Line::new()
            .with("y", Role::Key)
            .dim(" arm   ")
            .with("1", Role::Key)
            .dim(" 10m   ")
            .with("3", Role::Key)
            .dim(" 30m   ")
            .with("6", Role::Key)
            .dim(" 1h   ")
            .with("Esc", Role::Key)
            .dim(" stay read-only"),
    ));
    blocks
}

/// What the page of a plan can be answered with, for the hint line below a frame of it.
#[must_use]
pub fn answers(app: &App, drawn: &Drawn) -> Line {
    let Some(open) = app.acting().proposal() else {
        return Line::new();
    };
    let line = match &open.state {
        State::Ready(plan) => {
            let line = if drawn.scroll_max > 0 && !open.was_read() {
                read_on(app)
            } else {
                answer(app, plan)
            };
            key(line, "r", "reason")
        }
        State::Asking(_) => Line::new().dim("asking the API server   "),
        State::Sent(_) if app.acting().flight().is_none() => {
            key(Line::new(), &app.key_for(Intent::Undo), "take it back")
        }
        State::Sent(_) | State::Refused(_) => Line::new(),
    };
    key(line, "Esc", "back")
}

fn key(line: Line, key: &str, word: &str) -> Line {
    line.with(key.to_owned(), Role::Key)
        .dim(format!(" {word}   "))
}

/// Nothing is answered before all of it was on the screen.
fn read_on(app: &App) -> Line {
    key(
        Line::new(),
        &app.key_for(Intent::MoveDown),
        "reads on; answered when all of it was read",
    )
}

/// The answer that would do it, or what stands in its way.
fn answer(app: &App, plan: &Plan) -> Line {
    let checks = app.checks();
    let armed = checks.iter().find(|check| check.id == "armed");
    let stops = checks.iter().find(|check| match check.verdict {
        Verdict::Fail | Verdict::Asked => true,
        Verdict::Stop => !plan.overrides(check),
        Verdict::Ok | Verdict::Warn => false,
    });
    let overridden = checks.iter().filter(|check| plan.overrides(check)).count();
    let line = Line::new();
    match (armed, stops) {
        (Some(armed), _) if armed.verdict == Verdict::Fail => line
            .with(format!("{}: ", armed.text), Role::Warning)
            .with(app.key_for(Intent::Arm), Role::Key)
            .dim(" or :arm 10m   "),
        (_, None) if overridden > 0 => {
            let title = plan.title();
            key(line, "y", &format!("{title} (overrides {overridden})"))
        }
        (_, None) => key(line, "y", &plan.title()),
        (_, Some(stop)) if stop.verdict == Verdict::Stop => line
            .with("stopped: ", Role::Warning)
            .dim(":override REASON   "),
        (_, Some(_)) => line.with("y does nothing: a guard says no   ", Role::Warning),
    }
}
