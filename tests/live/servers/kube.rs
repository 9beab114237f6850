//! A whole real Kubernetes control plane on loopback: etcd, API server, controller manager, scheduler
//! and kwok, whose nodes and pods behave. Each part is killed and started by itself.
//!
//! It knows nothing of midwatch: what it holds is told by [`raw::Raw`], the trials' own client.

pub mod access;
pub mod proxy;
pub mod raw;
pub mod stage;
pub mod things;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use libtest_mimic::Failed;
use midwatch::clock;
use rcgen::KeyPair;
use serde_json::Value;
use tempfile::TempDir;

use super::pki::Pki;
use super::{Running, found, free_port};
use crate::programs::Program;
use access::Account;
use raw::Raw;

/// How long a part may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(100);

/// What a plane consists of.
pub const WHOLE: [Part; 5] = [
    Part::Etcd,
    Part::Api,
    Part::Controllers,
    Part::Scheduler,
    Part::Kwok,
];

/// The programs that any plane needs.
pub const NEEDS: &[Program] = &[
    Program::EtcdCurrent,
    Program::Kube,
    Program::Kwok,
    Program::Go,
    Program::Etcdctl,
];

/// The same on the etcd of the search path.
pub const NEEDS_OLD: &[Program] = &[
    Program::Etcd,
    Program::Kube,
    Program::Kwok,
    Program::Go,
    Program::Etcdctl,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Etcd,
    Api,
    Controllers,
    Scheduler,
    Kwok,
}

/// How to start one.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Its logs are kept in `target/live/logs/NAME`.
    pub name: &'static str,
    pub etcd: Program,
    /// `w-01` and on.
    pub nodes: usize,
    /// Parts beside etcd and API server; without kwok nobody waits for Ready nodes.
    pub parts: &'static [Part],
    /// More arguments of the API server.
    pub api: &'static [&'static str],
    /// Seconds of silence until the controllers call a node lost.
    pub grace: u32,
}

impl Options {
    /// Everything, with six nodes.
    pub fn whole(name: &'static str) -> Self {
        Self {
            name,
            etcd: Program::EtcdCurrent,
            nodes: 6,
            parts: &WHOLE,
            api: &[],
            grace: 40,
        }
    }
}

pub struct Plane {
    options: Options,
    ports: Ports,
    pki: Pki,
    running: [Option<Running>; WHOLE.len()],
    logs: PathBuf,
    folder: TempDir,
}

#[derive(Clone, Copy, Debug)]
struct Ports {
    etcd: u16,
    peer: u16,
    api: u16,
    kubelet: u16,
}

impl Plane {
    /// Starts the parts one after the other and waits until every node is Ready.
    pub fn start(options: Options) -> Result<Self, Failed> {
        Self::start_on(options, None)
    }

    /// The same with what etcd held when [`Plane::keep`] took it.
    pub fn start_on(options: Options, kept: Option<&Path>) -> Result<Self, Failed> {
        let folder = TempDir::with_prefix("midwatch-kube-")?;
        let logs = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("target/live/logs")
            .join(options.name);
        fs::create_dir_all(&logs)?;
        for part in WHOLE {
            fs::write(logs.join(part.log()), "")?;
        }
        let mut plane = Self {
            options,
            ports: Ports {
                etcd: free_port()?,
                peer: free_port()?,
                api: free_port()?,
                kubelet: free_port()?,
            },
            pki: Pki::create(folder.path())?,
            running: [const { None }; WHOLE.len()],
            logs,
            folder,
        };
        plane.write_files()?;
        if let Some(kept) = kept {
            copy(kept, &plane.folder.path().join("etcd"))?;
        }
        plane.restart(Part::Etcd)?;
        plane.restart(Part::Api)?;
        plane.ready()?;
        access::grant(&plane.raw(Account::Admin)?)?;
        for part in options.parts.iter().filter(|part| **part > Part::Api) {
            plane.restart(*part)?;
        }
        plane.add_nodes()?;
        Ok(plane)
    }

    /// Starts a part on the data that it has, its old self killed if it still runs.
    pub fn restart(&mut self, part: Part) -> Result<(), Failed> {
        self.kill(part);
        let log = self.logs.join(part.log()).display().to_string();
        let program = found(match part {
            Part::Etcd => self.options.etcd,
            Part::Kwok => Program::Kwok,
            Part::Api | Part::Controllers | Part::Scheduler => Program::Kube,
        })?;
        let running = Running::start(&program, self.arguments(part), self.folder.path(), &log)?;
        self.running[part as usize] = Some(running);
        Ok(())
    }

