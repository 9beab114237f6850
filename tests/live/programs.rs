//! The real servers that trials need: found on the search path, or built from `tests/live/etcd`.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

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
        }
    }

    /// Where it is; `None` where it is not to be had.
    pub fn find(self) -> Option<PathBuf> {
        match self {
            Self::EtcdCurrent => etcd_current(),
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

fn on_path(name: &str) -> Option<PathBuf> {
    // Daemons often live in sbin, which an ordinary user's path lacks, and Go beside everything.
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin", "/usr/local/go/bin"].map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// Built once in a run, and only when asked for: it takes half a minute and Go's module cache.
fn etcd_current() -> Option<PathBuf> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    BUILT
        .get_or_init(|| {
            let root = Path::new(env!("CARGO_MANIFEST_DIR"));
            let file = root.join("target/live/etcd-current");
            if env::var_os("MIDWATCH_LIVE").is_some()
                && let Some(go) = on_path("go")
            {
                build(&go, &root.join("tests/live/etcd"), &file);
            }
            file.is_file().then_some(file)
        })
        .clone()
}

fn build(go: &Path, module: &Path, file: &Path) {
    let built = Command::new(go)
        .args(["build", "-trimpath", "-o"])
        .arg(file)
        .arg(".")
        .current_dir(module)
        .stdin(Stdio::null())
        .status();
    if !built.is_ok_and(|status| status.success()) {
        eprintln!("go build in {} failed", module.display());
    }
}
