//! Credential plugins: programs that a kubeconfig names to get a token or a client certificate.
//!
//! None runs unless its absolute path is allowed by `exec_allowed`. A plugin has no input, no shell
//! and no terminal of ours: its output is capped and captured, and it is ended with everything that
//! it started after 30 s (safety promise D1).

use std::collections::BTreeMap;
use std::fmt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use hyper::header::HeaderValue;
use jiff::Timestamp;
use kube::config::{Cluster, ExecAuthCluster, ExecConfig, ExecInteractiveMode};
use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

use super::super::file::Given;
use super::access::bearer;
use super::kubeconfig::{Found, Trouble};
use crate::config::Environment;
use crate::logging;
use crate::observation::{Layer, Outage};
use crate::text::SafeText;
use crate::units::Bytes;

/// A plugin that runs longer is ended.
const LIMIT: Duration = Duration::from_secs(30);
/// Most bytes of its answer; honest ones are a few thousand.
const ANSWER: u64 = 1 << 20;
/// Bytes kept of what it complains; the rest is read and dropped.
const COMPLAINT: u64 = 8 << 10;
/// Characters of a complaint that are told.
const TOLD: usize = 300;

/// What makes a session and becomes the program in it: of util-linux, and of busybox.
const SETSID: [&str; 2] = ["/usr/bin/setsid", "/bin/setsid"];

/// The versions of the protocol that plugins speak.
const VERSIONS: [&str; 2] = [
    "client.authentication.k8s.io/v1",
    "client.authentication.k8s.io/v1beta1",
];

/// A plugin as the kubeconfig describes it.
#[derive(Clone)]
pub struct Plugin {
    /// Whose it is, for errors: ``user `ann` in /home/ann/.kube/config``.
    whose: String,
    /// As written.
    command: String,
    /// Where commands are looked for.
    folders: Vec<PathBuf>,
    args: Vec<String>,
    env: BTreeMap<String, String>,
    version: Option<String>,
    interactive: Option<ExecInteractiveMode>,
    cluster: Option<Cluster>,
    install: Option<String>,
    /// The kubeconfig, when others can write it.
    loose: Option<PathBuf>,
}

/// Its arguments and its environment may hold secrets.
impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plugin({})", self.words())
    }
}

/// A client certificate and its key.
pub type Pair = (Given, Given);

