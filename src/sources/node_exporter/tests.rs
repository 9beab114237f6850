//! Facts from a recorded body, and the probe against servers on loopback.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::clock::Stamp;
use crate::config::settings::{Settings, Value};
use crate::facts::{
    Cpu, Disk, FactKind, Factual, KernelClock, Limits, Load, Memory, Mount, Nic, Os, Pressure,
    Temperatures,
};
use crate::ids::TargetId;
use crate::units::Bytes;

const RECORDED: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/fixtures/payloads/node-exporter/debian-12-1.5.0.txt"
));

fn scraped(body: &str) -> Harvest {
    let wanted = Wanted::new(WANTED.iter().copied());
    let mut reader = Reader::new(&wanted);
    let mut scrape = Scrape::default();
    reader.push(body.as_bytes(), &mut |sample| scrape.take(sample));
    reader.finish(&mut |sample| scrape.take(sample));
    scrape.harvest("cp-2")
}

fn told<F: Factual>(harvest: &Harvest) -> Option<&F> {
    harvest.facts.iter().find_map(|(_, fact)| F::of(fact))
}

fn parts<F: Factual>(harvest: &Harvest) -> Vec<(String, &F)> {
    let facts = harvest.facts.iter();
    facts
        .filter_map(|(subject, fact)| Some((subject.to_string(), F::of(fact)?)))
        .collect()
}

#[test]
fn a_recorded_host_tells_what_local_would() {
    let harvest = scraped(RECORDED);
    let os: &Os = told(&harvest).unwrap();
    assert_eq!(&*os.name, "Debian GNU/Linux 12 (bookworm)");
    assert_eq!(os.boot_at.unwrap().as_second(), 1_795_250_300);
    assert_eq!(told::<Cpu>(&harvest).unwrap().cores, 2);
    let load: &Load = told(&harvest).unwrap();
    assert_eq!((load.one, load.five, load.fifteen), (1.9, 1.42, 0.96));
    assert_eq!(load.running, Some(3));
    let memory: &Memory = told(&harvest).unwrap();
    assert!(memory.available < memory.total && memory.oom_kills == Some(0));
    let pressure: &Pressure = told(&harvest).unwrap();
    assert_eq!(pressure.cpu_some.unwrap().total, 139.0995);
    assert_eq!(told::<Limits>(&harvest).unwrap().files, Some(716));
    let clock: &KernelClock = told(&harvest).unwrap();
    assert_eq!(
        (clock.synced, clock.max_error, clock.frequency_ppm),
        (false, 16.0, 0.0)
    );
    assert_eq!(told::<Temperatures>(&harvest), None);
    assert_eq!(harvest.lost, []);
}

#[test]
fn devices_of_a_recorded_host_are_the_real_ones() {
    let harvest = scraped(RECORDED);
    let mounts = parts::<Mount>(&harvest);
    assert_eq!((mounts.len(), mounts[0].0.as_str()), (1, "mount/cp-2/"));
    assert_eq!(mounts[0].1.size, Bytes(270_553_174_016));
    let disks = parts::<Disk>(&harvest);
    assert_eq!((disks.len(), disks[0].0.as_str()), (1, "disk/cp-2/vda"));
    assert_eq!(disks[0].1.busy_secs, 26.804_000_000_000_002);
    let nics = parts::<Nic>(&harvest);
    assert_eq!((nics.len(), nics[0].0.as_str()), (1, "nic/cp-2/eth0"));
    assert_eq!(
        (nics[0].1.up, nics[0].1.mtu, nics[0].1.speed),
        (Some(true), Some(1400), None)
    );
}

#[test]
fn a_name_with_commas_and_equal_signs_is_kept() {
    let body = "node_uname_info{nodename=\"a\",release=\"6.1\",version=\"#1 SMP Mon, x=y {z}\",machine=\"arm64\"} 1\n";
    let harvest = scraped(body);
    assert_eq!(&*told::<Os>(&harvest).unwrap().machine, "arm64");
}

