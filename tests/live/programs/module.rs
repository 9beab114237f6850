//! Programs of our own Go modules: built once, kept under `target/live`, built anew when the module
//! has changed. Go's own cache makes a second build short.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::SystemTime;

use super::{asked_to_build, on_path, root};

pub static ETCD: Module = Module::new("etcd", "etcd-current", ".", None);
/// Without its version stamped in, an API server claims to be 0.0.0.
pub static KUBE: Module = Module::new("kube", "kube", ".", Some("k8s.io/kubernetes"));
pub static KWOK: Module = Module::new("kwok", "kwok", "sigs.k8s.io/kwok/cmd/kwok", None);

/// A folder of `tests/live` with a `go.mod`.
pub struct Module {
    folder: &'static str,
    output: &'static str,
    package: &'static str,
    /// The required module whose version Kubernetes' daemons shall tell.
    stamped: Option<&'static str>,
    built: OnceLock<Option<PathBuf>>,
}

impl Module {
    const fn new(
        folder: &'static str,
        output: &'static str,
        package: &'static str,
        stamped: Option<&'static str>,
    ) -> Self {
        Self {
            folder,
            output,
            package,
            stamped,
            built: OnceLock::new(),
        }
    }

    /// The program: what `MIDWATCH_ETCD`, `MIDWATCH_KUBE` or `MIDWATCH_KWOK` names, else our own,
    /// built now if it must be and may be.
    pub fn binary(&self) -> Option<PathBuf> {
        let found = || {
            let variable = format!("MIDWATCH_{}", self.folder.to_uppercase());
            if let Some(named) = env::var_os(variable) {
                return Some(PathBuf::from(named)).filter(|file| file.is_file());
            }
            let file = root().join("target/live").join(self.output);
            if asked_to_build()
                && !self.is_current(&file)
                && let Some(go) = on_path("go")
            {
                println!("building {} with go", self.output);
                self.build(&go, &file);
            }
            file.is_file().then_some(file)
        };
        self.built.get_or_init(found).clone()
    }

    fn source(&self) -> PathBuf {
        root().join("tests/live").join(self.folder)
    }

    /// Nothing of the module is younger than the program.
    fn is_current(&self, file: &Path) -> bool {
        let changed = |path: &Path| -> Option<SystemTime> { path.metadata().ok()?.modified().ok() };
        let Some(built) = changed(file) else {
            return false;
        };
        let entries = fs::read_dir(self.source()).into_iter().flatten().flatten();
        let mut times = entries.filter_map(|entry| changed(&entry.path()));
        times.all(|time| time <= built)
    }

    fn build(&self, go: &Path, file: &Path) {
        // A build that fails must not leave the program of another version in place.
        let _ = fs::remove_file(file);
        let built = Command::new(go)
            .args(["build", "-trimpath", "-ldflags", &self.linker_flags(), "-o"])
            .arg(file)
            .arg(self.package)
            .current_dir(self.source())
            .stdin(Stdio::null())
            .status();
        if !built.is_ok_and(|status| status.success()) {
            eprintln!("go build in {} failed", self.source().display());
        }
    }

    fn linker_flags(&self) -> String {
        let version = self.stamped.and_then(|module| {
            let text = fs::read_to_string(self.source().join("go.mod")).ok()?;
            let mut required = text.lines().filter_map(|line| {
                let (name, version) = line.trim().split_once(' ')?;
                (name == module).then(|| version.to_owned())
            });
            required.next()
        });
        let Some(version) = version else {
            return "-s -w".into();
        };
        let mut parts = version.trim_start_matches('v').split('.');
        let (major, minor) = (parts.next().unwrap_or("0"), parts.next().unwrap_or("0"));
        let of = |name, value| format!(" -X k8s.io/component-base/version.{name}={value}");
        let stamps = [
            ("gitVersion", &*version),
            ("gitMajor", major),
            ("gitMinor", minor),
        ];
        let stamps = stamps.map(|(name, value)| of(name, value));
        format!("-s -w{}", stamps.concat())
    }
}
