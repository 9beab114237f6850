//! A real etcd cluster on loopback, whose members can be killed and started again.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use libtest_mimic::Failed;
use tempfile::TempDir;

use super::pki::Pki;
use super::{Running, found, free_port};
use crate::programs::Program;
use crate::target::Target;

/// Members of every cluster here.
const MEMBERS: usize = 3;

/// Plain HTTP, or TLS on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Plain,
    Tls,
}

/// How to start one.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub program: Program,
    pub transport: Transport,
    /// Bytes of `--quota-backend-bytes`.
    pub quota: Option<u64>,
    /// Names are this and a number from 1 on.
    pub prefix: &'static str,
}

impl Options {
    /// `m1` to `m3` without TLS.
    pub fn plain(program: Program) -> Self {
        Self {
            program,
            transport: Transport::Plain,
            quota: None,
            prefix: "m",
        }
    }
}

pub struct EtcdCluster {
    options: Options,
    program: PathBuf,
    members: Vec<Member>,
    pub pki: Option<Pki>,
    folder: TempDir,
}

struct Member {
    name: String,
    client: u16,
    peer: u16,
    running: Option<Running>,
}

impl EtcdCluster {
    /// Starts three members, numbered from 1. They may not have found each other yet.
    pub fn start(options: Options) -> Result<Self, Failed> {
        let folder = TempDir::with_prefix("midwatch-etcd-")?;
        let pki = match options.transport {
            Transport::Plain => None,
            Transport::Tls => Some(Pki::create(folder.path())?),
        };
        let mut members = Vec::new();
        for at in 1..=MEMBERS {
            members.push(Member {
                name: format!("{}{at}", options.prefix),
                client: free_port()?,
                peer: free_port()?,
                running: None,
            });
        }
        let mut cluster = Self {
            options,
            program: found(options.program)?,
            members,
            pki,
            folder,
        };
        for at in 0..MEMBERS {
            cluster.restart_member(at)?;
        }
        Ok(cluster)
    }

    pub fn endpoint(&self, at: usize) -> String {
        let scheme = match self.options.transport {
            Transport::Plain => "http",
            Transport::Tls => "https",
        };
        format!("{scheme}://127.0.0.1:{}", self.members[at].client)
    }

    /// `HOST:PORT` of the member's client and peer sides.
    pub fn addresses(&self, at: usize) -> [String; 2] {
        let Member { client, peer, .. } = &self.members[at];
        [format!("127.0.0.1:{client}"), format!("127.0.0.1:{peer}")]
    }

    /// Kills a member as a power cut would.
    pub fn kill_member(&mut self, at: usize) {
        self.members[at].running = None;
    }

    /// Starts a member on the data that it has.
    pub fn restart_member(&mut self, at: usize) -> Result<(), Failed> {
        let arguments = self.arguments(at);
        let log = format!("{}.log", self.members[at].name);
        let running = Running::start(&self.program, arguments, self.folder.path(), &log)?;
        self.members[at].running = Some(running);
        Ok(())
    }

    /// The target that watches it, with the client certificate where there is one.
    pub fn target(&self, name: &str) -> Target {
        let endpoints: Vec<String> = (0..MEMBERS).map(|at| self.endpoint(at)).collect();
        let target = Target::new("etcd", name).list("endpoints", &endpoints);
        match &self.pki {
            None => target,
            Some(pki) => target
                .text("ca", pki.ca.display().to_string())
                .text("cert", pki.client.cert.display().to_string())
                .text("key", pki.client.key.display().to_string()),
        }
    }

    /// Runs the real client against the first member.
    pub fn etcdctl(&self, arguments: &[&str]) -> Result<Output, Failed> {
        let output = Command::new(found(Program::Etcdctl)?)
            .arg(format!("--endpoints={}", self.endpoint(0)))
            .args(arguments)
            .env_clear()
            .env("ETCDCTL_API", "3")
            .stdin(Stdio::null())
            .output()?;
        Ok(output)
    }

    /// Writes until etcd refuses for want of space.
    pub fn fill(&self) -> Result<(), Failed> {
        let value = "x".repeat(60_000);
        for at in 0..100 {
            let written = self.etcdctl(&["put", &format!("filling-{at}"), &value])?;
            let said = String::from_utf8_lossy(&written.stderr);
            if said.contains("space exceeded") {
                return Ok(());
            }
            if !written.status.success() {
                return Err(format!("put {at}: {said}").into());
            }
        }
        Err("etcd never ran out of its quota".into())
    }

    fn arguments(&self, at: usize) -> Vec<String> {
        let member = &self.members[at];
        let all: Vec<String> = self
            .members
            .iter()
            .map(|m| format!("{}=http://127.0.0.1:{}", m.name, m.peer))
            .collect();
        let (client, peer) = (
            self.endpoint(at),
            format!("http://127.0.0.1:{}", member.peer),
        );
        let mut arguments = vec![
            format!("--name={}", member.name),
            format!("--data-dir={}", member.name),
            format!("--listen-client-urls={client}"),
            format!("--advertise-client-urls={client}"),
            format!("--listen-peer-urls={peer}"),
            format!("--initial-advertise-peer-urls={peer}"),
            format!("--initial-cluster={}", all.join(",")),
        ];
        if let Some(quota) = self.options.quota {
            arguments.push(format!("--quota-backend-bytes={quota}"));
        }
        if let Some(pki) = &self.pki {
            arguments.extend([
                "--client-cert-auth".into(),
                format!("--trusted-ca-file={}", pki.ca.display()),
                format!("--cert-file={}", pki.server.cert.display()),
                format!("--key-file={}", pki.server.key.display()),
            ]);
        }
        arguments
    }
}
