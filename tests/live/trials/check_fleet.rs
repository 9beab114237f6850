//! `midwatch check` on a monitored fleet and on a time server, as a user sees it.

use libtest_mimic::Failed;
use serde_json::Value;

use crate::Row;
use crate::checked::{Answer, User};
use crate::programs::Program::{Alertmanager, Chronyd, NodeExporter, Prometheus};
use crate::servers::chrony;
use crate::servers::prometheus::Monitoring;
use crate::target::Target;

pub const ROWS: &[Row] = &[
    Row {
        name: "check_fleet::what_monitoring_knows_is_told_and_its_loss_is_not_health",
        needs: &[Prometheus, NodeExporter, Alertmanager],
        run: monitoring,
    },
    Row {
        name: "check_fleet::every_format_tells_the_same_broken_fleet",
        needs: &[Prometheus, NodeExporter, Alertmanager],
        run: formats,
    },
    Row {
        name: "check_fleet::a_second_sample_leaves_no_rate_undecided",
        needs: &[Prometheus, NodeExporter, Alertmanager],
        run: second_sample,
    },
    Row {
        name: "check_fleet::a_time_server_that_stops_is_an_outage",
        needs: &[Chronyd],
        run: time_server,
    },
];

const HOSTS: [&str; 2] = ["host/w-03", "host/w-17"];
const EXPORTERS: [&str; 2] = ["node-exporter/w-03", "node-exporter/w-17"];
const SERVER: &str = "prometheus/main";

fn targets(running: &Monitoring) -> Vec<Target> {
    let often = |target: Target| target.text("period", "2s").text("timeout", "1500ms");
    vec![
        often(running.host(0, "w-03")),
        often(running.host(1, "w-17")),
        often(running.prometheus("main", &[])),
        often(running.alertmanager("main")),
    ]
}

fn alert(answer: &Answer) -> Option<&Value> {
    let mut alerts = answer
        .findings()
        .filter(|row| row["rule"] == "alert-firing");
    alerts.find(|row| {
        let summary = row["summary"].as_str().unwrap_or_default();
        summary.contains("InstanceDown")
    })
}

/// Everything that the world has to tell has been told.
fn told(answer: &Answer) -> bool {
    answer.finds("prometheus-target-down", SERVER)
        && answer.finds("prometheus-rule-failing", SERVER)
        && !answer.finds("prometheus-watchdog-absent", SERVER)
        && alert(answer).is_some()
}

fn exporters_answer(answer: &Answer) -> bool {
    let well = |(exporter, host): (&&str, &&str)| {
        answer.target(exporter)["state"] == "ok" && !answer.finds("target-down", host)
    };
    EXPORTERS.iter().zip(&HOSTS).all(well)
}

fn monitoring() -> Result<(), Failed> {
    let mut running = Monitoring::start()?;
    let user = User::new(&targets(&running))?;
    let answer = user.until("targets, rules and alerts", told)?;
    let text = answer.text();
    assert!(exporters_answer(&answer), "{text}");
    assert_eq!(answer.target(SERVER)["state"], "ok", "{text}");
    let down = answer.finding("prometheus-target-down", SERVER);
    let absent = format!("127.0.0.1:{}", running.absent);
    let summary = down["summary"].as_str().unwrap_or_default();
    assert!(summary.contains(&absent), "{text}");
    assert_eq!(
        alert(&answer).unwrap_or(&Value::Null)["severity"],
        "critical"
    );

    running.kill_exporter(0);
    let answer = user.until("Prometheus misses the exporter too", |answer| {
        answer.finds("prometheus-target-down", HOSTS[0])
    })?;
    one_exporter_gone(&answer);

    running.start_exporter(0)?;
    user.until("the exporter is back", |answer| {
        exporters_answer(answer) && !answer.finds("prometheus-target-down", HOSTS[0])
    })?;

    running.kill_prometheus();
    let answer = user.json(&[])?;
    let text = answer.text();
    assert_eq!(answer.code, 2, "{text}");
    assert_eq!(answer.target(SERVER)["state"], "bad", "{text}");
    assert_eq!(answer.target(SERVER)["error"]["layer"], "tcp", "{text}");
    assert_eq!(
        answer.finding("target-down", SERVER)["severity"],
        "critical"
    );
    // What it alone could tell is not well: it is not known.
    let unknown = answer.finding("not-known", SERVER);
    assert_eq!(unknown["severity"], "unknown", "{text}");
    assert_eq!(unknown["cause"]["rule"], "target-down", "{text}");
    assert_eq!(answer.state(SERVER), "bad", "{text}");
    assert!(exporters_answer(&answer), "{text}");
    Ok(())
}

