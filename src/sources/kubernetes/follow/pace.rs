//! When to ask again: pauses that grow, are spread, and obey the server; what passes is borne for
//! a while, what does not pass is asked for seldom.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use tokio::time::Instant;

use crate::observation::Outage;

/// How long trouble that may pass (429, 503, a watch that ends at once) is borne before it is told.
const BEARABLE: Duration = Duration::from_secs(10);
/// How often is asked for what is forbidden or not served.
const SELDOM: Duration = Duration::from_secs(60);
/// How soon once, where it was permitted before: a server that has just started refuses for a
/// moment what it permits as soon as it has read its roles.
const DOUBTED: Duration = Duration::from_secs(5);
/// First pause after a stumble, doubled per further one.
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(30);
/// Longest pause that a server may ask for.
const OBEYED: Duration = Duration::from_secs(120);
/// Pause where the server asks for one without saying how long.
const UNSAID: Duration = Duration::from_secs(1);
/// After a watch that ended as it should, all kinds ask again within this time.
const SPREAD: Duration = Duration::from_millis(500);

/// The times of one follower.
#[derive(Debug, Default)]
pub struct Pace {
    next: Option<Instant>,
    /// Bodies and refusals in a row that brought nothing.
    stumbles: u32,
    /// What bothers us, and since when.
    trouble: Option<(Outage, Instant)>,
    /// What we may not have, and when to ask again.
    forbidden: Option<(Outage, Instant)>,
    /// Something was brought since the last time that it was forbidden.
    was_well: bool,
}

impl Pace {
    /// When the next request may go.
    pub fn next(&self) -> Instant {
        self.next.unwrap_or_else(Instant::now)
    }

    /// What was denied lately: asking again would only bring the same answer.
    pub fn forbidden(&mut self) -> Option<Outage> {
        let (outage, until) = self.forbidden.take()?;
        if Instant::now() >= until {
            return None;
        }
        self.forbidden = Some((outage.clone(), until));
        Some(outage)
    }

    pub fn forbid(&mut self, outage: Outage) {
        let wait = if self.was_well { DOUBTED } else { SELDOM };
        self.was_well = false;
        let until = Instant::now() + wait.mul_f64(1.0 + jitter() / 4.0);
        self.forbidden = Some((outage, until));
    }

    /// The server asked for a pause.
    pub fn busy(&mut self, outage: Outage, wait: Option<Duration>) {
        let wait = wait.unwrap_or(UNSAID).min(OBEYED);
        self.rest(wait + SPREAD.mul_f64(jitter()));
        self.bothered(outage);
    }

    /// Something ended that should have gone on.
    pub fn stumbled(&mut self, outage: Outage) {
        self.stumbles = self.stumbles.saturating_add(1);
        let grown = FIRST.saturating_mul(2_u32.saturating_pow(self.stumbles - 1));
        self.rest(grown.min(LONGEST).mul_f64(0.5 + jitter() / 2.0));
        self.bothered(outage);
    }

    /// A watch ended as it should.
    pub fn ended(&mut self) {
        self.rest(SPREAD.mul_f64(jitter()));
    }

    /// A list was told; the next one is due after a pause.
    pub fn again(&mut self, pause: Duration) {
        self.fruitful();
        self.rest(pause.mul_f64(1.0 + jitter() / 8.0));
    }

    /// A watch brought something, or lives long: all is well.
    pub fn fruitful(&mut self) {
        self.stumbles = 0;
        self.trouble = None;
        self.was_well = true;
    }

    /// Trouble that lasts longer than is borne in silence.
    pub fn unbearable(&self) -> Option<Outage> {
        let (outage, since) = self.trouble.as_ref()?;
        (since.elapsed() >= BEARABLE).then(|| outage.clone())
    }

    fn bothered(&mut self, outage: Outage) {
        let since = self
            .trouble
            .take()
            .map_or_else(Instant::now, |(_, since)| since);
        self.trouble = Some((outage, since));
    }

    /// Nothing is asked for so long.
    pub fn rest(&mut self, pause: Duration) {
        self.next = Some(Instant::now() + pause);
    }
}

/// Something between 0 and 1, another at each call.
pub fn jitter() -> f64 {
    let bits = RandomState::new().build_hasher().finish() >> 40;
    f64::from(u32::try_from(bits).unwrap_or(0)) / f64::from(1_u32 << 24)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Layer;

    fn outage() -> Outage {
        Outage::new(Layer::Protocol, "busy")
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_to_a_limit_and_start_over_when_all_is_well() {
        let mut pace = Pace::default();
        let mut longest = Duration::ZERO;
        for stumble in 0..40 {
            pace.stumbled(outage());
            let pause = pace.next() - Instant::now();
            assert!(pause <= LONGEST, "{stumble}: {pause:?}");
            longest = longest.max(pause);
        }
        assert!(longest >= LONGEST / 2);
        pace.fruitful();
        pace.stumbled(outage());
        assert!(pace.next() - Instant::now() <= FIRST);
    }

    #[tokio::test(start_paused = true)]
    async fn the_server_is_obeyed() {
        let mut pace = Pace::default();
        pace.busy(outage(), Some(Duration::from_secs(7)));
        assert!(pace.next() - Instant::now() >= Duration::from_secs(7));
        pace.busy(outage(), Some(Duration::from_secs(1 << 30)));
        assert!(
            pace.next() - Instant::now() <= OBEYED + SPREAD,
            "within reason"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn trouble_is_told_when_it_lasts_and_counts_from_its_beginning() {
        let mut pace = Pace::default();
        pace.busy(outage(), None);
        tokio::time::advance(Duration::from_secs(6)).await;
        pace.busy(outage(), None);
        assert_eq!(pace.unbearable(), None);
        tokio::time::advance(Duration::from_secs(4)).await;
        assert_eq!(pace.unbearable(), Some(outage()));
        pace.fruitful();
        assert_eq!(pace.unbearable(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_forbidden_is_asked_for_seldom() {
        let mut pace = Pace::default();
        pace.forbid(outage());
        assert_eq!(pace.forbidden(), Some(outage()));
        tokio::time::advance(SELDOM.checked_sub(Duration::from_secs(1)).unwrap()).await;
        assert_eq!(pace.forbidden(), Some(outage()));
        tokio::time::advance(Duration::from_secs(20)).await;
        assert_eq!(pace.forbidden(), None);
    }

    #[test]
    fn jitter_is_a_share_and_differs() {
        let shares: Vec<f64> = (0..20).map(|_| jitter()).collect();
        assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)));
        assert!(shares.iter().any(|share| *share != shares[0]));
    }
}
