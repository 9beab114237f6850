//! A clock read from the HTTP `Date` header: an interval of about a second, never a bare number.
//! It does no I/O; the exchange is the client's.

use jiff::Timestamp;

use crate::clients::http::Response;
use crate::clock::Now;
use crate::facts::{ClockOffset, Interval, Witness};

/// What a response tells of its server's clock; `None` without a `Date` header.
///
/// The server wrote the header after the request was sent and before the answer was here, and cut
/// the fraction of its second away: the truth lies between `Date - answered` and
/// `Date + 1 s - sent`.
#[must_use]
pub fn offset(response: &Response) -> Option<ClockOffset> {
    between(response.date?, response.sent, response.answered)
}

/// The same of a date that was written between two moments.
#[must_use]
pub fn between(date: Timestamp, sent: Now, answered: Now) -> Option<ClockOffset> {
    let lo = date.duration_since(answered.wall).as_secs_f64();
    let hi = date.duration_since(sent.wall).as_secs_f64() + 1.0;
    let round_trip = answered.stamp.since(sent.stamp);
    // A step of our own clock during the exchange leaves an interval that means nothing.
    (lo <= hi).then(|| ClockOffset {
        witness: Witness::HttpDate,
        offset: Interval::new(lo, hi),
        round_trip: round_trip.as_secs_f64(),
        root_distance: None,
        stratum: None,
        reference: None,
    })
}

/// The narrowest interval that all exchanges allow. When they contradict each other a clock
/// stepped between them, and the last one stands alone.
#[must_use]
pub fn narrowest<'a>(responses: impl IntoIterator<Item = &'a Response>) -> Option<ClockOffset> {
    let offsets = responses.into_iter().filter_map(offset);
    offsets.reduce(|known, next| match known.offset.meet(next.offset) {
        Some(both) => ClockOffset {
            offset: both,
            round_trip: known.round_trip.min(next.round_trip),
            ..known
        },
        None => next,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// An exchange that begins at `at`, takes 200 ms, and whose server is `ahead` seconds ahead.
    fn exchange(at: Duration, ahead: i64) -> Response {
        let sent = Now::fixed().plus(at);
        let date = sent.wall.as_second() + ahead;
        Response {
            status: 200,
            content_type: String::new(),
            date: Timestamp::from_second(date).ok(),
            sent,
            answered: sent.plus(Duration::from_millis(200)),
            wire_bytes: 0,
            body_bytes: 0,
            certificate: None,
        }
    }

    #[test]
    fn the_true_offset_lies_in_the_interval() {
        let told = offset(&exchange(Duration::ZERO, 5)).unwrap();
        assert_eq!(told.witness, Witness::HttpDate);
        assert!((told.offset.lo - 4.8).abs() < 1e-9, "{told:?}");
        assert!((told.offset.hi - 6.0).abs() < 1e-9, "{told:?}");
        assert!((told.round_trip - 0.2).abs() < 1e-9);
    }

    #[test]
    fn two_exchanges_at_other_parts_of_the_second_narrow_it() {
        let first = exchange(Duration::ZERO, 0);
        let later = exchange(Duration::from_millis(700), 0);
        let both = narrowest([&first, &later]).unwrap();
        assert!((both.offset.lo + 0.2).abs() < 1e-9, "{both:?}");
        assert!((both.offset.hi - 0.3).abs() < 1e-9, "{both:?}");
    }

    #[test]
    fn exchanges_that_contradict_each_other_leave_the_last() {
        let first = exchange(Duration::ZERO, 0);
        let stepped = exchange(Duration::ZERO, 60);
        let told = narrowest([&first, &stepped]).unwrap();
        assert!(told.offset.lo > 50.0, "{told:?}");
    }

    #[test]
    fn no_date_no_offset() {
        let mut silent = exchange(Duration::ZERO, 0);
        silent.date = None;
        assert_eq!(offset(&silent), None);
    }
}