fn one_exporter_gone(answer: &Answer) {
    let text = answer.text();
    let [gone, left] = EXPORTERS;
    assert_eq!(answer.target(gone)["state"], "bad", "{text}");
    assert_eq!(answer.target(gone)["error"]["layer"], "tcp", "{text}");
    assert_eq!(answer.target(left)["state"], "ok", "{text}");
    assert_eq!(answer.target(SERVER)["state"], "ok", "{text}");
    assert!(answer.finds("target-down", HOSTS[0]), "{text}");
    assert!(!answer.finds("target-down", HOSTS[1]), "{text}");
    assert!(!answer.finds("not-known", HOSTS[1]), "{text}");
    let scrape = answer.finding("prometheus-target-down", HOSTS[0]);
    assert_eq!(scrape["cause"]["rule"], "target-down", "{text}");
    assert_eq!(scrape["cause"]["subject"], HOSTS[0], "{text}");
}

fn formats() -> Result<(), Failed> {
    let mut running = Monitoring::start()?;
    let user = User::new(&targets(&running))?;
    user.until("targets, rules and alerts", told)?;
    running.kill_exporter(0);
    let answer = user.until("the exporter is missed", |answer| {
        answer.finds("prometheus-target-down", HOSTS[0])
    })?;
    let summary = answer.finding("target-down", HOSTS[0])["summary"].clone();
    let summary = summary.as_str().unwrap_or_default();
    for format in ["text", "markdown", "junit", "prometheus"] {
        let ran = user.check(&["-o", format])?;
        let out = &ran.out;
        assert_eq!(ran.code, answer.code, "{format}: {out}");
        assert_eq!(ran.err, "", "{format}");
        for word in ["target-down", "prometheus-rule-failing", HOSTS[0], SERVER] {
            assert!(out.contains(word), "{format} lacks {word}: {out}");
        }
        match format {
            "prometheus" => series(out, &answer)?,
            _ => assert!(out.contains(summary), "{format}: {out}"),
        }
        if format == "junit" {
            assert!(out.starts_with("<?xml"), "{out}");
            let cases = out.matches("<testcase").count();
            assert!(out.contains(&format!("tests=\"{cases}\"")), "{out}");
        }
    }
    Ok(())
}

/// The samples say what the JSON says.
fn series(out: &str, answer: &Answer) -> Result<(), Failed> {
    let lines = out.lines().map(|line| Ok(line.to_owned()));
    let scrape = prometheus_parse::Scrape::parse(lines)?;
    let value = |metric: &str, label: &str, of: &str| {
        let mut samples = scrape.samples.iter();
        samples
            .find(|sample| sample.metric == metric && sample.labels.get(label) == Some(of))
            .map(|sample| sample.value.clone())
    };
    let gauge = |number| Some(prometheus_parse::Value::Gauge(number));
    let up = |id| value("midwatch_target_up", "target", id);
    assert_eq!(
        (up(EXPORTERS[0]), up(EXPORTERS[1])),
        (gauge(0.0), gauge(1.0))
    );
    let mut codes = scrape.samples.iter();
    let code = codes.find(|sample| sample.metric == "midwatch_check_exit_code");
    let code = code.map(|sample| sample.value.clone());
    assert_eq!(code, gauge(f64::from(answer.code)), "{out}");
    Ok(())
}

fn second_sample() -> Result<(), Failed> {
    let running = Monitoring::start()?;
    let user = User::new(&targets(&running))?;
    let once = user.until("targets, rules and alerts", told)?;
    let waiting = |answer: &Answer| answer.report["waiting_for_second_sample"].as_u64();
    assert!(
        waiting(&once).is_some_and(|count| count > 0),
        "{}",
        once.text()
    );
    let twice = user.json(&["--wait"])?;
    assert_eq!(waiting(&twice), Some(0), "{}", twice.text());
    for host in HOSTS {
        assert!(!twice.finds("not-known", host), "{}", twice.text());
    }
    Ok(())
}

fn time_server() -> Result<(), Failed> {
    let mut running = chrony::Chronyd::start()?;
    let user = User::new(&[running.target("pool")])?;
    let answer = user.until("an answer of chronyd", Answer::is_well)?;
    assert_eq!(answer.state("sntp/pool"), "ok", "{}", answer.text());
    running.stop();
    let answer = user.json(&[])?;
    let text = answer.text();
    assert_ne!(answer.code, 0, "{text}");
    assert_eq!(answer.target("sntp/pool")["state"], "bad", "{text}");
    assert!(answer.finds("target-down", "sntp/pool"), "{text}");
    assert_eq!(answer.state("sntp/pool"), "bad", "{text}");
    let hint = &answer.target("sntp/pool")["error"]["hint"];
    assert!(hint.is_string(), "{text}");
    Ok(())
}
