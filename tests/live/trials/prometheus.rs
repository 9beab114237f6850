//! Prometheus and Alertmanager with something to tell.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;

use libtest_mimic::Failed;
use midwatch::facts::{
    AlertState, AlertmanagerStatus, Alerts, ClockOffset, PrometheusStatus, Queries, RuleGroups,
    ScrapeTargets, VolumeUses,
};
use midwatch::observation::Layer;
use midwatch::subject::Subject;

use crate::Row;
use crate::checked::User;
use crate::programs::Program::{Alertmanager, NodeExporter, Prometheus};
use crate::servers::prometheus::{Monitoring, Options, RULES};
use crate::target::config_toml;
use crate::watch::Watch;

pub const ROWS: &[Row] = &[
    Row {
        name: "prometheus::targets_rules_alerts_and_queries_are_told",
        needs: &[Prometheus, NodeExporter, Alertmanager],
        run: all_told,
    },
    Row {
        name: "prometheus::another_server_at_the_url_is_not_taken_for_it",
        needs: &[Prometheus, NodeExporter, Alertmanager],
        run: not_prometheus,
    },
    Row {
        name: "prometheus::a_volume_claim_that_kubelets_tell_is_nearly_full",
        needs: &[Prometheus, NodeExporter, Alertmanager],
        run: nearly_full,
    },
];

fn all_told() -> Result<(), Failed> {
    let running = Monitoring::start()?;
    let queries = ["count(up)", "up{job=\"gone\"}", "up{"];
    let targets = [
        running.prometheus("live", &queries),
        running.alertmanager("live"),
    ];
    let server = Subject::prometheus("live");
    let receiver = Subject::alertmanager("live");
    let mut watch = Watch::new(&targets)?;
    watch.until("an alert that reached the Alertmanager", |snapshot| {
        let fires = |subject| {
            let alerts = snapshot.fresh::<Alerts>(subject);
            alerts.is_ok_and(|alerts| {
                let mut alerts = alerts.value.0.iter();
                alerts.any(|a| &*a.name == "InstanceDown" && a.state == AlertState::Firing)
            })
        };
        let up = snapshot
            .fresh::<ScrapeTargets>(&server)
            .map_or(0, |targets| targets.value.up);
        // The failing rule fails only once there is more than one series to be ambiguous about.
        let failing = snapshot
            .fresh::<RuleGroups>(&server)
            .is_ok_and(|groups| groups.value.0.iter().any(|g| !g.failing.is_empty()));
        fires(&server) && fires(&receiver) && up == 2 && failing
    })?;

    let status: PrometheusStatus = watch.fact(&server)?;
    assert!(status.ready && status.config_ok == Some(true), "{status:?}");
    assert!(!status.version.is_empty() && status.started_at.is_some());
    assert!(status.head_series.is_some_and(|n| n > 100) && status.head_max_at.is_some());
    assert_eq!(status.alertmanagers.as_ref().map(Vec::len), Some(1));

    let scraped: ScrapeTargets = watch.fact(&server)?;
    assert_eq!((scraped.up, scraped.down), (2, 1));
    let absent = format!("127.0.0.1:{}", running.absent);
    assert_eq!(*scraped.failing[0].instance, *absent);
    assert!(scraped.failing[0].error.contains("refused"), "{scraped:?}");

    let groups: RuleGroups = watch.fact(&server)?;
    let broken = groups.0.iter().find(|g| &*g.name == "broken");
    assert_eq!(broken.map(|g| g.failing.len()), Some(1), "{groups:?}");
    let fleet = groups.0.iter().find(|g| &*g.name == "fleet");
    assert_eq!(fleet.map(|g| g.watchdogs.len()), Some(1), "{groups:?}");

    let Queries(results) = watch.fact(&server)?;
    assert_eq!(results.len(), 3);
    let value = |at: usize| Some(results[at].result.as_ref().ok()?.first()?.value);
    assert_eq!((value(0), value(1)), (Some(3.0), Some(0.0)));
    assert!(
        results[2]
            .result
            .as_ref()
            .is_err_and(|e| e.contains("bad_data"))
    );

    let clock: ClockOffset = watch.fact(&server)?;
    assert!(clock.offset.at_least() == 0.0, "{clock:?}");

    let status: AlertmanagerStatus = watch.fact(&receiver)?;
    assert!(status.ready && status.silences == Some(0), "{status:?}");
    for target in watch.snapshot().model.feeds() {
        assert!(target.lost.is_empty(), "{}", watch.describe());
    }
    Ok(())
}

