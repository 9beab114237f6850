//! Arming and disarming from the console: the page that asks, the commands, and the watch over it.

use std::sync::Arc;
use std::time::Duration;

use super::shown::Shown;
use super::{Acting, errand, record};
use crate::actions::arm::{self, Armed, Lost, Power, USUAL};
use crate::actions::errand::Errand;
use crate::actions::guard::Policy;
use crate::actions::live::{Identity, May};
use crate::actions::record::{Entry, Kind, Who};
use crate::app::{App, Page};
use crate::effect::Effect;
use crate::observation::Outage;
use crate::units;

/// The page that asks whether to arm.
#[derive(Debug)]
pub struct Arming {
    pub cluster: Arc<str>,
    pub time: Duration,
    /// It was called from a plan, and leads back there.
    over_plan: bool,
    pub(super) shown: Shown,
    /// What the API server says of us.
    pub who: Option<Result<Identity, Outage>>,
    /// What we may do there, by the action's id.
    pub may: Vec<(&'static str, Result<May, Outage>)>,
}

/// Keys of the page, with the time that each chooses.
const TIMES: [(char, Duration); 3] = [
    ('1', Duration::from_secs(10 * 60)),
    ('3', Duration::from_secs(30 * 60)),
    ('6', Duration::from_secs(60 * 60)),
];

impl Acting {
    #[must_use]
    pub fn armed(&self) -> Option<&Armed> {
        self.power.as_ref().map(Power::armed)
    }

    #[must_use]
    pub fn arming(&self) -> Option<&Arming> {
        self.arming.as_ref()
    }

    /// The same as a record has it; person and machine are the shell's to add.
    fn known_as(&self, cluster: &str) -> Option<Who> {
        let server = self.who(cluster)?.clone();
        Some(Who {
            server: Some(server),
            ..Who::default()
        })
    }

    /// Who we are on a cluster, as its API server said last.
    #[must_use]
    pub fn who(&self, cluster: &str) -> Option<&Identity> {
        self.who.get(cluster)
    }
}

impl App {
    /// The cluster that arming would be for: that of the open plan, of what is under the cursor, of
    /// the scope, or the only one.
    fn cluster_meant(&self) -> Result<Arc<str>, String> {
        let open = self.acting.proposal.as_ref();
        let open = open.filter(|_| self.page == Some(Page::Plan));
        if let Some(open) = open {
            return Ok(super::subject_cluster(&open.subject).into());
        }
        let under = self.acting.aim.clone().unwrap_or_else(|| self.aimed());
        if let Ok(aim) = under
            && let Some((_, cluster, _, _)) = aim.subject.as_object()
        {
            return Ok(cluster.into());
        }
        if let Some(cluster) = &self.scope.cluster {
            return Ok(cluster.clone());
        }
        let names = self.clusters();
        match names.as_slice() {
            [one] => Ok(one.clone()),
            [] => Err("arm: no Kubernetes cluster is watched".to_owned()),
            several => Err(format!(
                "arm: which cluster? write :arm CLUSTER, one of {}",
                several.join(", ")
            )),
        }
    }

    /// `A`: asks whether to arm; where it is armed, it is read-only again at once.
    pub(in crate::app) fn arm_or_disarm(&mut self) -> Vec<Effect> {
        let meant = self.cluster_meant();
        let armed = self.acting.armed().map(|armed| armed.cluster().clone());
        // From a plan for another cluster it is that one which is meant to be armed.
        let other = self.page == Some(Page::Plan) && meant.as_ref().ok() != armed.as_ref();
        if armed.is_some() && !other {
            return self.disarm(Lost::Reader);
        }
        match meant {
            Ok(cluster) => self.ask_to_arm(cluster),
            Err(why) => {
                self.say(why);
                Vec::new()
            }
        }
    }

    /// Opens the page that asks, with what the API server says of us there.
    fn ask_to_arm(&mut self, cluster: Arc<str>) -> Vec<Effect> {
        let asked = self.acting.arming.as_ref();
        let over_plan = match self.page {
            Some(Page::Arm) => asked.is_some_and(|page| page.over_plan),
            ref page => *page == Some(Page::Plan),
        };
        self.acting.arming = Some(Arming {
            cluster: cluster.clone(),
            time: USUAL,
            over_plan,
            shown: Shown::default(),
            who: None,
            may: Vec::new(),
        });
        self.show(Page::Arm);
        vec![errand(Errand::Identify(cluster))]
    }

    pub(super) fn answer_arming(&mut self, key: char) -> Vec<Effect> {
        let Some(page) = &mut self.acting.arming else {
            return Vec::new();
        };
        if let Some((_, time)) = TIMES.iter().find(|(own, _)| *own == key) {
            page.time = *time;
            // What changed must be seen before it is confirmed.
            self.read_anew();
            return Vec::new();
        }
        let (at, before) = (self.acting.pressed, self.acting.before);
        let rested = page.shown.whole().map(|shown| at.since(shown.max(before)));
        if rested.is_none_or(|rested| rested < Policy::default().dead) {
            self.say("too early: what is typed ahead arms nothing");
            return Vec::new();
        }
        let (cluster, time) = (page.cluster.clone(), page.time);
        self.arm(&cluster, time)
    }

