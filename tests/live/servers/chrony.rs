//! A real chronyd that serves this machine's own clock on loopback and changes nothing.

use std::fs;

use libtest_mimic::Failed;
use tempfile::TempDir;

use super::{Running, found, free_port};
use crate::programs::Program;
use crate::target::Target;

/// What it claims to be.
pub const STRATUM: u8 = 8;

pub struct Chronyd {
    port: u16,
    running: Option<Running>,
    _folder: TempDir,
}

impl Chronyd {
    pub fn start() -> Result<Self, Failed> {
        let folder = TempDir::with_prefix("midwatch-chrony-")?;
        let port = free_port()?;
        let pid = folder.path().join("chronyd.pid");
        let config = format!(
            "local stratum {STRATUM}\nport {port}\nbindaddress 127.0.0.1\nallow 127.0.0.1\n\
             cmdport 0\npidfile {}\n",
            pid.display()
        );
        let file = folder.path().join("chrony.conf");
        fs::write(&file, config)?;
        // -x: leaves the system clock alone. -d: stays in the foreground.
        let file = file.display().to_string();
        let user = if rustix::process::getuid().is_root() {
            vec!["-u", "root"]
        } else {
            vec!["-U"]
        };
        let arguments = ["-x", "-d", "-f", &file].into_iter().chain(user);
        let running = Running::start(
            &found(Program::Chronyd)?,
            arguments,
            folder.path(),
            "chronyd.log",
        )?;
        Ok(Self {
            port,
            running: Some(running),
            _folder: folder,
        })
    }

    /// Nobody answers at its port any more.
    pub fn stop(&mut self) {
        self.running = None;
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn target(&self, name: &str) -> Target {
        Target::new("sntp", name).text("address", self.address())
    }
}
