//! A real Kubernetes control plane: what the harness itself promises, and each part's trials.

pub mod acts;
pub mod faults;
pub mod locked;
pub mod objects;
pub mod panes;
pub mod reading;
pub mod rights;
pub mod rules;
mod shop;

use std::time::Duration;

use libtest_mimic::Failed;
use serde_json::{Value, json};

use crate::Row;
use crate::programs::Program::Kubectl;
use crate::servers::kube::access::{Account, SHOP};
use crate::servers::kube::proxy::{Mode, Proxy};
use crate::servers::kube::raw::Raw;
use crate::servers::kube::stage::{Log, Run};
use crate::servers::kube::{NEEDS, Options, Part, Plane, things};

pub const ROWS: &[Row] = &[
    Row {
        name: "kubernetes::a_whole_plane_stands_and_each_account_sees_what_it_may",
        needs: NEEDS,
        run: stands,
    },
    Row {
        name: "kubernetes::each_part_of_a_plane_dies_and_comes_back_by_itself",
        needs: NEEDS,
        run: parts,
    },
];

fn stands() -> Result<(), Failed> {
    let plane = Plane::start(Options::whole("stands"))?;
    let admin = plane.raw(Account::Admin)?;
    let deployments = format!("/apis/apps/v1/namespaces/{SHOP}/deployments");
    admin.post(&deployments, &things::deployment("web", 12))?;
    let budgets = format!("/apis/policy/v1/namespaces/{SHOP}/poddisruptionbudgets");
    admin.post(&budgets, &things::budget("web", 10))?;
    plane.rolled_out(SHOP, "web")?;

    let pods = format!("/api/v1/namespaces/{SHOP}/pods");
    let seen = plane.raw(Account::Limited)?.list(&pods)?;
    assert_eq!(seen.len(), 12);
    assert!(seen.iter().all(things::is_ready));
    let status = |account, path: &str| -> Result<u16, Failed> {
        Ok(plane.raw(account)?.call("GET", path, None)?.status)
    };
    assert_eq!(status(Account::Limited, "/api/v1/nodes")?, 403);
    assert_eq!(status(Account::Stranger, &pods)?, 403);
    assert_eq!(status(Account::Reader, "/api/v1/nodes")?, 200);
    as_kubectl_says(&plane, &seen)
}

/// The same by the tool that everybody trusts, where it is.
fn as_kubectl_says(plane: &Plane, pods: &[Value]) -> Result<(), Failed> {
    let Some(kubectl) = Kubectl.find() else {
        return Ok(());
    };
    let told = std::process::Command::new(kubectl)
        .arg("--kubeconfig")
        .arg(plane.kubeconfig(Account::Limited)?)
        .args(["-n", SHOP, "get", "pods", "-o", "name"])
        .env_clear()
        .env("HOME", plane.folder())
        .output()?;
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    let mut told: Vec<&str> = told.lines().collect();
    let mut named: Vec<String> = pods
        .iter()
        .map(|pod| format!("pod/{}", things::name(pod)))
        .collect();
    told.sort_unstable();
    named.sort_unstable();
    assert_eq!(told, named);
    Ok(())
}

/// What later trials rely on: lost nodes, an API server that comes back, logs of the kubelet, and a
/// proxy that tells what it saw.
fn parts() -> Result<(), Failed> {
    let mut plane = Plane::start(Options {
        grace: 4,
        ..Options::whole("parts")
    })?;
    let admin = plane.raw(Account::Admin)?;
    admin.post(
        &format!("/api/v1/namespaces/{SHOP}/pods"),
        &things::pod("talker-0"),
    )?;
    let path = format!("/api/v1/namespaces/{SHOP}/pods/talker-0");
    plane.until("talker-0 is ready", Part::Kwok, || {
        admin.get(&path).is_ok_and(|pod| things::is_ready(&pod))
    })?;
    Log::of(plane.folder(), "talker-0", Run::Current).say(["one", "two"])?;
    Log::of(plane.folder(), "talker-0", Run::Previous).say(["zero"])?;
    let proxy = Proxy::start(&plane)?;
    let through = Raw::new(proxy.port(), plane.pki(), Account::Admin.token())?;
    let log = through.call("GET", &format!("{path}/log"), None)?;
    assert_eq!((log.status, &*log.body), (200, "one\ntwo\n"), "{log:?}");
    let log = through.call("GET", &format!("{path}/log?previous=true"), None)?;
    assert_eq!((log.status, &*log.body), (200, "zero\n"), "{log:?}");

    proxy.set(Mode::TooMany(Duration::from_secs(1)));
    assert_eq!(through.call("GET", &path, None)?.status, 429);
    proxy.set(Mode::Cut);
    assert!(through.call("GET", &path, None).is_err());
    proxy.set(Mode::Through);
    through.patch(&path, &json!({"metadata": {"labels": {"said": "yes"}}}))?;
    let mutating = proxy.mutating();
    assert_eq!(mutating.len(), 1, "{mutating:?}");
    assert_eq!(
        (&*mutating[0].method, mutating[0].status),
        ("PATCH", Some(200))
    );

    plane.kill(Part::Kwok);
    plane.until("every node is lost", Part::Controllers, || {
        let nodes = admin.list("/api/v1/nodes").unwrap_or_default();
        nodes
            .iter()
            .all(|node| things::condition(node, "Ready") == "Unknown")
    })?;
    plane.kill(Part::Api);
    assert!(admin.get(&path).is_err());
    plane.restart(Part::Api)?;
    plane.restart(Part::Kwok)?;
    plane.ready()?;
    assert_eq!(admin.get(&path)?["metadata"]["labels"]["said"], "yes");
    plane.until("every node is back", Part::Kwok, || {
        let nodes = admin.list("/api/v1/nodes").unwrap_or_default();
        nodes.len() == 6 && nodes.iter().all(things::is_ready)
    })
}
