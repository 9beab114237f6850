//! What pods and nodes use, from a server that measures, one that does not, and one that breaks off.

use std::fmt::Write as _;

use midwatch::config::settings::{Settings, Value};
use midwatch::ids::TargetId;
use midwatch::objects::{Delta, ObjectKind, Use};
use midwatch::observation::{Harvest, Layer};
use midwatch::sources::{Probe, SOURCES, TargetConfig};

use crate::loopback::{Server, Step, answer, once, put};

const JSON: &str = "Content-Type: application/json\r\n";
const PODS: usize = 5000;

/// The probe of this cluster that asks what is used.
fn probe(server: &Server, dir: &tempfile::TempDir) -> Box<dyn Probe> {
    let text = format!(
        "current-context: c\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n\
         clusters: [{{name: c, cluster: {{server: \"{}\"}}}}]\nusers: [{{name: u, user: {{}}}}]\n",
        server.url("http")
    );
    let path = put(dir.path(), "kubeconfig", &text);
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let mut settings = Settings::default();
    let text = Value::Text(path.to_str().unwrap().to_owned());
    settings.set("kubeconfig", text, "test");
    let target = TargetConfig {
        id: TargetId::new("kubernetes", "prod"),
        settings,
    };
    let source = SOURCES.iter().find(|source| source.kind == "kubernetes");
    let probes = (source.unwrap().probes)(&target).unwrap();
    let mut probes = probes.into_iter();
    probes
        .find(|probe| probe.endpoint().ends_with(" (use)"))
        .unwrap()
}

fn nodes() -> Step {
    let list = r#"{"kind":"NodeMetricsList","items":[
        {"metadata":{"name":"w-1"},"usage":{"cpu":"250m","memory":"1Ki"}}]}"#;
    answer("200 OK", JSON, list)
}

fn pods() -> String {
    let mut list = String::from(r#"{"kind":"PodMetricsList","metadata":{},"items":["#);
    for at in 0..PODS {
        let comma = if at == 0 { "" } else { "," };
        let _ = write!(
            list,
            r#"{comma}{{"metadata":{{"name":"p-{at}","namespace":"shop"}},"containers":[
                {{"name":"a","usage":{{"cpu":"{at}m","memory":"1Ki"}}}}]}}"#
        );
    }
    list + "]}"
}

fn uses(harvest: Harvest) -> Vec<(ObjectKind, Vec<Use>)> {
    let each = |delta| match delta {
        Delta::Uses(kind, uses) => (kind, uses),
        other => panic!("{other:?}"),
    };
    harvest.deltas.into_iter().map(each).collect()
}

#[tokio::test]
async fn a_long_list_is_read_to_its_end_and_an_api_that_goes_away_is_told_once() {
    let dir = tempfile::tempdir().unwrap();
    let measured = answer("200 OK", JSON, pods());
    let script = vec![Step::Read, nodes(), Step::Read, measured];
    let server = Server::start(vec![script, once("404 Not Found", "", "")]).await;
    let mut probe = probe(&server, &dir);

    let answer = probe.poll().await;
    assert!(answer.bytes > pods().len() as u64);
    let told = uses(answer.outcome.unwrap());
    let [(ObjectKind::Node, of_nodes), (ObjectKind::Pod, of_pods)] = &told[..] else {
        panic!("{told:?}");
    };
    assert_eq!(of_nodes.len(), 1);
    assert_eq!(of_pods.len(), PODS);
    for (at, one) in of_pods.iter().enumerate() {
        assert_eq!(&*one.name, format!("p-{at}"));
        assert_eq!(one.used.cpu_milli, Some(at as u64));
        assert_eq!(one.used.memory, Some(1024));
    }
    let gone = uses(probe.poll().await.outcome.unwrap());
    let nothing = [(ObjectKind::Node, vec![]), (ObjectKind::Pod, vec![])];
    assert_eq!(gone, nothing);
    assert_eq!(uses(probe.poll().await.outcome.unwrap()), []);
}

#[tokio::test]
async fn half_a_list_is_an_outage_and_no_list() {
    let dir = tempfile::tempdir().unwrap();
    let whole = pods();
    let half = answer("200 OK", JSON, &whole[..whole.len() / 2]);
    let script = vec![Step::Read, nodes(), Step::Read, half];
    let server = Server::start(vec![script]).await;
    let outage = probe(&server, &dir).poll().await.outcome.unwrap_err();
    assert_eq!(outage.layer, Layer::Parse);
    assert!(outage.detail.contains("/pods: broke off"), "{outage}");
}
