//! How much the background may ask of one API server, and the pauses that the server asks for.
//!
//! A person's requests pass. Pure but for [`Budget::admit`], which waits.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::{self, Stamp};
use crate::observation::{Layer, Outage};
use crate::units;

/// Requests a second, as client-go has it by default, and how many at once after a rest. There are a
/// score of watched kinds, and a server that does not stream lists is asked twice for each at the
/// start: less would keep the first rows back by seconds.
const RATE: f64 = 5.0;
const BURST: f64 = 60.0;
/// A longer pause is not taken at its word. Own choice: a server that is back by then is asked.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);
/// A pause as short as this is waited out; a longer one is told, since the caller has a deadline.
const WAITED_OUT: Duration = Duration::from_secs(2);

/// One cluster's budget.
#[derive(Debug, Default)]
pub struct Budget(Mutex<State>);

#[derive(Debug)]
struct State {
    tokens: f64,
    at: Stamp,
    /// No request of the background before.
    held_until: Stamp,
}

impl Default for State {
    fn default() -> Self {
        Self {
            tokens: BURST,
            at: Stamp::default(),
            held_until: Stamp::default(),
        }
    }
}

#[derive(Debug, PartialEq)]
enum Verdict {
    Go,
    Wait(Duration),
    Held(Duration),
}

impl State {
    fn ask(&mut self, now: Stamp) -> Verdict {
        let held = self.held_until.since(now);
        if held > WAITED_OUT {
            return Verdict::Held(held);
        }
        if held > Duration::ZERO {
            return Verdict::Wait(held);
        }
        let fresh = now.since(self.at).as_secs_f64() * RATE;
        self.tokens = (self.tokens + fresh).min(BURST);
        self.at = now;
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Verdict::Go;
        }
        // A little more than exact, so that rounding does not ask twice.
        Verdict::Wait(
            Duration::from_secs_f64((1.0 - self.tokens) / RATE) + Duration::from_millis(1),
        )
    }
}

impl Budget {
    /// Waits until the background may send a request.
    ///
    /// # Errors
    /// `protocol`, while the server wants to be left alone for longer than a moment.
    pub async fn admit(&self) -> Result<(), Outage> {
        loop {
            let verdict = self.state().ask(clock::stamp());
            match verdict {
                Verdict::Go => return Ok(()),
                Verdict::Wait(span) => tokio::time::sleep(span).await,
                Verdict::Held(left) => {
                    let left = units::span(Duration::from_secs(left.as_secs().max(1)));
                    let text = format!("the API server asked for a pause, {left} of it are left");
                    return Err(Outage::new(Layer::Protocol, text)
                        .hint("look at the load of the API server and of its etcd"));
                }
            }
        }
    }

    /// The server asked for a pause.
    pub fn pause(&self, span: Duration) {
        let until = clock::stamp() + span.min(LONGEST_PAUSE);
        let mut state = self.state();
        state.held_until = state.held_until.max(until);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Stamp {
        Stamp(1_000_000_000_000 + millis * 1_000_000)
    }

    #[test]
    fn a_burst_at_once_then_five_a_second() {
        let mut state = State::default();
        let gone = (0..100).filter(|_| state.ask(at(0)) == Verdict::Go).count();
        assert_eq!(gone, 60);
        let mut gone = 0;
        for step in 1..=1000 {
            gone += u32::from(state.ask(at(step * 10)) == Verdict::Go);
        }
        assert!((49..=50).contains(&gone), "{gone} in ten seconds");
    }

    #[test]
    fn what_has_to_wait_goes_when_it_has_waited() {
        let mut state = State::default();
        while state.ask(at(0)) == Verdict::Go {}
        let Verdict::Wait(span) = state.ask(at(0)) else {
            panic!("not told to wait");
        };
        let later = at(0) + span;
        assert_eq!(state.ask(later), Verdict::Go);
    }

    #[test]
    fn a_pause_holds_to_the_second_and_no_longer() {
        let mut state = State {
            held_until: at(30_000),
            ..State::default()
        };
        assert_eq!(state.ask(at(0)), Verdict::Held(Duration::from_secs(30)));
        assert_eq!(state.ask(at(29_000)), Verdict::Wait(Duration::from_secs(1)));
        assert_eq!(state.ask(at(30_000)), Verdict::Go);
    }

    #[test]
    fn of_two_pauses_the_later_end_holds() {
        let budget = Budget::default();
        budget.pause(Duration::from_secs(60));
        budget.pause(Duration::from_secs(5));
        let left = budget.state().held_until.since(clock::stamp());
        assert!(left > Duration::from_secs(30), "{left:?}");
    }
}
