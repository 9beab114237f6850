//! A real Kubernetes control plane: what the harness itself promises, and each part's trials.

use libtest_mimic::Failed;
use serde_json::Value;

use crate::Row;
use crate::programs::Program::Kubectl;
use crate::servers::kube::access::{Account, SHOP};
use crate::servers::kube::{NEEDS, Options, Plane, things};

pub const ROWS: &[Row] = &[Row {
    name: "kubernetes::a_whole_plane_stands_and_each_account_sees_what_it_may",
    needs: NEEDS,
    run: stands,
}];

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
