//! Network interfaces from `/proc/net/dev` and `/sys/class/net`, without the ends of pods.

use rustc_hash::FxHashMap;

use super::files::Files;
use crate::facts::{Fact, Nic};
use crate::observation::Harvest;
use crate::subject::Subject;
use crate::units::Bytes;

/// Interfaces kept of one host.
pub const KEPT: usize = 64;

/// Polls after which size and speed of a link are read again: drivers can be slow to answer.
const LINK_POLLS: u32 = 12;

/// Interfaces that come and go with pods and containers, or only carry what another one counts.
const NOISE: [&str; 38] = [
    "veth",
    "cali",
    "lxc",
    "tap",
    "vnet",
    "ifb",
    "dummy",
    "docker",
    "br-",
    "virbr",
    "cni",
    "flannel",
    "cilium",
    "vxlan",
    "geneve",
    "genev_sys",
    "ovs-",
    "antrea",
    "kube-",
    "cbr",
    "nodelocal",
    "tunl",
    "sit",
    "gre",
    "erspan",
    "ip_vti",
    "ip6_vti",
    "ip6tnl",
    "ip6gre",
    "podman",
    "nerdctl",
    "lxdbr",
    "lxbr",
    "azv",
    "eni",
    "weave",
    "vxlan_sys",
    "gke",
];

/// True for an interface that tells something about the host: `eth0`, `bond0`, `wg0`, `br0`.
#[must_use]
pub fn is_told(name: &str) -> bool {
    name != "lo" && !NOISE.iter().any(|noise| name.starts_with(noise))
}

#[derive(Debug, Default)]
pub struct Nics {
    links: FxHashMap<String, Link>,
    polls: u32,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    mtu: Option<u32>,
    speed: Option<Bytes>,
}

impl Nics {
    pub(super) fn read(&mut self, files: &mut Files, host: &str, out: &mut Harvest) {
        let Ok(text) = files.proc("net/dev") else {
            return;
        };
        let mut found: Vec<(String, Nic)> = text.lines().filter_map(entry).collect();
        if self.polls.is_multiple_of(LINK_POLLS) {
            self.links.clear();
        }
        self.polls = self.polls.wrapping_add(1);
        out.refused += found.len().saturating_sub(KEPT) as u64;
        found.truncate(KEPT);
        for (name, mut nic) in found {
            nic.up = files
                .sys(&format!("class/net/{name}/operstate"))
                .ok()
                .and_then(|state| up(state.trim()));
            let known = self.links.get(&name).copied();
            let link = known.unwrap_or_else(|| {
                let link = link(files, &name);
                self.links.insert(name.clone(), link);
                link
            });
            (nic.mtu, nic.speed) = (link.mtu, link.speed);
            out.facts.push((Subject::nic(host, &name), Fact::Nic(nic)));
        }
    }
}

fn link(files: &mut Files, name: &str) -> Link {
    // -1 or an error where the driver does not know (virtio, bridges, a link that is down).
    let megabits: Option<i64> = files.sys_number(&format!("class/net/{name}/speed"));
    let megabits = megabits.and_then(|speed| u64::try_from(speed).ok());
    Link {
        mtu: files.sys_number(&format!("class/net/{name}/mtu")),
        speed: megabits
            .filter(|speed| *speed > 0)
            .map(|speed| Bytes(speed * 125_000)),
    }
}

/// RFC 2863 states as the kernel words them; a tunnel has no opinion and says `unknown`.
pub fn up(state: &str) -> Option<bool> {
    match state {
        "up" => Some(true),
        "down" | "lowerlayerdown" | "notpresent" => Some(false),
        _ => None,
    }
}

fn entry(line: &str) -> Option<(String, Nic)> {
    let (name, counts) = line.rsplit_once(':')?;
    let name = name.trim();
    if !is_told(name) {
        return None;
    }
    let mut fields = [0.0; 12];
    let mut counts = counts.split_ascii_whitespace();
    for field in &mut fields {
        *field = counts.next()?.parse().ok()?;
    }
    let [
        received,
        packets_in,
        errors_in,
        drops_in,
        _,
        _,
        _,
        _,
        sent,
        packets_out,
        errors_out,
        drops_out,
    ] = fields;
    let nic = Nic {
        received: Bytes::from_f64(received)?,
        sent: Bytes::from_f64(sent)?,
        packets_in,
        packets_out,
        errors_in,
        errors_out,
        drops_in,
        drops_out,
        ..Nic::default()
    };
    Some((name.to_owned(), nic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_ends_and_loopback_are_not_told() {
        for name in ["lo", "veth12ab", "cali9f", "docker0", "cilium_host", "ifb0"] {
            assert!(!is_told(name), "{name}");
        }
        for name in ["eth0", "enp3s0f1", "bond0", "wg0", "br0", "vlan12"] {
            assert!(is_told(name), "{name}");
        }
    }

    #[test]
    fn counters_stand_in_the_order_of_the_header() {
        let line = "  eth0: 1000 10 1 2 0 0 0 0 2000 20 3 4 0 0 0 0";
        let (name, nic) = entry(line).unwrap();
        assert_eq!(name, "eth0");
        assert_eq!((nic.received, nic.sent), (Bytes(1000), Bytes(2000)));
        assert_eq!((nic.errors_in, nic.drops_in), (1.0, 2.0));
        assert_eq!((nic.errors_out, nic.drops_out), (3.0, 4.0));
    }

    #[test]
    fn the_header_is_no_interface() {
        assert_eq!(
            entry("Inter-|   Receive                  |  Transmit"),
            None
        );
        assert_eq!(entry(" face |bytes    packets errs drop fifo"), None);
    }

    #[test]
    fn a_link_without_opinion_is_not_down() {
        assert_eq!(up("unknown"), None);
        assert_eq!(up("lowerlayerdown"), Some(false));
    }
}