    /// Copies what etcd holds, itself ended in good order; API server and etcd run again afterwards.
    #[allow(dead_code, reason = "the bench keeps what it loaded")]
    pub fn keep(&mut self, to: &Path) -> Result<(), Failed> {
        self.kill(Part::Api);
        if let Some(etcd) = &mut self.running[Part::Etcd as usize] {
            etcd.end()?;
        }
        copy(&self.folder.path().join("etcd"), to)?;
        self.restart(Part::Etcd)?;
        self.restart(Part::Api)?;
        self.ready()
    }

    /// The process of a part.
    #[allow(dead_code, reason = "the bench measures it")]
    pub fn pid(&self, part: Part) -> Option<u32> {
        self.running[part as usize].as_ref().map(Running::pid)
    }

    /// Makes etcd forget all but the present state.
    pub fn compact(&self) -> Result<(), Failed> {
        let etcdctl = |arguments: &[&str]| -> Result<String, Failed> {
            let ran = Command::new(found(Program::Etcdctl)?)
                .arg(format!("--endpoints={}", self.etcd()))
                .args(arguments)
                .env_clear()
                .env("ETCDCTL_API", "3")
                .stdin(Stdio::null())
                .output()?;
            if ran.status.success() {
                return Ok(String::from_utf8_lossy(&ran.stdout).into_owned());
            }
            Err(String::from_utf8_lossy(&ran.stderr).into_owned().into())
        };
        let status: Value = serde_json::from_str(&etcdctl(&["endpoint", "status", "-w", "json"])?)?;
        let revision = &status[0]["Status"]["header"]["revision"];
        etcdctl(&["compact", &revision.to_string()])?;
        Ok(())
    }

    /// Kills a part as a power cut would.
    pub fn kill(&mut self, part: Part) {
        self.running[part as usize] = None;
    }

    /// Waits until the API server says that it is ready.
    pub fn ready(&self) -> Result<(), Failed> {
        let raw = self.raw(Account::Admin)?;
        let asked = || raw.call("GET", "/readyz", None);
        self.until("the API server is ready", Part::Api, || {
            asked().is_ok_and(|reply| reply.status == 200)
        })
    }

    /// A client of the API server itself.
    pub fn raw(&self, account: Account) -> Result<Raw, Failed> {
        Raw::new(self.ports.api, &self.pki, account.token())
    }