/// What two kubelets tell of one volume that both of them mount.
const KUBELET: &str = r#"# TYPE kubelet_volume_stats_used_bytes gauge
kubelet_volume_stats_used_bytes{namespace="shop",persistentvolumeclaim="data"} 9.8e+10
# TYPE kubelet_volume_stats_capacity_bytes gauge
kubelet_volume_stats_capacity_bytes{namespace="shop",persistentvolumeclaim="data"} 1e+11
# TYPE kubelet_volume_stats_inodes_used gauge
kubelet_volume_stats_inodes_used{namespace="shop",persistentvolumeclaim="data"} 17
# TYPE kubelet_volume_stats_inodes gauge
kubelet_volume_stats_inodes{namespace="shop",persistentvolumeclaim="data"} 1000
"#;

/// Answers every request with the text, for as long as the trials run.
fn serve(text: &'static str) -> Result<String, Failed> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?.to_string();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A scrape that breaks off is Prometheus' to tell.
            answer(stream, text).ok();
        }
    });
    Ok(address)
}

fn answer(mut stream: TcpStream, text: &str) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut piece = [0; 1024];
    while !head.ends_with(b"\r\n\r\n") {
        let read = stream.read(&mut piece)?;
        if read == 0 {
            return Ok(());
        }
        head.extend_from_slice(&piece[..read]);
    }
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{text}",
        text.len()
    )
}

/// No cluster is watched here, so that nobody can say whose claim it is.
fn nearly_full() -> Result<(), Failed> {
    let kubelets = vec![serve(KUBELET)?, serve(KUBELET)?];
    let running = Monitoring::start_with(&Options {
        jobs: vec![("kubelet".into(), kubelets)],
        rules: RULES.into(),
    })?;
    let target = running.prometheus("live", &[]).text("cluster", "prod");
    let server = Subject::prometheus("live");
    let mut watch = Watch::new(std::slice::from_ref(&target))?;
    watch.until("four scrape targets and a claim", |snapshot| {
        let up = snapshot.fresh::<ScrapeTargets>(&server);
        let told = snapshot.fresh::<VolumeUses>(&server);
        up.is_ok_and(|up| up.value.up == 4) && told.is_ok_and(|told| !told.value.uses.is_empty())
    })?;
    let told: VolumeUses = watch.fact(&server)?;
    assert_eq!(told.cluster.as_deref(), Some("prod"));
    let [one] = told.uses.as_slice() else {
        return Err(format!("it is one claim, whoever tells it: {told:?}").into());
    };
    assert_eq!((&*one.namespace, &*one.claim), ("shop", "data"));
    assert_eq!(
        (one.used, one.capacity),
        (Some(98_000_000_000), Some(100_000_000_000))
    );
    assert_eq!((one.inodes_used, one.inodes), (Some(17), Some(1000)));
    assert_eq!(one.cluster, None);

    let user = User::new(&[target])?;
    let answer = user.until("the claim is told", |answer| {
        answer.finds("claim-nearly-full", "prometheus/live")
    })?;
    let row = answer.finding("claim-nearly-full", "prometheus/live");
    let summary = row["summary"].as_str().unwrap_or_default();
    assert!(
        summary.ends_with("not known: shop/data"),
        "{}",
        answer.text()
    );
    Ok(())
}

/// The exporter answers every path with a page or a 404: an outage, never an empty Prometheus.
fn not_prometheus() -> Result<(), Failed> {
    let running = Monitoring::start()?;
    let exporter = format!("http://{}", running.exporter(0));
    let wrong = running
        .prometheus("wrong", &[])
        .without("url")
        .text("url", &exporter);
    let right = running.prometheus("right", &[]);
    let mut watch = Watch::new(&[wrong.clone(), right])?;
    watch.until("the exporter is up, as Prometheus sees it", |snapshot| {
        let right = Subject::prometheus("right");
        let targets = snapshot.fresh::<ScrapeTargets>(&right);
        targets.is_ok_and(|targets| targets.value.up == 2)
    })?;
    watch.poll();
    let feed = watch.feed(&exporter)?;
    let layer = feed.outage.as_ref().map(|outage| outage.layer);
    let known = [Some(Layer::Protocol), Some(Layer::Parse)];
    assert!(known.contains(&layer), "{}", watch.describe());
    assert!(config_toml(&[wrong]).contains(&exporter));
    Ok(())
}
