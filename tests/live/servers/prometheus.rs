//! A real Prometheus that scrapes two node exporters and one address where nobody is, with an
//! Alertmanager behind it, one rule that fires and one that fails.

use std::fs;

use libtest_mimic::Failed;
use tempfile::TempDir;

use super::{Running, found, free_port};
use crate::programs::Program;
use crate::target::Target;

const RULES: &str = r#"
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
  - name: broken
    interval: 1s
    rules:
      - record: instance:ambiguous
        expr: up * on () group_left () up
"#;

pub struct Monitoring {
    prometheus: u16,
    alertmanager: u16,
    pub exporters: [u16; 2],
    /// Where nobody listens.
    pub absent: u16,
    // Killed before the folder goes: fields drop in this order.
    _running: Vec<Running>,
    _folder: TempDir,
}

impl Monitoring {
    pub fn start() -> Result<Self, Failed> {
        let folder = TempDir::with_prefix("midwatch-prometheus-")?;
        let at = folder.path();
        let exporters = [free_port()?, free_port()?];
        let (prometheus, alertmanager, absent) = (free_port()?, free_port()?, free_port()?);
        fs::write(at.join("rules.yml"), RULES)?;
        let route = "route: {receiver: nobody, group_wait: 1s}\nreceivers: [{name: nobody}]\n";
        fs::write(at.join("alertmanager.yml"), route)?;
        let [first, second] = exporters;
        let config = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [rules.yml]
alerting:
  alertmanagers:
    - static_configs: [{{targets: ['127.0.0.1:{alertmanager}']}}]
scrape_configs:
  - job_name: node
    static_configs: [{{targets: ['127.0.0.1:{first}', '127.0.0.1:{second}']}}]
  - job_name: gone
    static_configs: [{{targets: ['127.0.0.1:{absent}']}}]
"
        );
        fs::write(at.join("prometheus.yml"), config)?;
        let listen = |port: u16| format!("--web.listen-address=127.0.0.1:{port}");
        let mut running = Vec::new();
        for port in exporters {
            let program = found(Program::NodeExporter)?;
            let log = format!("exporter-{port}.log");
            running.push(Running::start(&program, [listen(port)], at, &log)?);
        }
        let arguments = [
            listen(alertmanager),
            "--config.file=alertmanager.yml".into(),
            "--storage.path=alerts".into(),
            "--cluster.listen-address=".into(),
        ];
        let program = found(Program::Alertmanager)?;
        running.push(Running::start(&program, arguments, at, "alertmanager.log")?);
        let arguments = [
            listen(prometheus),
            "--config.file=prometheus.yml".into(),
            "--storage.tsdb.path=series".into(),
        ];
        let program = found(Program::Prometheus)?;
        running.push(Running::start(&program, arguments, at, "prometheus.log")?);
        Ok(Self {
            prometheus,
            alertmanager,
            exporters,
            absent,
            _running: running,
            _folder: folder,
        })
    }

    /// The target that watches Prometheus, with these queries.
    pub fn prometheus(&self, name: &str, queries: &[&str]) -> Target {
        let queries: Vec<String> = queries.iter().map(|query| (*query).to_owned()).collect();
        Target::new("prometheus", name)
            .text("url", format!("http://127.0.0.1:{}", self.prometheus))
            .list("queries", &queries)
    }

    pub fn alertmanager(&self, name: &str) -> Target {
        Target::new("alertmanager", name)
            .text("url", format!("http://127.0.0.1:{}", self.alertmanager))
    }
}
