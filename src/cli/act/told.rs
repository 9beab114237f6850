//! What `midwatch act` says at its end, as text and as JSON, and the exit code that goes with it.

use super::{
    Act, ActionId, Came, Check, DONE, Duration, End, Found, Output, Plan, REFUSED, SHOWN, SafeText,
    UNKNOWN, UnderWay, Why, escape_json, json, units,
};

pub(super) fn code(came: &Came) -> u8 {
    match came {
        Came::Refused(refusal) if refusal.why == Why::Already => DONE,
        Came::Refused(_) | Came::Shown { stopped: true } => REFUSED,
        Came::Shown { stopped: false } => SHOWN,
        Came::Stopped { code, .. } => *code,
        Came::Sent { end, found, .. } => match (end, found) {
            (
                End::Accepted | End::AcceptedUnrecorded(_) | End::Unknown(_),
                Some(Found::InEffect),
            ) => DONE,
            (End::Accepted | End::AcceptedUnrecorded(_) | End::Unknown(_), _) => UNKNOWN,
            _ => REFUSED,
        },
    }
}

/// The answer on standard output.
pub(super) fn tell(flags: &Act, plan: Option<&Plan>, checks: &[Check], came: &Came) -> String {
    if flags.output == Output::Json {
        return json_of(plan, checks, came);
    }
    let mut text = String::new();
    let mut line = |words: &str| {
        text.push_str(SafeText::new(words).as_str());
        text.push('\n');
    };
    if let Some(plan) = plan
        && !matches!(came, Came::Sent { .. })
    {
        describe(plan, checks, &mut line);
    }
    match came {
        Came::Refused(refusal) if refusal.why == Why::Already => {
            line(&format!(
                "{}: nothing to do, nothing was sent",
                refusal.text
            ));
        }
        Came::Refused(refusal) => line(&format!("REFUSED: {refusal}; nothing was sent")),
        Came::Shown { stopped: true } => line("REFUSED by what is marked; nothing was sent"),
        Came::Shown { stopped: false } if flags.plan_only => line("nothing was sent"),
        Came::Shown { stopped: false } => {
            line("nothing was sent; add --yes and --reason TEXT to do it");
        }
        Came::Stopped { by, under_way, .. } => line(&stopped(by, *under_way)),
        Came::Sent {
            id,
            end,
            found,
            took,
        } => line(&ended(plan, *id, end, *found, *took)),
    }
    text
}

/// Ended from outside.
fn stopped(by: &str, under_way: UnderWay) -> String {
    match under_way {
        UnderWay::Nothing => format!("ended by {by}: nothing was sent"),
        UnderWay::Request => format!(
            "ended by {by}: UNKNOWN whether it was done; the console looks at its next start, and \
             midwatch audit show tells"
        ),
    }
}

fn describe(plan: &Plan, checks: &[Check], line: &mut impl FnMut(&str)) {
    line(&format!(
        "PLAN {}  level {}  cluster {}  plan {}",
        plan.title(),
        plan.action.level.number(),
        plan.target.cluster,
        plan.hash().short()
    ));
    for step in &plan.steps {
        line(&format!("STEP    {}: {}", step.title, step.call));
        match &step.undo {
            Some(undo) => line(&format!("UNDO    {undo}")),
            None => line("UNDO    none"),
        }
    }
    line(&format!(
        "THEN    done when the watch says that {}",
        plan.action.expects
    ));
    for words in plan.blast.lines() {
        line(&format!("BLAST   {words}"));
    }
    for check in checks.iter().filter(|check| check.id != "armed") {
        line(&format!(
            "{}  {}: {}",
            plan.mark(check),
            check.id,
            check.text
        ));
    }
}

fn ended(
    plan: Option<&Plan>,
    id: Option<ActionId>,
    end: &End,
    found: Option<Found>,
    took: Duration,
) -> String {
    let title = plan.map(Plan::title).unwrap_or_default();
    let id = id.map_or_else(|| "not recorded".to_owned(), |id| id.to_string());
    let took = units::latency(took);
    match (end, found) {
        (End::Accepted, Some(Found::InEffect)) => {
            format!("{title}: done and seen in {took} ({id})")
        }
        (End::Unknown(why), Some(Found::InEffect)) => {
            format!("{title}: the answer was lost ({why}), but it is in effect ({id})")
        }
        (End::AcceptedUnrecorded(why), found) => {
            let found = found.unwrap_or(Found::NotSeen).words();
            format!(
                "{title}: the server accepted it ({found} after {took}); the record of it could not \
                 be written: {why} ({id})"
            )
        }
        (End::Accepted, found) => {
            let found = found.unwrap_or(Found::NotSeen).words();
            format!("{title}: the server accepted it, but: {found} after {took} ({id})")
        }
        (End::Unknown(why), _) => format!("{title}: UNKNOWN whether it was done: {why} ({id})"),
        (End::Refused(why), _) => format!("{title}: REFUSED by the server: {why} ({id})"),
        (End::NotSent(why) | End::NotRecorded(why), _) => {
            format!("{title}: nothing was sent: {why} ({id})")
        }
        (End::Changed(changes), _) => {
            let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
            let changes = changes.join(", ");
            format!("{title}: nothing was sent, it changed meanwhile: {changes} ({id})")
        }
    }
}

fn json_of(plan: Option<&Plan>, checks: &[Check], came: &Came) -> String {
    let checks: Vec<_> = checks
        .iter()
        .filter(|check| check.id != "armed")
        .map(|check| json!({"guard": check.id, "verdict": check.verdict, "text": check.text}))
        .collect();
    let (state, refusal, sent) = match came {
        Came::Refused(refusal) if refusal.why == Why::Already => ("already", Some(refusal), None),
        Came::Refused(refusal) => ("refused", Some(refusal), None),
        Came::Shown { stopped: true } => ("refused", None, None),
        Came::Shown { stopped: false } => ("shown", None, None),
        Came::Stopped { by, under_way, .. } => {
            let sent = json!({"action": null, "found": null, "text": stopped(by, *under_way)});
            match under_way {
                UnderWay::Nothing => ("refused", None, Some(sent)),
                UnderWay::Request => ("unknown", None, Some(sent)),
            }
        }
        Came::Sent {
            id,
            end,
            found,
            took,
            ..
        } => {
            let text = ended(plan, *id, end, *found, *took);
            let sent = json!({"action": id, "found": found, "text": text});
            let state = match code(came) {
                DONE => "done",
                UNKNOWN => "unknown",
                _ => "refused",
            };
            (state, None, Some(sent))
        }
    };
    let refusal = refusal.map(|refusal| {
        json!({"why": refusal.why, "text": refusal.text, "hint": refusal.hint,
               "changes": refusal.changes})
    });
    let whole = json!({
        "state": state,
        "plan": plan,
        "hash": plan.map(Plan::hash),
        "guards": checks,
        "refusal": refusal,
        "sent": sent,
    });
    let pretty = serde_json::to_string_pretty(&whole).unwrap_or_default();
    escape_json(&pretty) + "\n"
}