    /// `https://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.ports.api)
    }

    pub fn pki(&self) -> &Pki {
        &self.pki
    }

    pub fn api_port(&self) -> u16 {
        self.ports.api
    }

    /// Where etcd answers its clients, without TLS.
    pub fn etcd(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.etcd)
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A kubeconfig with one context, `live`, for this account.
    pub fn kubeconfig(&self, account: Account) -> Result<PathBuf, Failed> {
        let context = access::Context::new("live", &self.url(), account);
        self.kubeconfig_of(&format!("{}.kubeconfig", account.user()), &[context])
    }

    /// A kubeconfig with these contexts, the first of them the current one.
    pub fn kubeconfig_of(
        &self,
        file: &str,
        contexts: &[access::Context],
    ) -> Result<PathBuf, Failed> {
        let path = self.folder.path().join(file);
        fs::write(&path, access::kubeconfig(&self.pki.ca, contexts))?;
        Ok(path)
    }

    /// Waits for something that a part brings about; a failure tells the end of its log.
    pub fn until(&self, what: &str, part: Part, is_so: impl Fn() -> bool) -> Result<(), Failed> {
        let end = clock::stamp() + PATIENCE;
        while !is_so() {
            if clock::stamp() > end {
                let log = fs::read_to_string(self.logs.join(part.log())).unwrap_or_default();
                let lines: Vec<&str> = log.lines().rev().take(15).collect();
                let tail: Vec<&str> = lines.into_iter().rev().collect();
                return Err(format!("never came true: {what}\n{}", tail.join("\n")).into());
            }
            std::thread::park_timeout(PAUSE);
        }
        Ok(())
    }

    fn write_files(&self) -> Result<(), Failed> {
        let at = self.folder.path();
        let signer = KeyPair::generate()?;
        fs::write(at.join("accounts.key"), signer.serialize_pem())?;
        fs::write(at.join("accounts.pub"), signer.public_key_pem())?;
        fs::write(at.join("tokens.csv"), access::tokens())?;
        if self.options.parts.contains(&Part::Kwok) {
            fs::write(at.join("kwok.yaml"), stage::config(at)?)?;
        }
        self.kubeconfig(Account::Admin)?;
        Ok(())
    }

    fn add_nodes(&self) -> Result<(), Failed> {
        let raw = self.raw(Account::Admin)?;
        for at in 1..=self.options.nodes {
            raw.ensure("/api/v1/nodes", &things::node(at))?;
        }
        if !self.options.parts.contains(&Part::Kwok) {
            return Ok(());
        }
        self.until("every node is ready", Part::Kwok, || {
            let nodes = raw.list("/api/v1/nodes").unwrap_or_default();
            nodes.len() == self.options.nodes && nodes.iter().all(things::is_ready)
        })
    }

    /// Waits until a Deployment has all its replicas available.
    pub fn rolled_out(&self, namespace: &str, name: &str) -> Result<(), Failed> {
        let raw = self.raw(Account::Admin)?;
        let path = format!("/apis/apps/v1/namespaces/{namespace}/deployments/{name}");
        let wanted = |told: &Value| told["spec"]["replicas"] == told["status"]["availableReplicas"];
        let what = format!("{namespace}/{name} is rolled out");
        self.until(&what, Part::Controllers, || {
            raw.get(&path).is_ok_and(|told| wanted(&told))
        })
    }

    fn arguments(&self, part: Part) -> Vec<String> {
        let Ports {
            etcd,
            peer,
            api,
            kubelet,
        } = self.ports;
        let text = match part {
            Part::Etcd => format!(
                "--data-dir=etcd --listen-client-urls={0} --advertise-client-urls={0} \
                 --listen-peer-urls=http://127.0.0.1:{peer} \
                 --initial-advertise-peer-urls=http://127.0.0.1:{peer} \
                 --initial-cluster=default=http://127.0.0.1:{peer} --unsafe-no-fsync \
                 --quota-backend-bytes=8589934592",
                self.etcd()
            ),
            Part::Api => format!(
                // An address that nobody dials: the API server wants one that is not loopback.
                "apiserver --etcd-servers=http://127.0.0.1:{etcd} --secure-port={api} \
                 --bind-address=127.0.0.1 --advertise-address=192.0.2.10 --cert-dir=certs \
                 --tls-cert-file=server.pem --tls-private-key-file=server.key \
                 --client-ca-file=ca.pem --token-auth-file=tokens.csv --authorization-mode=RBAC \
                 --service-account-key-file=accounts.pub \
                 --service-account-signing-key-file=accounts.key \
                 --service-account-issuer=https://kubernetes.default.svc \
                 --service-cluster-ip-range=10.96.0.0/16 \
                 --disable-admission-plugins=ServiceAccount \
                 --kubelet-preferred-address-types=InternalIP \
                 --kubelet-certificate-authority=ca.pem \
                 --kubelet-client-certificate=client.pem --kubelet-client-key=client.key"
            ),
            Part::Controllers => format!(
                "controller-manager --kubeconfig=admin.kubeconfig --leader-elect=false \
                 --use-service-account-credentials=false --secure-port=0 --cert-dir=certs \
                 --service-account-private-key-file=accounts.key --node-monitor-period=1s \
                 --node-monitor-grace-period={}s",
                self.options.grace
            ),
            Part::Scheduler => "scheduler --kubeconfig=admin.kubeconfig --leader-elect=false \
                                --secure-port=0 --cert-dir=certs"
                .to_owned(),
            Part::Kwok => format!(
                "--kubeconfig=admin.kubeconfig --config=kwok.yaml --manage-all-nodes=true \
                 --node-lease-duration-seconds={} --node-ip=127.0.0.1 --node-port={kubelet} \
                 --server-address=127.0.0.1:{kubelet} --tls-cert-file=server.pem \
                 --tls-private-key-file=server.key",
                self.options.grace
            ),
        };
        let own = text.split_whitespace().map(str::to_owned);
        let more: &[&str] = if part == Part::Api {
            self.options.api
        } else {
            &[]
        };
        own.chain(more.iter().map(|&word| word.to_owned()))
            .collect()
    }
}

/// A folder and what is in it, one level below the other.
fn copy(from: &Path, to: &Path) -> Result<(), Failed> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}

impl Part {
    fn log(self) -> &'static str {
        match self {
            Self::Etcd => "etcd.log",
            Self::Api => "api.log",
            Self::Controllers => "controllers.log",
            Self::Scheduler => "scheduler.log",
            Self::Kwok => "kwok.log",
        }
    }
}