#[test]
fn what_is_not_told_is_absent_and_not_zero() {
    let harvest =
        scraped("node_load1 0.5\nnode_memory_MemFree_bytes 5\nnode_timex_sync_status 1\n");
    assert_eq!(harvest.facts, []);
}

#[test]
fn bind_mounts_are_folded_and_a_broken_device_is_lost() {
    let one = |name: &str, device: &str, point: &str, value: f64| {
        format!(
            "node_filesystem_{name}{{device=\"{device}\",fstype=\"ext4\",mountpoint=\"{point}\"}} {value}\n"
        )
    };
    let mut body = String::new();
    for (device, point) in [("/dev/sda1", "/a/bind/mount"), ("/dev/sda1", "/var")] {
        for name in ["size_bytes", "free_bytes", "avail_bytes"] {
            body += &one(name, device, point, 10.0);
        }
    }
    body += &one("device_error", "/dev/sdb1", "/data", 1.0);
    let harvest = scraped(&body);
    let mounts = parts::<Mount>(&harvest);
    assert_eq!((mounts.len(), mounts[0].0.as_str()), (1, "mount/cp-2/var"));
    assert_eq!(harvest.lost.len(), 1);
    assert!(harvest.lost[0].outage.detail.contains("/data"));
}

#[test]
fn a_failed_collector_loses_its_fact_and_a_lacking_sensor_does_not() {
    let harvest = scraped(
        "node_scrape_collector_success{collector=\"meminfo\"} 0\n\
         node_scrape_collector_success{collector=\"hwmon\"} 0\n\
         node_scrape_collector_success{collector=\"cpu\"} 1\n",
    );
    let kinds: Vec<FactKind> = harvest.lost.iter().map(|lost| lost.kind).collect();
    assert_eq!(kinds, [FactKind::Memory]);
}

#[test]
fn a_tunnel_without_opinion_is_not_down() {
    let nic = |extra: &str| {
        let body = format!(
            "node_network_receive_bytes_total{{device=\"wg0\"}} 1\n\
             node_network_transmit_bytes_total{{device=\"wg0\"}} 1\n\
             node_network_up{{device=\"wg0\"}} 0\n{extra}"
        );
        told::<Nic>(&scraped(&body)).unwrap().up
    };
    assert_eq!(
        nic("node_network_info{device=\"wg0\",operstate=\"unknown\"} 1\n"),
        None
    );
    assert_eq!(
        nic("node_network_info{device=\"wg0\",operstate=\"down\"} 1\n"),
        Some(false)
    );
    assert_eq!(nic(""), None);
}

#[test]
fn sensors_are_named_by_chip_and_label() {
    let harvest = scraped(
        "node_hwmon_chip_names{chip=\"platform_coretemp_0\",chip_name=\"coretemp\"} 1\n\
         node_hwmon_sensor_label{chip=\"platform_coretemp_0\",label=\"package_id_0\",sensor=\"temp1\"} 1\n\
         node_hwmon_temp_celsius{chip=\"platform_coretemp_0\",sensor=\"temp1\"} 54\n\
         node_hwmon_temp_crit_celsius{chip=\"platform_coretemp_0\",sensor=\"temp1\"} 100\n\
         node_thermal_zone_temp{type=\"x86_pkg_temp\",zone=\"1\"} 54\n\
         node_thermal_zone_temp{type=\"acpitz\",zone=\"0\"} 27.8\n",
    );
    let Temperatures(sensors) = told(&harvest).unwrap();
    let names: Vec<&str> = sensors.iter().map(|s| &*s.sensor).collect();
    assert_eq!(names, ["coretemp package_id_0", "acpitz 0"]);
    assert_eq!(sensors[0].critical, Some(100.0));
}

#[test]
fn the_clock_lies_between_sending_and_arrival() {
    let sent = Now::fixed();
    let seen = sent.plus(Duration::from_millis(30));
    let time = sent.wall.as_duration().as_secs_f64() + 0.110;
    let offset = offset(time, sent, seen);
    assert!((offset.offset.lo - 0.080).abs() < 2e-6, "{offset:?}");
    assert!((offset.offset.hi - 0.110).abs() < 2e-6, "{offset:?}");
    assert!((offset.round_trip - 0.030).abs() < 1e-9);
}

