//! The real binary as a user runs it: `midwatch check` with a configuration file, its answer and
//! its exit code. Reads the answer as any script would, through JSON alone.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use libtest_mimic::Failed;
use midwatch::clock;
use serde_json::Value;
use tempfile::TempDir;

use crate::schema::Schema;
use crate::target::{Target, config_toml};

/// How long a condition may take to come true on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(250);

/// A user with one configuration and nothing else.
pub struct User {
    home: TempDir,
    config: PathBuf,
}

/// How a run ended.
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// The JSON answer of a check.
pub struct Answer {
    pub code: i32,
    pub report: Value,
}

impl User {
    pub fn new(targets: &[Target]) -> Result<Self, Failed> {
        Self::configured("", targets)
    }

    /// With more of a configuration before the targets.
    pub fn configured(before: &str, targets: &[Target]) -> Result<Self, Failed> {
        let home = TempDir::with_prefix("midwatch-user-")?;
        let config = home.path().join("config.toml");
        fs::write(&config, format!("{before}{}", config_toml(targets)))?;
        Ok(Self { home, config })
    }

    /// The file that `--config` gets.
    pub fn config(&self) -> String {
        self.config.display().to_string()
    }

    /// The environment, of which nothing is this machine's.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let home = self.home.path();
        let below = |folder: &str| home.join(folder).display().to_string();
        vec![
            ("HOME", below("")),
            ("XDG_CONFIG_HOME", below("config")),
            ("XDG_STATE_HOME", below("state")),
            ("XDG_CACHE_HOME", below("cache")),
            ("XDG_DATA_HOME", below("data")),
            ("LANG", "C.UTF-8".into()),
        ]
    }

    /// Runs `midwatch check` with these arguments behind it.
    pub fn check(&self, arguments: &[&str]) -> Result<Ran, Failed> {
        self.run(&[&["check"], arguments].concat())
    }

    /// Runs `midwatch` with these arguments and the user's configuration.
    pub fn run(&self, arguments: &[&str]) -> Result<Ran, Failed> {
        let output = Command::new(env!("CARGO_BIN_EXE_midwatch"))
            .args(arguments)
            .args(["--config", &self.config()])
            .env_clear()
            .envs(self.environment())
            .stdin(Stdio::null())
            .output()?;
        let text = |bytes| String::from_utf8(bytes).map_err(|error| error.to_string());
        Ok(Ran {
            code: output.status.code().ok_or("killed")?,
            out: text(output.stdout)?,
            err: text(output.stderr)?,
        })
    }

    /// Writes another text over one in every file of the audit.
    pub fn forge_audit(&self, text: &str, other: &str) -> Result<(), Failed> {
        let mut forged = 0;
        let mut folders = vec![self.home.path().join("state")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder)? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let held = fs::read_to_string(&path).unwrap_or_default();
                if path.to_string_lossy().contains("audit") && held.contains(text) {
                    fs::write(&path, held.replace(text, other))?;
                    forged += 1;
                }
            }
        }
        if forged == 0 {
            return Err(format!("`{text}` is in no file of the audit").into());
        }
        Ok(())
    }

    /// `-o json`, held against the schema that the same binary prints.
    pub fn json(&self, arguments: &[&str]) -> Result<Answer, Failed> {
        let all = [&["-o", "json"], arguments].concat();
        let ran = self.check(&all)?;
        let report: Value = serde_json::from_str(&ran.out)
            .map_err(|error| format!("{error} in:\n{}\n{}", ran.out, ran.err))?;
        let schema = Schema::parse(&self.check(&["--schema"])?.out)?;
        schema.holds(&report)?;
        Ok(Answer {
            code: ran.code,
            report,
        })
    }

    /// Checks until the answer is so, and gives it.
    ///
    /// # Errors
    /// When it does not come within [`PATIENCE`]; tells the last answer.
    pub fn until(&self, what: &str, is_so: impl Fn(&Answer) -> bool) -> Result<Answer, Failed> {
        let end = clock::stamp() + PATIENCE;
        loop {
            let answer = self.json(&[])?;
            if is_so(&answer) {
                return Ok(answer);
            }
            if clock::stamp() > end {
                return Err(format!("never came true: {what}\n{}", answer.text()).into());
            }
            std::thread::park_timeout(PAUSE);
        }
    }
}

impl Answer {
    /// The whole answer, for a failure's text.
    pub fn text(&self) -> String {
        format!("exit code {}\n{:#}", self.code, self.report)
    }

    fn rows<'a>(&'a self, list: &str) -> impl Iterator<Item = &'a Value> {
        self.report[list].as_array().into_iter().flatten()
    }

    /// A configured target by its id.
    pub fn target(&self, id: &str) -> &Value {
        self.rows("targets")
            .find(|row| row["id"] == id)
            .unwrap_or(&Value::Null)
    }

    /// A subject by its id; null where nobody knows it.
    pub fn subject(&self, id: &str) -> &Value {
        self.rows("subjects")
            .find(|row| row["id"] == id)
            .unwrap_or(&Value::Null)
    }

    /// The state of a subject, empty where nobody knows it.
    pub fn state(&self, id: &str) -> &str {
        self.subject(id)["state"].as_str().unwrap_or_default()
    }

    pub fn findings(&self) -> impl Iterator<Item = &Value> {
        self.rows("findings")
    }

    /// A finding by rule and subject; null where there is none.
    pub fn finding(&self, rule: &str, subject: &str) -> &Value {
        self.findings()
            .find(|row| row["rule"] == rule && row["subject"] == subject)
            .unwrap_or(&Value::Null)
    }

    pub fn finds(&self, rule: &str, subject: &str) -> bool {
        !self.finding(rule, subject).is_null()
    }

    /// Rules and subjects of these severities.
    pub fn of(&self, severities: &[&str]) -> Vec<(&str, &str)> {
        let text = |value: &'_ Value| severities.contains(&value.as_str().unwrap_or_default());
        let hit = self.findings().filter(|row| text(&row["severity"]));
        hit.filter_map(|row| Some((row["rule"].as_str()?, row["subject"].as_str()?)))
            .collect()
    }

    /// Everything is well: every target answers, no finding but information.
    pub fn is_well(&self) -> bool {
        self.code == 0
            && self.rows("targets").all(|row| row["state"] == "ok")
            && self.of(&["critical", "unknown", "warning"]).is_empty()
    }
}
