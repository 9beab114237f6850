//! Everything that can be known, as one closed enum of typed values.
//!
//! Only parse code sees raw numbers; a fact carries units. A new fact is a struct in a file below
//! and one line in the table here. Counters stay counters: rates are the model's work.

pub mod alerts;
pub mod certificate;
pub mod clock_offset;
pub mod etcd;
pub mod histogram;
pub mod host;
pub mod kubernetes;
pub mod prometheus;

use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};

pub use alerts::{Alert, AlertState, Alerts};
pub use certificate::Certificate;
pub use clock_offset::{ClockOffset, Interval, Witness};
pub use etcd::{
    EtcdAlarm, EtcdAlarms, EtcdHash, EtcdHealth, EtcdMember, EtcdMembers, EtcdMetrics, EtcdStatus,
};
pub use histogram::Histogram;
pub use host::{
    Consumer, Consumers, Cpu, Disk, KernelClock, Limits, Load, Memory, Mount, Nic, Os, Pressure,
    PressureLine, Temperature, Temperatures,
};
pub use kubernetes::{DeprecatedApi, FlowRejections, KubeApi, KubeChecks, KubeMetrics, Webhook};
pub use prometheus::{
    AlertmanagerStatus, PrometheusStatus, Queries, QueryResult, RuleGroup, RuleGroups, Sample,
    ScrapeTarget, ScrapeTargets, VolumeUse, VolumeUses,
};

/// A typed value that can be taken out of a [`Fact`].
pub trait Factual: Sized {
    const KIND: FactKind;
    fn of(fact: &Fact) -> Option<&Self>;
}

/// How a fact is kept: as it is, or boxed where it is much larger than the others, since every kept
/// value takes the room of the largest.
macro_rules! kept {
    ($name:ident) => { $name };
    ($name:ident boxed) => { Box<$name> };
}

macro_rules! facts {
    ($($(#[$doc:meta])* $name:ident $($boxed:ident)?),* $(,)?) => {
        /// One typed value on a subject.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Fact { $($(#[$doc])* $name(kept!($name $($boxed)?)),)* }

        /// Which fact; what rules declare that they need.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum FactKind { $($(#[$doc])* $name,)* }

        impl fmt::Display for FactKind {
            /// The name as words: `etcd alarms`.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let name = match self { $(Self::$name => stringify!($name),)* };
                for (at, c) in name.char_indices() {
                    if at > 0 && c.is_uppercase() {
                        f.write_char(' ')?;
                    }
                    f.write_char(c.to_ascii_lowercase())?;
                }
                Ok(())
            }
        }

        impl Fact {
            #[must_use]
            pub fn kind(&self) -> FactKind {
                match self { $(Self::$name(_) => FactKind::$name,)* }
            }
        }

        $(
            impl Factual for $name {
                const KIND: FactKind = FactKind::$name;
                fn of(fact: &Fact) -> Option<&Self> {
                    if let Fact::$name(value) = fact { Some(value) } else { None }
                }
            }
            impl From<$name> for Fact {
                #[allow(clippy::useless_conversion, reason = "only some are boxed")]
                fn from(value: $name) -> Self { Self::$name(value.into()) }
            }
        )*
    };
}

facts! {
    /// Operating system, kernel, boot time.
    Os,
    /// CPU time by mode.
    Cpu,
    /// Load averages and the run queue.
    Load,
    Memory,
    /// Pressure stall information.
    Pressure boxed,
    Mount,
    Disk,
    Nic,
    Temperatures,
    /// File handles and connection tracking against their limits.
    Limits,
    /// The heaviest control groups.
    Consumers,
    /// The kernel's own opinion of its clock (adjtimex).
    KernelClock,
    /// A clock compared with this machine's, as an interval.
    ClockOffset,
    /// A certificate that a peer presented.
    Certificate,
    EtcdMembers,
    EtcdStatus boxed,
    EtcdAlarms,
    EtcdHash,
    EtcdHealth,
    EtcdMetrics boxed,
    PrometheusStatus boxed,
    ScrapeTargets,
    RuleGroups,
    Alerts,
    /// Results of the configured instant queries.
    Queries,
    AlertmanagerStatus,
    /// How full the volumes of Kubernetes claims are.
    VolumeUses,
    KubeApi,
    KubeMetrics boxed,
}