#[test]
fn a_step_of_our_own_clock_during_the_scrape_widens_nothing() {
    let sent = Now::fixed();
    let mut seen = sent.plus(Duration::from_millis(30));
    seen.wall = seen
        .wall
        .checked_add(jiff::SignedDuration::from_hours(1))
        .unwrap();
    let time = seen.wall.as_duration().as_secs_f64() - 0.010;
    let offset = offset(time, sent, seen);
    assert!(offset.offset.error() < 0.016, "{offset:?}");
    assert_eq!(offset.offset.at_least(), 0.0);
    assert_ne!(sent.stamp, Stamp(0));
}

fn target(key: &str, value: &str) -> TargetConfig {
    let mut settings = Settings::default();
    settings.set(key, Value::Text(value.into()), "test");
    TargetConfig {
        id: TargetId::new("node-exporter", "cp-2"),
        settings,
    }
}

/// Answers one request with what it is given.
async fn serve(response: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 2048];
        let read = stream.read(&mut request).await.unwrap();
        assert!(request[..read].starts_with(b"GET /metrics HTTP/1.1\r\n"));
        stream.write_all(response.as_bytes()).await.unwrap();
    });
    address
}

async fn poll(status: &str, body: &str) -> Answer {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n");
    let address = serve(head + body).await;
    let mut probes = probes(&target("address", &address)).unwrap_or_else(|e| panic!("{e}"));
    probes[0].poll().await
}

#[tokio::test]
async fn a_scrape_bounds_the_clock_of_its_host() {
    let answer = poll("200 OK", RECORDED).await;
    assert_eq!(answer.bytes, RECORDED.len() as u64);
    let harvest = answer.outcome.unwrap();
    let offset: &ClockOffset = told(&harvest).unwrap();
    assert_eq!(offset.witness, Witness::NodeTime);
    assert!(offset.offset.lo < offset.offset.hi);
    let ago = now().wall.as_duration().as_secs_f64() - 1_795_252_972.045_169_6;
    assert!((offset.offset.mid() + ago).abs() < offset.offset.error() + 60.0);
}

#[tokio::test]
async fn another_exporter_is_a_parse_outage_with_a_hint() {
    let outage = poll("200 OK", "etcd_server_has_leader 1\n")
        .await
        .outcome
        .unwrap_err();
    assert_eq!(outage.layer, Layer::Parse);
    assert!(outage.hint.unwrap().contains("another exporter"));
}

#[tokio::test]
async fn a_login_page_is_a_parse_outage_that_cites_it() {
    let page = "<!DOCTYPE html>\n<p>Log in</p>\n";
    let outage = poll("200 OK", page).await.outcome.unwrap_err();
    assert_eq!(outage.layer, Layer::Parse);
    assert!(outage.detail.contains("<!DOCTYPE html>"), "{outage}");
}

#[tokio::test]
async fn a_refusal_is_an_auth_outage_whatever_its_body() {
    let outage = poll("401 Unauthorized", RECORDED)
        .await
        .outcome
        .unwrap_err();
    assert_eq!(outage.layer, Layer::Auth);
}

#[test]
fn one_of_url_and_address_is_wanted() {
    let settings = Settings::default();
    let id = TargetId::new("node-exporter", "cp-2");
    let Err(error) = probes(&TargetConfig { id, settings }) else {
        panic!("made probes of nothing")
    };
    assert!(error.to_string().contains("node-exporter/cp-2"), "{error}");
    let mut both = target("url", "http://a/metrics");
    both.settings
        .set("address", Value::Text("a".into()), "test");
    assert!(probes(&both).is_err());
}