    /// `:arm [CLUSTER] [TIME]`: asks as `A` does; with a time that is the confirmation.
    pub(in crate::app) fn arm_command(&mut self, words: &str) -> Vec<Effect> {
        let (mut cluster, mut time) = (None, None);
        for word in words.split_whitespace() {
            if let Some(given) = minutes(word) {
                time = Some(given);
            } else if cluster.is_none() {
                cluster = Some(Arc::from(word));
            } else {
                self.say(format!("arm: `{word}` is too much; write :arm CLUSTER 10m"));
                return Vec::new();
            }
        }
        let known = self.clusters();
        let meant = match cluster {
            Some(name) if known.contains(&name) => Ok(name),
            Some(name) => Err(format!(
                "arm: no cluster is called `{name}`; there are {}",
                known.join(", ")
            )),
            None => self.cluster_meant(),
        };
        let is_armed_for = |cluster: &Arc<str>| {
            let armed = self.acting.armed();
            armed.is_some_and(|armed| armed.cluster() == cluster)
        };
        match (meant, time) {
            (Ok(cluster), None) if is_armed_for(&cluster) => {
                self.say("armed already; :disarm ends it, :arm 10m begins anew");
                Vec::new()
            }
            (Ok(cluster), Some(time)) => self.arm(&cluster, time),
            (Ok(cluster), None) => self.ask_to_arm(cluster),
            (Err(why), _) => {
                self.say(why);
                Vec::new()
            }
        }
    }

    fn arm(&mut self, cluster: &str, time: Duration) -> Vec<Effect> {
        if let Some(hindrance) = self.acting.trail.hindrance() {
            self.say(format!("not armed: {hindrance}"));
            return Vec::new();
        }
        let mut effects = Vec::new();
        match arm::arm(cluster, time, &self.model.snapshot(self.now)) {
            Ok(power) => {
                if self.acting.power.is_some() {
                    effects = self.disarm(Lost::Switched);
                }
                self.acting.power = Some(power);
                let note = format!("for {}", units::span(time));
                let entry = Entry {
                    who: self.acting.known_as(cluster),
                    ..Entry::new(Kind::Armed).cluster(cluster).note(note)
                };
                effects.push(record(entry));
                if !self.acting.who.contains_key(cluster) {
                    effects.push(errand(Errand::Identify(cluster.into())));
                }
                self.say(format!("armed for {cluster}, {}", units::span(time)));
            }
            Err(refusal) => {
                self.say(format!("not armed: {refusal}"));
                return effects;
            }
        }
        effects.extend(self.leave_arming());
        effects
    }

    /// Back from the page to the plan that it was called from, which can be tried now.
    pub(in crate::app) fn leave_arming(&mut self) -> Vec<Effect> {
        let asked = self.acting.arming.take();
        let open = self.acting.proposal.as_ref();
        let waits = open.is_some_and(|open| !matches!(open.state, super::State::Sent(_)));
        if self.page == Some(Page::Arm) {
            self.uncover();
            if asked.is_some_and(|page| page.over_plan) {
                self.show(Page::Plan);
            }
        }
        if self.page == Some(Page::Plan) && waits {
            self.make_plan()
        } else {
            Vec::new()
        }
    }

    /// Ends the power, if there is any, and says why.
    pub(in crate::app) fn disarm(&mut self, why: Lost) -> Vec<Effect> {
        let Some(power) = self.acting.power.take() else {
            if why == Lost::Reader {
                self.say("it is read-only already");
            }
            return Vec::new();
        };
        let cluster = power.armed().cluster().clone();
        drop(power);
        self.say(format!("read-only again: {why}"));
        let entry = Entry::new(Kind::Disarmed).cluster(&cluster);
        vec![record(entry.note(why.to_string()))]
    }

    /// Ends the power where it has to end by itself.
    pub(in crate::app) fn watch_power(&mut self) -> Vec<Effect> {
        let Some(power) = &self.acting.power else {
            return Vec::new();
        };
        let elsewhere = self.scope.cluster.as_ref();
        let lost = match elsewhere.filter(|scope| *scope != power.armed().cluster()) {
            Some(_) => Some(Lost::Switched),
            None => power.lost(&self.model.snapshot(self.now)),
        };
        lost.map(|why| self.disarm(why)).unwrap_or_default()
    }

    pub(super) fn identified(
        &mut self,
        cluster: &Arc<str>,
        who: Result<Identity, Outage>,
        may: Vec<(&'static str, Result<May, Outage>)>,
    ) {
        if let Ok(who) = &who {
            self.acting.who.insert(cluster.clone(), who.clone());
        }
        if let Some(page) = &mut self.acting.arming
            && page.cluster == *cluster
        {
            page.who = Some(who);
            page.may = may;
        }
    }
}

/// `10m`, `10`, `1h`: minutes where nothing is said.
fn minutes(word: &str) -> Option<Duration> {
    let (number, unit) = match word.strip_suffix('h') {
        Some(hours) => (hours, 3600),
        None => (word.strip_suffix('m').unwrap_or(word), 60),
    };
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = number.parse().ok()?;
    Some(Duration::from_secs(number.saturating_mul(unit)))
}
