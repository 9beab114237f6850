//! A cron job's schedule as the controller manager reads it: five fields with names, ranges and steps,
//! or `@daily` and its like. The arithmetic is `cronexpr`'s; here is what differs between the two.

use cronexpr::{Crontab, FallbackTimezoneOption, MakeTimestamp, ParseOptions};
use jiff::{SignedDuration, Timestamp};

pub(super) struct Schedule {
    when: When,
    names_its_zone: bool,
}

enum When {
    Fields(Box<Crontab>),
    /// `@every 1h30m`: counted from whenever it began.
    Every(SignedDuration),
}

impl Schedule {
    /// `None` for what cannot be read.
    pub fn read(text: &str, zone: Option<&str>) -> Option<Self> {
        let (own, rest) = own_zone(text.trim());
        let names_its_zone = own.is_some();
        let when = if let Some(span) = rest.strip_prefix("@every ") {
            let span: SignedDuration = span.trim().parse().ok()?;
            When::Every(span.is_positive().then_some(span)?)
        } else {
            let mut options = ParseOptions::default();
            options.fallback_timezone_option = FallbackTimezoneOption::UTC;
            let zone = zone.or(own).unwrap_or("UTC");
            let text = format!("{} {zone}", fields(rest)?);
            When::Fields(Box::new(cronexpr::parse_crontab_with(&text, options).ok()?))
        };
        Some(Self {
            when,
            names_its_zone,
        })
    }

    /// `TZ=Asia/Tokyo` within the schedule, as old clusters allow.
    pub fn names_its_zone(&self) -> bool {
        self.names_its_zone
    }

    /// Is this one of its minutes?
    pub fn matches(&self, at: Timestamp) -> bool {
        match &self.when {
            When::Fields(fields) => fields.matches(MakeTimestamp(at)).unwrap_or(false),
            When::Every(_) => true,
        }
    }

    /// The first time after `last`; `None` for a date that never comes.
    pub fn next(&self, last: Timestamp) -> Option<Timestamp> {
        match &self.when {
            When::Fields(fields) => {
                let next = fields.find_next(MakeTimestamp(last)).ok()?;
                Some(next.timestamp())
            }
            When::Every(span) => last.checked_add(*span).ok(),
        }
    }
}

/// The time zone that a schedule begins with, and what is left of it.
fn own_zone(text: &str) -> (Option<&str>, &str) {
    let zoned = ["TZ=", "CRON_TZ="]
        .iter()
        .find_map(|key| text.strip_prefix(key));
    match zoned.and_then(|rest| rest.split_once(' ')) {
        Some((zone, rest)) => (Some(zone), rest.trim_start()),
        None => (None, text),
    }
}

/// Five fields, with what the controller manager's reader understands otherwise written out.
fn fields(text: &str) -> Option<String> {
    let text = match text {
        "@yearly" | "@annually" => "0 0 1 1 *",
        "@monthly" => "0 0 1 * *",
        "@weekly" => "0 0 * * 0",
        "@daily" | "@midnight" => "0 0 * * *",
        "@hourly" => "0 * * * *",
        fields => fields,
    };
    let fields: Vec<&str> = text.split_ascii_whitespace().collect();
    let [minute, hour, day, month, weekday] = fields[..] else {
        return None;
    };
    // A day field with a step counts there as a choice of days, so that either of both fields is
    // enough; with its asterisk it would be read as any day.
    Some(format!(
        "{minute} {hour} {} {month} {}",
        stepped(day, "1-31"),
        stepped(weekday, "0-6")
    ))
}

fn stepped(field: &str, all: &str) -> String {
    let field = field.replace('?', "*");
    match field.strip_prefix("*/") {
        Some(step) if step != "1" => format!("{all}/{step}"),
        _ => field,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(text: &str, zone: Option<&str>, after: &str) -> Option<String> {
        let schedule = Schedule::read(text, zone)?;
        Some(schedule.next(after.parse().unwrap())?.to_string())
    }

    fn after_one(text: &str) -> Option<String> {
        // A Saturday.
        next(text, None, "2026-11-21T01:00:00Z")
    }

    #[test]
    fn fields_names_ranges_steps_and_short_forms_are_read() {
        let cases = [
            ("*/15 * * * *", "2026-11-21T01:15:00Z"),
            ("30 2 * * mon-fri", "2026-11-23T02:30:00Z"),
            ("0 0 1 JAN,jul *", "2027-01-01T00:00:00Z"),
            ("5 4 * * 7", "2026-11-22T04:05:00Z"),
            ("@hourly", "2026-11-21T02:00:00Z"),
            ("@weekly", "2026-11-22T00:00:00Z"),
            ("@every 1h30m", "2026-11-21T02:30:00Z"),
            ("0 12 ? * 3", "2026-11-25T12:00:00Z"),
        ];
        for (text, expected) in cases {
            assert_eq!(after_one(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn either_of_two_chosen_day_fields_is_enough() {
        assert_eq!(
            after_one("0 0 25 * 0").as_deref(),
            Some("2026-11-22T00:00:00Z")
        );
        assert_eq!(
            after_one("0 0 22 * 3").as_deref(),
            Some("2026-11-22T00:00:00Z")
        );
        // Every second day or a Monday: the 23rd is both, the 25th a choice of days only.
        assert_eq!(
            next("0 0 */2 * 1", None, "2026-11-23T01:00:00Z").as_deref(),
            Some("2026-11-25T00:00:00Z")
        );
    }

    #[test]
    fn a_zone_comes_from_the_job_or_from_the_schedule() {
        let tokyo = Some("2026-11-21T15:00:00Z".to_owned());
        let at = "2026-11-21T01:00:00Z";
        assert_eq!(next("0 0 * * *", Some("Asia/Tokyo"), at), tokyo);
        assert_eq!(next("CRON_TZ=Asia/Tokyo 0 0 * * *", None, at), tokyo);
        let own = Schedule::read("TZ=Asia/Tokyo 0 0 * * *", None).unwrap();
        assert!(own.names_its_zone());
    }

    #[test]
    fn an_hour_that_summer_time_leaves_out_has_no_run() {
        let after = next("30 2 * * *", Some("Europe/Kyiv"), "2026-03-28T23:00:00Z");
        // 03:30 of the 29th does not exist there either: clocks go from three to four.
        assert_eq!(after.as_deref(), Some("2026-03-29T00:30:00Z"));
        let gap = next("30 3 * * *", Some("Europe/Kyiv"), "2026-03-28T23:00:00Z");
        assert_eq!(gap.as_deref(), Some("2026-03-30T00:30:00Z"));
    }

    #[test]
    fn what_cannot_be_read_is_nothing() {
        for text in [
            "",
            "@reboot",
            "61 * * * *",
            "* * * *",
            "@every soon",
            "@every -1h",
        ] {
            assert!(Schedule::read(text, None).is_none(), "{text}");
        }
        assert!(Schedule::read("0 0 * * *", Some("Nowhere/Else")).is_none());
        // The thirtieth of February.
        assert_eq!(after_one("0 0 30 2 *"), None);
    }
}
