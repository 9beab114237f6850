//! How kwok's nodes and pods behave: the stages that come with its module, and where the logs of its
//! containers lie. Its log reader is the kubelet's own.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::Failed;

use crate::programs::Program;
use crate::servers::found;

/// Below the module's folder; those that do at once what others do after a while.
const STAGES: [&str; 5] = [
    "kustomize/stage/node/fast/node-initialize.yaml",
    "kustomize/stage/node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
    "kustomize/stage/pod/fast/pod-ready.yaml",
    "kustomize/stage/pod/fast/pod-complete.yaml",
    "kustomize/stage/pod/fast/pod-delete.yaml",
];

/// Pods of these names have logs: `logs/NAME.log`, and `logs/NAME.previous.log` of the container
/// before. Of all others the kubelet knows nothing.
pub const TALKERS: [&str; 3] = ["talker-0", "talker-1", "shouter"];

/// kwok's configuration, its log files in `folder`.
pub fn config(folder: &Path) -> Result<String, Failed> {
    let module = module()?;
    let mut text = String::new();
    for stage in STAGES {
        let stage = fs::read_to_string(module.join(stage))?;
        let _ = write!(text, "---\n{stage}\n");
    }
    let logs = folder.join("logs");
    fs::create_dir_all(&logs)?;
    for name in TALKERS {
        let of = |ending: &str| logs.join(format!("{name}{ending}")).display().to_string();
        fs::write(of(".log"), "")?;
        fs::write(of(".previous.log"), "")?;
        let _ = write!(
            text,
            "---\napiVersion: kwok.x-k8s.io/v1alpha1\nkind: ClusterLogs\nmetadata: {{name: {name}}}\n\
             spec:\n  selector: {{matchNames: [{name}]}}\n  logs:\n  - logsFile: '{}'\n    \
             previousLogsFile: '{}'\n    follow: true\n",
            of(".log"),
            of(".previous.log")
        );
    }
    Ok(text)
}

/// Where Go keeps the module of the version that `tests/live/kwok` names.
fn module() -> Result<PathBuf, Failed> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live/kwok");
    let listed = Command::new(found(Program::Go)?)
        .args(["list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kwok"])
        .current_dir(own)
        .output()?;
    let told = String::from_utf8_lossy(&listed.stdout);
    let folder = told.trim();
    if !listed.status.success() || folder.is_empty() {
        let error = String::from_utf8_lossy(&listed.stderr);
        return Err(format!("kwok's module is not in Go's cache: {error}").into());
    }
    Ok(PathBuf::from(folder))
}

/// A log file as container runtimes write it.
pub struct Log(PathBuf);

impl Log {
    /// The log of a talker's container, or of the one before it.
    pub fn of(folder: &Path, name: &str, run: Run) -> Self {
        let ending = match run {
            Run::Current => "log",
            Run::Previous => "previous.log",
        };
        Self(folder.join("logs").join(format!("{name}.{ending}")))
    }

    /// Appends lines that were written now.
    pub fn say<S: AsRef<str>>(&self, lines: impl IntoIterator<Item = S>) -> Result<(), Failed> {
        use std::io::Write as _;
        let mut text = String::new();
        for line in lines {
            let at = midwatch::clock::now().wall;
            let _ = writeln!(text, "{at:.9} stdout F {}", line.as_ref());
        }
        let mut file = fs::File::options().append(true).open(&self.0)?;
        file.write_all(text.as_bytes())?;
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    Current,
    Previous,
}