/// What a plugin gave.
#[derive(Clone)]
pub struct Credential {
    pub header: Option<HeaderValue>,
    pub pair: Option<Pair>,
    /// By this machine's clock; `None`: until it is refused.
    pub until: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExecCredential {
    api_version: String,
    kind: String,
    status: Option<ExecStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExecStatus {
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
    expiration_timestamp: Option<String>,
}

impl Plugin {
    /// Reads the description and looks where the command is; runs nothing.
    ///
    /// # Errors
    /// When no command is named.
    pub fn of(
        whose: &str,
        file: &Path,
        exec: &ExecConfig,
        cluster: &Found<'_, Cluster>,
        environment: &Environment,
    ) -> Result<Self, Trouble> {
        let command = exec.command.clone().unwrap_or_default();
        if command.is_empty() {
            let problem = "has an exec plugin without a command";
            return Err(Trouble::new(
                whose,
                problem,
                "add its command, or remove exec",
            ));
        }
        let pair = |entry: &std::collections::HashMap<String, String>| {
            let value = entry.get("value").cloned().unwrap_or_default();
            Some((entry.get("name")?.clone(), value))
        };
        let env: BTreeMap<String, String> = exec.env.iter().flatten().filter_map(pair).collect();
        for (name, value) in &env {
            // What names a file or a region is no secret, and would make the log unreadable.
            let name = name.to_ascii_uppercase();
            if ["SECRET", "TOKEN", "PASSWORD", "KEY"]
                .iter()
                .any(|word| name.contains(word))
            {
                logging::redact(value);
            }
        }
        let others_write =
            |path: &Path| std::fs::metadata(path).is_ok_and(|about| about.mode() & 0o022 != 0);
        Ok(Self {
            whose: whose.to_owned(),
            command,
            folders: environment
                .get("PATH")
                .map(|list| std::env::split_paths(list).collect())
                .unwrap_or_default(),
            args: exec.args.clone().unwrap_or_default(),
            env,
            version: exec.api_version.clone(),
            interactive: exec.interactive_mode.clone(),
            cluster: exec.provide_cluster_info.then(|| cluster.entry.clone()),
            install: exec.install_hint.clone(),
            loose: others_write(file).then(|| file.to_owned()),
        })
    }

    /// The program by its full path, or as written where it is nowhere.
    pub fn words(&self) -> String {
        let path = self.path().map(|path| path.display().to_string());
        path.unwrap_or_else(|| self.command.clone())
    }

    /// Where the command is: itself where it is a path, else found as a shell finds it. `None`
    /// where it is nowhere, now.
    fn path(&self) -> Option<PathBuf> {
        let runs = |path: &Path| {
            std::fs::metadata(path)
                .is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
        };
        if self.command.contains('/') {
            let path = PathBuf::from(&self.command);
            return (path.is_absolute() && runs(&path)).then_some(path);
        }
        // A relative folder would make the program depend on where midwatch was started.
        let folders = self.folders.iter().filter(|folder| folder.is_absolute());
        folders
            .map(|folder| folder.join(&self.command))
            .find(|path| runs(path))
    }

    /// May it run? The program to run.
    ///
    /// # Errors
    /// `auth`, with what stands against it and the setting that would allow it.
    pub fn permit(&self, allowed: &[String]) -> Result<PathBuf, Outage> {
        let refused = |why: String| Outage::new(Layer::Auth, format!("{}: {why}", self.whose));
        let Some(path) = self.path() else {
            let why = format!("its credential plugin `{}` is not installed", self.command);
            return Err(refused(why).hint(match &self.install {
                Some(hint) => format!("install it: {}", told(hint)),
                None => "install it, or write its absolute path into the kubeconfig".into(),
            }));
        };
        let shown = path.display().to_string();
        if !allowed.contains(&shown) {
            // A JSON string is a TOML string of one line.
            let quoted = serde_json::Value::from(shown.as_str());
            return Err(refused(format!(
                "it wants to run the program {shown}, which is not allowed"
            ))
            .hint(format!(
                "add exec_allowed = [{quoted}] to the target to allow it"
            )));
        }
        if let Some(file) = &self.loose {
            return Err(refused(format!(
                "{shown} is not run, since others can write the kubeconfig"
            ))
            .hint(format!("run: chmod go-w {}", file.display())));
        }
        let version = self.version.as_deref().unwrap_or_default();
        if !VERSIONS.contains(&version) {
            let why = format!("its credential plugin speaks `{version}`, which is not supported");
            return Err(refused(why).hint(format!("set its apiVersion to {}", VERSIONS[0])));
        }
        if self.interactive == Some(ExecInteractiveMode::Always) {
            return Err(refused(format!(
                "{shown} wants a terminal to ask at (interactiveMode: Always)"
            ))
            .hint("log in with it by kubectl first, and set interactiveMode: IfAvailable"));
        }
        Ok(path)
    }

    /// Runs it.
    ///
    /// # Errors
    /// `auth` when it may not run, fails, takes too long or answers nonsense; `too large`.
    pub async fn run(&self, allowed: &[String]) -> Result<Credential, Outage> {
        let path = self.permit(allowed)?;
        let shown = path.display();
        let failed =
            |why: String| Outage::new(Layer::Auth, format!("the credential plugin {shown} {why}"));
        let mut command = apart(&path);
        command
            .args(&self.args)
            .envs(&self.env)
            .env("KUBERNETES_EXEC_INFO", self.about())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        tracing::info!(plugin = %shown, "running the credential plugin");
        let child = command.spawn().map_err(|error| {
            failed(format!("cannot be started: {error}"))
                .hint("check that it is a program of this machine")
        })?;
        // Dropped before what listens: the group's number is its own while the child is not reaped.
        let id = child.id();
        let mut listening = std::pin::pin!(listen(child));
        let mut group = Group::of(id);
        let ran = tokio::time::timeout(LIMIT, &mut listening).await;
        if matches!(
            &ran,
            Ok(Ok(Ran {
                status: Some(_),
                ..
            }))
        ) {
            group.forget();
        }
        drop(group);
        let by_hand = format!("run it by hand to see what it wants: {shown}");
        let Ok(ran) = ran else {
            let limit = crate::units::span(LIMIT);
            return Err(
                failed(format!("gave no answer within {limit} and was ended")).hint(by_hand),
            );
        };
        let ran = ran.map_err(|error| failed(format!("broke off: {error}")))?;
        if ran.answer.len() as u64 > ANSWER {
            let cap = Bytes(ANSWER);
            return Err(Outage::new(
                Layer::TooLarge,
                format!("the credential plugin {shown} answered more than {cap}"),
            )
            .hint(by_hand));
        }
        if ran.status.is_some_and(|status| !status.success()) {
            let how = ran.status.map_or_else(String::new, ended);
            let said = last_line(&ran.complaint);
            let said = if said.is_empty() {
                said
            } else {
                format!(": {said}")
            };
            return Err(failed(format!("{how}{said}")).hint(by_hand));
        }
        self.read(&ran.answer)
            .map_err(|why| failed(format!("answered {why}")).hint(by_hand))
    }

    /// What the plugin is told: the version that it is to speak, and the cluster where it wants it.
    fn about(&self) -> String {
        let mut spec = serde_json::json!({ "interactive": false });
        let cluster = self
            .cluster
            .as_ref()
            .and_then(|cluster| ExecAuthCluster::try_from(cluster).ok())
            .and_then(|cluster| serde_json::to_value(cluster).ok());
        if let Some(cluster) = cluster {
            spec["cluster"] = cluster;
        }
        let about = serde_json::json!({
            "apiVersion": self.version,
            "kind": "ExecCredential",
            "spec": spec,
        });
        about.to_string()
    }

    /// Reads an answer; the error completes "answered" and repeats nothing of it.
    fn read(&self, answer: &[u8]) -> Result<Credential, String> {
        let read: ExecCredential = serde_json::from_slice(answer).map_err(|error| {
            if answer.trim_ascii().is_empty() {
                "nothing".to_owned()
            } else {
                format!(
                    "no ExecCredential (line {}, column {})",
                    error.line(),
                    error.column()
                )
            }
        })?;
        if read.kind != "ExecCredential" {
            return Err("another kind than ExecCredential".into());
        }
        if Some(&read.api_version) != self.version.as_ref() {
            return Err("in another apiVersion than it was asked in".into());
        }
        let status = read.status.ok_or("without a status")?;
        let text = |field: Option<String>| field.filter(|text| !text.trim().is_empty());
        let token = text(status.token);
        let header = token
            .map(|token| bearer(&token).ok_or("with a token that no header can carry"))
            .transpose()?;
        let pair = match (
            text(status.client_certificate_data),
            text(status.client_key_data),
        ) {
            (Some(cert), Some(key)) => {
                logging::redact(&key);
                Some((self.given(&cert), self.given(&key)))
            }
            (None, None) => None,
            _ => return Err("with one half of a client certificate and its key".into()),
        };
        if header.is_none() && pair.is_none() {
            return Err("without a token or a client certificate".into());
        }
        let until = text(status.expiration_timestamp)
            .map(|text| {
                text.parse()
                    .map_err(|_| "with an expirationTimestamp that is no time")
            })
            .transpose()?;
        Ok(Credential {
            header,
            pair,
            until,
        })
    }

    fn given(&self, pem: &str) -> Given {
        Given::Text {
            place: format!("the answer of {}", self.words()).into(),
            text: Arc::from(pem.as_bytes()),
        }
    }
}

/// The program in a session of its own, so that it has no terminal that it could ask at or draw on,
/// and ends together with what it started. Where there is no `setsid` it is at least a process of the
/// background, which our terminal does not let write.
fn apart(path: &Path) -> Command {
    let setsid = SETSID.iter().find(|known| Path::new(known).exists());
    if let Some(setsid) = setsid {
        let mut command = Command::new(setsid);
        command.arg(path);
        return command;
    }
    let mut command = Command::new(path);
    command.process_group(0);
    command
}

/// A plugin and everything that it started; ended when this is dropped.
struct Group(Option<Pid>);

impl Group {
    fn of(leader: Option<u32>) -> Self {
        let id = leader.and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(Pid::from_raw))
    }

    /// It ended by itself.
    fn forget(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // Gone already is as good.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

struct Ran {
    answer: Vec<u8>,
    complaint: Vec<u8>,
    /// `None` when it was not waited for, since its answer is too large already.
    status: Option<ExitStatus>,
}

/// Reads both outputs to their ends and waits for the program.
async fn listen(mut child: Child) -> std::io::Result<Ran> {
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let complaint = tokio::spawn(async move {
        let mut kept = Vec::new();
        if let Some(mut err) = err {
            // A broken pipe ends it like an end.
            let _ = (&mut err).take(COMPLAINT).read_to_end(&mut kept).await;
            drain(&mut err).await;
        }
        kept
    });
    let mut answer = Vec::new();
    if let Some(out) = out {
        out.take(ANSWER + 1).read_to_end(&mut answer).await?;
    }
    if answer.len() as u64 > ANSWER {
        complaint.abort();
        return Ok(Ran {
            answer,
            complaint: Vec::new(),
            status: None,
        });
    }
    let status = Some(child.wait().await?);
    let complaint = complaint.await.unwrap_or_default();
    Ok(Ran {
        answer,
        complaint,
        status,
    })
}

async fn drain(from: &mut (impl AsyncRead + Unpin)) {
    let mut waste = [0; 4096];
    while from.read(&mut waste).await.is_ok_and(|size| size > 0) {}
}

fn ended(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("failed with exit code {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        _ => "failed".into(),
    }
}

/// The last line that says something: mostly the reason. Known secrets are taken out.
fn last_line(complaint: &[u8]) -> String {
    let text = String::from_utf8_lossy(complaint);
    let line = text
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| !line.is_empty());
    told(line.unwrap_or_default())
}

/// A program's words as they may be shown: without secrets, escapes and length.
fn told(text: &str) -> String {
    let clean = logging::redacted(text);
    let short: String = clean.chars().take(TOLD).collect();
    SafeText::new(&short).to_string()
}

#[cfg(test)]
mod tests;
