//! chronyd as a time server.

use libtest_mimic::Failed;
use midwatch::facts::{ClockOffset, Witness};
use midwatch::subject::Subject;

use crate::Row;
use crate::programs::Program::Chronyd;
use crate::servers::chrony::{self, STRATUM};
use crate::watch::Watch;

pub const ROWS: &[Row] = &[Row {
    name: "sntp::chronyd_on_this_machine_shows_no_offset",
    needs: &[Chronyd],
    run: no_offset,
}];

fn no_offset() -> Result<(), Failed> {
    let running = chrony::Chronyd::start()?;
    let mut watch = Watch::new(&[running.target("live")])?;
    let server = Subject::sntp("live");
    watch.until("an answer of chronyd", |snapshot| {
        snapshot.fresh::<ClockOffset>(&server).is_ok()
    })?;
    let clock: ClockOffset = watch.fact(&server)?;
    assert_eq!(clock.witness, Witness::Sntp);
    assert_eq!(clock.stratum, Some(STRATUM));
    // Both ends read the same clock, so the interval holds zero, whatever its width.
    assert!(clock.offset.at_least() == 0.0, "{clock:?}");
    assert!(clock.round_trip > 0.0 && clock.root_distance.is_some());
    Ok(())
}
