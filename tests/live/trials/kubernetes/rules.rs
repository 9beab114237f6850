//! What goes wrong with objects on a real control plane is found, by its name and on its subject, and
//! what is well is not accused.

use libtest_mimic::Failed;
use serde_json::json;

use super::shop::Shop;
use crate::Row;
use crate::checked::{Answer, User};
use crate::servers::kube::access::Account;
use crate::servers::kube::{NEEDS, Part, things};

pub const ROWS: &[Row] = &[Row {
    name: "kubernetes::rules::what_is_wrong_is_found_by_its_name_and_nothing_else",
    needs: NEEDS,
    run: found,
}];

const PLACE: &str = "trouble";

/// Nobody wants to wait for minutes.
const SOON: &str = "[defaults]
pod_unscheduled_warning = \"2s\"
pod_stuck_warning = \"2s\"
workload_short_warning = \"2s\"
workload_down_critical = \"2s\"
claim_pending_warning = \"2s\"
namespace_terminating_warning = \"2s\"

";

/// Rule and subject; a star stands for the rest of a generated name.
const WRONG: &[(&str, &str)] = &[
    ("pod-crash-looping", "pod/live/trouble/crashing"),
    ("pod-oom-killed", "pod/live/trouble/crashing"),
    ("image-pull-failing", "pod/live/trouble/pulling"),
    ("pod-evicted", "pod/live/trouble/evicted"),
    ("pod-unschedulable", "pod/live/trouble/stuck-*"),
    ("workload-unavailable", "deployment/live/trouble/stuck"),
    ("rollout-stuck", "deployment/live/trouble/stuck"),
    ("service-without-endpoints", "service/live/trouble/stuck"),
    ("job-failed", "job/live/trouble/late"),
    ("claim-pending", "pvc/live/trouble/data"),
    ("budget-blocks-drain", "pdb/live/trouble/tight"),
    ("quota-nearly-used", "quota/live/trouble/full"),
    ("namespace-stuck", "namespace/live/ghost"),
    ("node-cordoned", "node/live/w-02"),
    ("node-pressure", "node/live/w-03"),
    ("kubelet-versions-apart", "cluster/live"),
];

fn found() -> Result<(), Failed> {
    let shop = Shop::open("rules")?;
    let user = User::configured(SOON, &[shop.target(Account::Reader)?])?;
    user.until("nothing but what is well", Answer::is_well)?;
    spoil(&shop)?;
    let fires = |answer: &Answer, (rule, subject): &(&str, &str)| {
        let mut hits = answer.findings().filter(|finding| finding["rule"] == *rule);
        hits.any(|finding| matches(subject, finding["subject"].as_str().unwrap_or_default()))
    };
    // One after the other, so that a failure names what is missing.
    for wrong in WRONG {
        user.until(&format!("{wrong:?}"), |answer| fires(answer, wrong))?;
    }
    let answer = user.json(&[])?;
    for finding in answer.findings() {
        let subject = finding["subject"].as_str().unwrap_or_default();
        assert!(!subject.contains("/shop/"), "accused and well: {finding:#}");
    }
    Ok(())
}

/// Does a subject fit, the star standing for the rest of it?
pub fn matches(pattern: &str, subject: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => subject.starts_with(beginning),
        None => subject == pattern,
    }
}

fn spoil(shop: &Shop) -> Result<(), Failed> {
    let admin = &shop.admin;
    admin.post("/api/v1/namespaces", &things::namespace(PLACE))?;
    for (path, thing) in things::trouble(PLACE) {
        admin.post(&path, &thing)?;
    }
    let pods = format!("/api/v1/namespaces/{PLACE}/pods");
    let spoiled = [
        ("crashing", things::crashing(7)),
        ("pulling", things::pulling()),
        ("evicted", things::evicted()),
    ];
    for (name, status) in spoiled {
        let path = format!("{pods}/{name}");
        shop.plane
            .until("the pod that is spoiled runs", Part::Kwok, || {
                admin.get(&path).is_ok_and(|pod| things::is_ready(&pod))
            })?;
        admin.patch_lists(&format!("{path}/status"), &status)?;
    }
    let held = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "held", "finalizers": ["live.example/never"]}});
    admin.post("/api/v1/namespaces", &things::namespace("ghost"))?;
    admin.post("/api/v1/namespaces/ghost/configmaps", &held)?;
    admin.delete("/api/v1/namespaces/ghost")?;
    admin.patch(
        "/api/v1/nodes/w-02",
        &json!({"spec": {"unschedulable": true}}),
    )?;
    let pressed = json!({"status": {"conditions": [{"type": "MemoryPressure", "status": "True",
        "reason": "KubeletHasInsufficientMemory"}]}});
    admin.patch_lists("/api/v1/nodes/w-03/status", &pressed)?;
    let old = json!({"status": {"nodeInfo": {"kubeletVersion": "v1.34.2"}}});
    admin.patch_lists("/api/v1/nodes/w-04/status", &old)?;
    Ok(())
}
