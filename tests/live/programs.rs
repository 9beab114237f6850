//! The real servers that trials need: found on the search path, or built from our own Go modules.

use std::env;
use std::path::{Path, PathBuf};

mod module;

/// A server or tool, by what a person would install.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// The etcd on the search path, whatever its version.
    Etcd,
    Etcdctl,
    /// The current etcd, built from our own Go module.
    EtcdCurrent,
    Prometheus,
    NodeExporter,
    Alertmanager,
    Chronyd,
    /// API server, controller manager and scheduler of Kubernetes, built from our own Go module.
    Kube,
    /// The kubelets that pretend, built likewise.
    Kwok,
    Go,
    Kubectl,
}

impl Program {
    pub fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::Etcdctl => "etcdctl",
            Self::EtcdCurrent => "a current etcd (set MIDWATCH_LIVE=1 and have go)",
            Self::Prometheus => "prometheus",
            Self::NodeExporter => "prometheus-node-exporter",
            Self::Alertmanager => "prometheus-alertmanager",
            Self::Chronyd => "chronyd",
            Self::Kube => "the daemons of Kubernetes (set MIDWATCH_LIVE=1 and have go)",
            Self::Kwok => "kwok (set MIDWATCH_LIVE=1 and have go)",
            Self::Go => "go",
            Self::Kubectl => "kubectl",
        }
    }

    /// Where it is; `None` where it is not to be had.
    pub fn find(self) -> Option<PathBuf> {
        match self {
            Self::EtcdCurrent => module::ETCD.binary(),
            Self::Kube => module::KUBE.binary(),
            Self::Kwok => module::KWOK.binary(),
            // Debian's names first, upstream's after them.
            Self::NodeExporter => on_path("prometheus-node-exporter").or(on_path("node_exporter")),
            Self::Alertmanager => on_path("prometheus-alertmanager").or(on_path("alertmanager")),
            _ => on_path(self.name()),
        }
    }
}

/// Whether a missing server is a failure.
pub fn required() -> bool {
    env::var_os("MIDWATCH_LIVE").is_some_and(|value| value == "require")
}

/// Whether what is not there may be built: it takes minutes and Go's module cache.
fn asked_to_build() -> bool {
    env::var_os("MIDWATCH_LIVE").is_some()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn on_path(name: &str) -> Option<PathBuf> {
    // Daemons often live in sbin, which an ordinary user's path lacks, and Go beside everything.
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin", "/usr/local/go/bin"].map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}
