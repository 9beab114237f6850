//! Every pane over objects against the raw API of a real control plane, at rest and after changes.

use libtest_mimic::Failed;
use serde_json::{Value, json};

use super::shop::{PODS, Shop, pods_path};
use crate::Row;
use crate::checked::User;
use crate::programs::Program::Kubectl;
use crate::seat::{Screen, Seat};
use crate::servers::kube::access::{Account, Context, SHOP};
use crate::servers::kube::{NEEDS, things};
use crate::target::Target;

pub const ROWS: &[Row] = &[
    Row {
        name: "kubernetes::panes::every_pane_shows_what_the_api_server_has",
        needs: NEEDS,
        run: as_it_is,
    },
    Row {
        name: "kubernetes::panes::what_changes_on_the_server_changes_in_the_rows",
        needs: NEEDS,
        run: as_it_becomes,
    },
    Row {
        name: "kubernetes::panes::two_clusters_stand_in_one_table",
        needs: NEEDS,
        run: side_by_side,
    },
];

/// A row's name and the words that it must hold.
type Wanted = (String, Vec<String>);

fn shows(screen: &Screen, wanted: &[Wanted]) -> bool {
    wanted.iter().all(|(name, words)| {
        let row = screen.row(name);
        words.iter().all(|word| row.contains(&&**word))
    })
}

/// Waits until a pane has these rows.
fn expect(seat: &Seat, pane: &str, wanted: &[Wanted]) -> Result<Screen, Failed> {
    let told: Vec<String> = wanted
        .iter()
        .map(|(name, words)| format!("{name} {}", words.join(" ")))
        .collect();
    let rows = midwatch::units::counted(wanted.len(), "row");
    seat.until(&format!("{pane}: {rows}\n{}", told.join("\n")), |screen| {
        screen.has(&rows) && shows(screen, wanted)
    })
}

fn pod_rows(pods: &[Value]) -> Vec<Wanted> {
    let row = |pod: &Value| {
        let done = pod["status"]["phase"] == "Succeeded";
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let words = vec![
            things::namespace_of(pod).to_owned(),
            if done { "0/1" } else { "1/1" }.to_owned(),
            if done { "Completed" } else { "Running" }.to_owned(),
            text(&pod["spec"]["nodeName"]),
            text(&pod["status"]["podIP"]),
        ];
        (things::name(pod).to_owned(), words)
    };
    pods.iter().map(row).collect()
}

fn node_rows(nodes: &[Value], pods: &[Value]) -> Vec<Wanted> {
    let row = |node: &Value| {
        let on = pods.iter().filter(|pod| {
            pod["spec"]["nodeName"] == node["metadata"]["name"]
                && pod["status"]["phase"] == "Running"
        });
        let mut words = vec![format!("{}/110", on.count()), "v1.36.3".to_owned()];
        words.push(
            if things::is_cordoned(node) {
                "cordoned"
            } else {
                "Ready"
            }
            .to_owned(),
        );
        (things::name(node).to_owned(), words)
    };
    nodes.iter().map(row).collect()
}

fn as_it_is() -> Result<(), Failed> {
    let shop = Shop::open("panes")?;
    let user = shop.user(Account::Reader)?;
    let mut seat = Seat::wide(&user, &["--open", "pods"])?;
    let pods = shop.admin.list("/api/v1/pods")?;
    let screen = expect(&seat, "pods", &pod_rows(&pods))?;
    as_kubectl_says(&shop, &screen)?;

    seat.press(":nodes\r")?;
    let nodes = shop.admin.list("/api/v1/nodes")?;
    expect(&seat, "nodes", &node_rows(&nodes, &pods))?;

    seat.press(":workloads\r")?;
    let of = |name: &str, words: &[&str]| -> Wanted {
        (
            name.to_owned(),
            words.iter().map(|word| (*word).to_owned()).collect(),
        )
    };
    let workloads = [
        of("web", &["deployment", "12/12", "web:v1.4"]),
        of("db", &["statefulset", "3/3", "db:v1.4"]),
        of("agent", &["daemonset", "6/6", "agent:v1.4"]),
        of("import", &["job", "1/1"]),
        of("nightly", &["cronjob"]),
    ];
    expect(&seat, "workloads", &workloads)?;

    seat.press(":clusters\r")?;
    // A pod that has done its work is none that should be ready.
    let pods = format!("{0}/{0}", PODS - 1);
    expect(
        &seat,
        "clusters",
        &[of("live", &["v1.36.3", "pass", "6/6", &pods, "0", "-"])],
    )?;

    seat.press(":events\r")?;
    let screen = seat.until("the events", |screen| screen.has("Scheduled"))?;
    let events = shop.admin.list("/api/v1/events")?;
    let known = |line: &str| {
        let told = |event: &Value| {
            let name = event["involvedObject"]["name"].as_str().unwrap_or("?");
            let reason = event["reason"].as_str().unwrap_or("?");
            line.contains(&format!("/{name} ")) && line.contains(reason)
        };
        events.iter().any(told)
    };
    let rows = screen.0.lines().filter(|line| line.contains(" Normal "));
    let unknown: Vec<&str> = rows
        .filter(|line| line.contains("pod/") && !known(line))
        .collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
    seat.quit()
}

