//! A real Prometheus that scrapes two node exporters and whatever else it is given, with an
//! Alertmanager behind it. Unless told otherwise it has something to tell: one scrape target where
//! nobody is, one rule that fires and one that fails.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use libtest_mimic::Failed;
use tempfile::TempDir;

use super::{Running, found, free_port};
use crate::programs::Program;
use crate::target::Target;

/// Rules of a fleet in order: silent while everything answers.
pub const RULES: &str = r#"
groups:
  - name: fleet
    interval: 1s
    rules:
      - alert: InstanceDown
        expr: up == 0
        labels: {severity: critical}
        annotations: {summary: "{{ $labels.instance }} does not answer"}
      - alert: Watchdog
        expr: vector(1)
"#;

/// Appended to [`RULES`]: ambiguous as soon as there are two series.
pub const BROKEN: &str = r"
  - name: broken
    interval: 1s
    rules:
      - record: instance:ambiguous
        expr: up * on () group_left () up
";

/// What it scrapes beside its exporters, and by which rules.
pub struct Options {
    /// Jobs by name, each with its addresses.
    pub jobs: Vec<(String, Vec<String>)>,
    pub rules: String,
}

pub struct Monitoring {
    pub ports: Ports,
    /// Where nobody listens.
    pub absent: u16,
    // Killed before the folder goes: fields drop in this order.
    prometheus: Option<Running>,
    exporters: [Option<Running>; 2],
    _alertmanager: Running,
    folder: TempDir,
}

/// Where everything listens, all on loopback.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    pub prometheus: u16,
    pub alertmanager: u16,
    pub exporters: [u16; 2],
}

impl Monitoring {
    /// Two exporters, one address where nobody is, one rule that fires and one that fails.
    pub fn start() -> Result<Self, Failed> {
        let absent = free_port()?;
        let gone = ("gone".to_owned(), vec![format!("127.0.0.1:{absent}")]);
        let options = Options {
            jobs: vec![gone],
            rules: format!("{RULES}{BROKEN}"),
        };
        let mut running = Self::start_with(&options)?;
        running.absent = absent;
        Ok(running)
    }

    pub fn start_with(options: &Options) -> Result<Self, Failed> {
        let folder = TempDir::with_prefix("midwatch-prometheus-")?;
        let at = folder.path();
        let ports = Ports {
            prometheus: free_port()?,
            alertmanager: free_port()?,
            exporters: [free_port()?, free_port()?],
        };
        fs::write(at.join("rules.yml"), &options.rules)?;
        let route = "route: {receiver: nobody, group_wait: 1s}\nreceivers: [{name: nobody}]\n";
        fs::write(at.join("alertmanager.yml"), route)?;
        fs::write(at.join("prometheus.yml"), config(&options.jobs, ports))?;
        let arguments = [
            listen(ports.alertmanager),
            "--config.file=alertmanager.yml".into(),
            "--storage.path=alerts".into(),
            "--cluster.listen-address=".into(),
        ];
        let program = found(Program::Alertmanager)?;
        let alertmanager = Running::start(&program, arguments, at, "alertmanager.log")?;
        let mut running = Self {
            ports,
            absent: 0,
            prometheus: None,
            exporters: [None, None],
            _alertmanager: alertmanager,
            folder,
        };
        running.start_exporter(0)?;
        running.start_exporter(1)?;
        running.start_prometheus()?;
        Ok(running)
    }

    pub fn start_exporter(&mut self, at: usize) -> Result<(), Failed> {
        let port = self.ports.exporters[at];
        let log = format!("exporter-{port}.log");
        let program = found(Program::NodeExporter)?;
        let running = Running::start(&program, [listen(port)], self.folder.path(), &log)?;
        self.exporters[at] = Some(running);
        Ok(())
    }

    pub fn kill_exporter(&mut self, at: usize) {
        self.exporters[at] = None;
    }

    pub fn start_prometheus(&mut self) -> Result<(), Failed> {
        let arguments = [
            listen(self.ports.prometheus),
            "--config.file=prometheus.yml".into(),
            "--storage.tsdb.path=series".into(),
            // An alert from before the Alertmanager was found is otherwise sent again after 1m.
            "--rules.alert.resend-delay=2s".into(),
        ];
        let program = found(Program::Prometheus)?;
        let at = self.folder.path();
        self.prometheus = Some(Running::start(&program, arguments, at, "prometheus.log")?);
        Ok(())
    }

    pub fn kill_prometheus(&mut self) {
        self.prometheus = None;
    }

    /// The folder that Prometheus tells its rule files in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn exporter(&self, at: usize) -> String {
        format!("127.0.0.1:{}", self.ports.exporters[at])
    }

    /// The target that watches Prometheus, with these queries.
    pub fn prometheus(&self, name: &str, queries: &[&str]) -> Target {
        let queries: Vec<String> = queries.iter().map(|query| (*query).to_owned()).collect();
        let url = format!("http://127.0.0.1:{}", self.ports.prometheus);
        let target = Target::new("prometheus", name).text("url", url);
        if queries.is_empty() {
            return target;
        }
        target.list("queries", &queries)
    }

    pub fn alertmanager(&self, name: &str) -> Target {
        let url = format!("http://127.0.0.1:{}", self.ports.alertmanager);
        Target::new("alertmanager", name).text("url", url)
    }

    /// The target that watches one of the exporters as a host.
    pub fn host(&self, at: usize, name: &str) -> Target {
        Target::new("node-exporter", name).text("address", self.exporter(at))
    }
}

fn listen(port: u16) -> String {
    format!("--web.listen-address=127.0.0.1:{port}")
}

fn config(jobs: &[(String, Vec<String>)], ports: Ports) -> String {
    let [first, second] = ports.exporters;
    let node = vec![format!("127.0.0.1:{first}"), format!("127.0.0.1:{second}")];
    let mut config = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [rules.yml]
alerting:
  alertmanagers:
    - static_configs: [{{targets: ['127.0.0.1:{}']}}]
scrape_configs:
",
        ports.alertmanager
    );
    let jobs = jobs
        .iter()
        .map(|(name, addresses)| (name.as_str(), addresses));
    for (name, addresses) in std::iter::once(("node", &node)).chain(jobs) {
        let _ = writeln!(
            config,
            "  - job_name: {name}\n    static_configs: [{{targets: ['{}']}}]",
            addresses.join("', '")
        );
    }
    config
}
