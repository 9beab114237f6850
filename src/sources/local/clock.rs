//! What the kernel thinks of its clock: `adjtimex`, asked and never told.

use crate::facts::KernelClock;

/// Status bit: nobody disciplines this clock. `linux/timex.h`, as the other two.
const STA_UNSYNC: i32 = 0x0040;
/// Status bit: the offset is in nanoseconds, not microseconds.
const STA_NANO: i32 = 0x2000;
/// Answer of the call: the clock is not synchronised.
const TIME_ERROR: i32 = 5;

/// The fields of `struct timex` that are read, in the kernel's own units.
#[derive(Clone, Copy, Debug, Default)]
struct Timex {
    state: i32,
    status: i32,
    offset: i64,
    /// Microseconds.
    max_error: i64,
    /// Microseconds.
    estimated_error: i64,
    /// Parts per million, times 2^16.
    frequency: i64,
    tai: i32,
}

/// Reads the clock's state; `None` where the kernel refuses or is another one.
#[cfg(target_os = "linux")]
pub fn read() -> Option<KernelClock> {
    use rtime_clock::adjtime;
    // Zero modes: a question, which needs no privilege.
    let mut told = adjtime::Timex::new();
    let state = adjtime::adjtimex(&mut told).ok()?;
    #[allow(
        clippy::useless_conversion,
        reason = "the fields are 32 bits wide on some targets"
    )]
    Some(convert(&Timex {
        state,
        status: told.0.status,
        offset: told.0.offset.into(),
        max_error: told.0.maxerror.into(),
        estimated_error: told.0.esterror.into(),
        frequency: told.0.freq.into(),
        tai: told.0.tai,
    }))
}

#[cfg(not(target_os = "linux"))]
pub fn read() -> Option<KernelClock> {
    None
}

#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
#[expect(clippy::cast_precision_loss, reason = "microseconds far below 2^52")]
fn convert(told: &Timex) -> KernelClock {
    let unit = if told.status & STA_NANO == 0 {
        1e-6
    } else {
        1e-9
    };
    KernelClock {
        synced: told.state != TIME_ERROR && told.status & STA_UNSYNC == 0,
        offset: told.offset as f64 * unit,
        max_error: told.max_error as f64 * 1e-6,
        estimated_error: told.estimated_error as f64 * 1e-6,
        frequency_ppm: told.frequency as f64 / 65_536.0,
        tai: told.tai,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_undisciplined_clock_is_not_synced() {
        let free = Timex {
            state: TIME_ERROR,
            status: STA_UNSYNC,
            max_error: 16_000_000,
            ..Timex::default()
        };
        let clock = convert(&free);
        assert_eq!((clock.synced, clock.max_error), (false, 16.0));
        assert!(convert(&Timex::default()).synced);
    }

    #[test]
    fn the_offset_is_in_the_unit_that_the_status_names() {
        let mut told = Timex {
            offset: 2_000,
            frequency: -65_536 * 12,
            ..Timex::default()
        };
        assert!((convert(&told).offset - 0.002).abs() < 1e-12);
        told.status = STA_NANO;
        assert!((convert(&told).offset - 0.000_002).abs() < 1e-15);
        assert_eq!(convert(&told).frequency_ppm, -12.0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_kernel_answers() {
        let clock = read().unwrap();
        assert!(clock.max_error >= 0.0 && clock.frequency_ppm.abs() <= 500.0);
    }
}