/// The same pods by the tool that everybody trusts, where it is.
fn as_kubectl_says(shop: &Shop, screen: &Screen) -> Result<(), Failed> {
    let Some(kubectl) = Kubectl.find() else {
        return Ok(());
    };
    let told = std::process::Command::new(kubectl)
        .arg("--kubeconfig")
        .arg(shop.plane.kubeconfig(Account::Reader)?)
        .args(["get", "pods", "-A", "--no-headers", "-o", "wide"])
        .env_clear()
        .env("HOME", shop.plane.folder())
        .output()?;
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    let mut count = 0;
    for line in told.lines() {
        // NAMESPACE NAME READY STATUS RESTARTS AGE IP NODE
        let words: Vec<&str> = line.split_whitespace().collect();
        let row = screen.row(words[1]);
        for at in [0, 2, 3, 4, 6, 7] {
            assert!(
                row.contains(&words[at]),
                "kubectl: {line}\nmidwatch: {}",
                row.join(" ")
            );
        }
        count += 1;
    }
    assert_eq!(count, PODS);
    Ok(())
}

fn as_it_becomes() -> Result<(), Failed> {
    let shop = Shop::open("panes-change")?;
    let user = shop.user(Account::Reader)?;
    let mut seat = Seat::wide(&user, &["--open", "pods"])?;
    expect(&seat, "pods", &pod_rows(&shop.admin.list("/api/v1/pods")?))?;
    let web = format!("/apis/apps/v1/namespaces/{SHOP}/deployments/web");
    shop.admin.patch(&web, &json!({"spec": {"replicas": 2}}))?;
    shop.plane.rolled_out(SHOP, "web")?;
    seat.until("ten rows fewer", |screen| {
        screen.has(&format!("{} rows", PODS - 10))
    })?;
    // Who runs now is known only to the server.
    let gone = |pod: &Value| !pod["metadata"]["deletionTimestamp"].is_null();
    let mut pods = shop.admin.list("/api/v1/pods")?;
    pods.retain(|pod| !gone(pod));
    expect(&seat, "pods", &pod_rows(&pods))?;
    let broken = format!("{}/db-1", pods_path());
    shop.admin
        .patch_lists(&format!("{broken}/status"), &things::crashing(7))?;
    seat.until("the crash loop", |screen| {
        let row = screen.row("db-1");
        row.contains(&"CrashLoopBackOff")
            && row.contains(&"0/1")
            && row.iter().any(|word| word.starts_with('7'))
    })?;
    shop.admin.patch(
        "/api/v1/nodes/w-05",
        &json!({"spec": {"unschedulable": true}}),
    )?;
    seat.press(":nodes\r")?;
    seat.until("the cordon", |screen| {
        !screen.line(&["w-05", "cordoned"]).is_empty()
    })?;
    seat.press(":workloads\r")?;
    seat.until("what is left of the web", |screen| {
        screen.row("web").contains(&"2/2")
    })?;
    seat.quit()
}

fn side_by_side() -> Result<(), Failed> {
    let one = Shop::open("side-one")?;
    let two = Shop::open("side-two")?;
    let contexts = [
        Context::new("north", &one.plane.url(), Account::Reader),
        Context::new("south", &two.plane.url(), Account::Reader),
    ];
    let targets =
        [(&one, "north"), (&two, "south")].map(|(shop, name)| -> Result<Target, Failed> {
            let kubeconfig = shop.plane.kubeconfig_of("both.kubeconfig", &contexts)?;
            Ok(Target::new("kubernetes", name)
                .text("kubeconfig", kubeconfig.display().to_string())
                .text("context", name))
        });
    let targets = targets.into_iter().collect::<Result<Vec<_>, _>>()?;
    let user = User::new(&targets)?;
    let mut seat = Seat::wide(&user, &["--open", "nodes"])?;
    seat.until("the nodes of both", |screen| {
        let of = |cluster: &str| {
            screen
                .0
                .lines()
                .filter(|line| line.contains(cluster) && line.contains(" w-0"))
                .count()
        };
        screen.has("12 rows") && of("north") == 6 && of("south") == 6
    })?;
    seat.press(":clusters\r")?;
    seat.until("both clusters", |screen| {
        !screen.row("north").is_empty() && !screen.row("south").is_empty()
    })?;
    drop(two);
    seat.until("one of them is silent, the other well", |screen| {
        screen.row("north").contains(&"ok") && !screen.row("south").contains(&"ok")
    })?;
    seat.quit()
}