#[test]
fn a_bare_address_gets_the_default_port_and_path() {
    let endpoint = |target: &TargetConfig| {
        let url = target
            .settings
            .text("url")
            .or(target.settings.text("address"));
        Endpoint::from_settings(url.unwrap(), PORT, &target.settings).unwrap()
    };
    let bare = NodeExporter::new("cp-2", endpoint(&target("address", "10.0.0.5")));
    assert_eq!(
        (bare.client.endpoint().port, bare.path.as_str()),
        (9100, "/metrics")
    );
    let whole = NodeExporter::new("cp-2", endpoint(&target("url", "http://a:1/node/m")));
    assert_eq!(
        (whole.client.endpoint().port, whole.path.as_str()),
        (1, "/node/m")
    );
}

#[test]
fn a_number_that_cannot_be_is_refused_and_its_fact_left_out() {
    let total = "node_memory_MemTotal_bytes";
    let rest = "node_memory_MemAvailable_bytes 5\nnode_load5 1\nnode_load15 1\n";
    for value in ["-5", "NaN", "+Inf", "-Inf", "1e300"] {
        let body = format!("{total} {value}\nnode_load1 {value}\n{rest}");
        let harvest = scraped(&body);
        assert_eq!(
            (&harvest.facts[..], harvest.refused),
            (&[][..], 2),
            "{value}"
        );
        let kinds: Vec<FactKind> = harvest.lost.iter().map(|lost| lost.kind).collect();
        assert_eq!(kinds, [FactKind::Load, FactKind::Memory]);
    }
    let lost = scraped(&format!("{total} -5\n")).lost.remove(0);
    assert_eq!(
        lost.outage.to_string(),
        "parse: node_memory_MemTotal_bytes is -5, which cannot be"
    );
}

#[test]
fn no_part_of_a_fact_is_a_zero_for_a_number_that_cannot_be() {
    let body = |free: &str| {
        format!(
            "node_memory_MemTotal_bytes 90\nnode_memory_MemAvailable_bytes 50\n\
             node_memory_MemFree_bytes {free}\n"
        )
    };
    assert!(told::<Memory>(&scraped(&body("40"))).is_some());
    assert_eq!(told::<Memory>(&scraped(&body("-40"))), None);
}

#[test]
fn more_available_than_there_is_cannot_be() {
    let harvest = scraped("node_memory_MemTotal_bytes 50\nnode_memory_MemAvailable_bytes 51\n");
    assert_eq!(told::<Memory>(&harvest), None);
    assert_eq!((harvest.lost.len(), harvest.refused), (1, 1));
    let mut body = String::new();
    for (name, value) in [("size", 10.0), ("free", 11.0), ("avail", 9.0)] {
        body += &format!(
            "node_filesystem_{name}_bytes{{device=\"/dev/a\",fstype=\"ext4\",mountpoint=\"/\"}} {value}\n"
        );
    }
    let harvest = scraped(&body);
    assert_eq!(told::<Mount>(&harvest), None);
    assert_eq!((harvest.lost.len(), harvest.refused), (1, 1));
}

#[test]
fn one_wrong_device_leaves_the_others_as_they_are() {
    let nic = |name: &str, received: &str| {
        format!(
            "node_network_receive_bytes_total{{device=\"{name}\"}} {received}\n\
             node_network_transmit_bytes_total{{device=\"{name}\"}} 1\n\
             node_network_speed_bytes{{device=\"{name}\"}} -125000\n"
        )
    };
    let harvest = scraped(&(nic("eth0", "NaN") + &nic("eth1", "7") + &nic("veth1", "-1")));
    let nics = parts::<Nic>(&harvest);
    assert_eq!((nics.len(), nics[0].0.as_str()), (1, "nic/cp-2/eth1"));
    assert_eq!(harvest.refused, 1, "nobody asked for veth1");
}

#[test]
fn a_wrong_sensor_is_left_out_and_frost_is_no_mistake() {
    let sensor = |name: &str, celsius: &str| {
        format!("node_hwmon_temp_celsius{{chip=\"c\",sensor=\"{name}\"}} {celsius}\n")
    };
    let harvest = scraped(&(sensor("temp1", "-12") + &sensor("temp2", "NaN")));
    let Temperatures(sensors) = told(&harvest).unwrap();
    assert_eq!((sensors.len(), sensors[0].celsius), (1, -12.0));
    assert_eq!(harvest.refused, 1);
}
