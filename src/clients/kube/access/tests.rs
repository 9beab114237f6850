//! Every kubeconfig among the fixtures says itself what is to be made of it.

use std::fmt::Write as _;

use super::*;

/// Planted in every fixture that holds a secret.
const CANARY: &str = "hunter2";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/kubeconfigs")
}

fn environment() -> Environment {
    Environment::of(&[("PATH", "/bin:relative")])
}

/// What was made of it, a line for each thing.
fn told(loaded: Result<Access, Trouble>) -> String {
    let mut out = String::new();
    let access = match loaded {
        Ok(access) => access,
        Err(Trouble {
            place,
            problem,
            hint,
        }) => {
            return format!("trouble at {place}: {problem}\nhint: {hint}\n");
        }
    };
    let _ = writeln!(out, "context {}", access.context);
    if let Some(namespace) = &access.namespace {
        let _ = writeln!(out, "namespace {namespace}");
    }
    let endpoint = &access.endpoint;
    let scheme = if endpoint.secure { "https" } else { "http" };
    let place = endpoint.authority();
    let place = place.strip_suffix(":443").unwrap_or(&place);
    let _ = write!(out, "server {scheme}://{place}");
    if let Some(name) = &endpoint.server_name {
        let _ = write!(out, " as {name}");
    }
    if !endpoint.prefix.is_empty() {
        let _ = write!(out, " below {}", endpoint.prefix);
    }
    let _ = match (&endpoint.ca, endpoint.secure, endpoint.insecure) {
        (_, false, _) => writeln!(out, ", plain"),
        (_, _, true) => writeln!(out, ", not verified"),
        (None, ..) => writeln!(out, ", verified by the system's authorities"),
        (Some(Given::File(path)), ..) => writeln!(out, ", verified by file {}", path.display()),
        (Some(given), ..) => writeln!(out, ", verified by {given}"),
    };
    if let Some(proxy) = &endpoint.proxy {
        let _ = writeln!(out, "through {proxy:?}");
    }
    if let Some(cert) = &endpoint.cert {
        let _ = writeln!(out, "client certificate {cert}");
    }
    if !access.impersonate.is_empty() {
        let pairs = access.impersonate.iter();
        let pairs: Vec<String> = pairs
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        let _ = writeln!(out, "as {}", pairs.join(", "));
    }
    let _ = match &access.proof {
        Proof::Nothing => writeln!(out, "no proof"),
        Proof::Fixed(header) if header.as_bytes().starts_with(b"Basic ") => {
            writeln!(out, "basic authentication")
        }
        Proof::Fixed(_) => writeln!(out, "bearer token"),
        Proof::File(path, None) => writeln!(out, "token from {}", path.display()),
        Proof::File(path, Some(_)) => {
            writeln!(
                out,
                "token from {}, else the one that is written",
                path.display()
            )
        }
        Proof::Plugin(plugin) => match plugin.permit(&["/bin/cat".to_owned()]) {
            Ok(path) => writeln!(out, "plugin {} may run", path.display()),
            Err(outage) => {
                assert_eq!(outage.layer, Layer::Auth);
                let hint = outage.hint.unwrap();
                writeln!(out, "plugin refused: {}\nhint: {hint}", outage.detail)
            }
        },
        Proof::Refused(outage) => writeln!(out, "refused: {}", outage.detail),
    };
    assert!(!format!("{access:?}").contains(CANARY), "{access:?}");
    out
}

#[test]
fn each_kubeconfig_means_what_it_says_itself() {
    // Copied, since a working copy may have files that its group can write.
    let place = tempfile::tempdir().unwrap();
    let dir = place.path();
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let entry = entry.unwrap();
        let path = dir.join(entry.file_name());
        std::fs::copy(entry.path(), &path).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .unwrap();
        names.push(path);
    }
    names.sort();
    let mut seen = 0;
    for path in names {
        let text = std::fs::read_to_string(&path).unwrap();
        let lines = text
            .lines()
            .filter_map(|line| line.strip_prefix("# expect: "));
        let wanted: String = lines.flat_map(|line| [line, "\n"]).collect();
        let mut files = vec![path.clone()];
        if path.ends_with("merged-1.yaml") {
            files.push(dir.join("merged-2.yaml"));
        }
        let loaded = Access::load(&Origin::Files(files), None, &environment());
        let got = told(loaded).replace(dir.to_str().unwrap(), "DIR");
        assert_eq!(got, wanted, "{}", path.display());
        assert!(!got.contains(CANARY));
        seen += 1;
    }
    assert!(seen >= 20, "{seen} fixtures");
}

#[test]
fn a_context_can_be_asked_for_by_its_name() {
    let files = ["merged-1.yaml", "merged-2.yaml"].map(|name| folder().join(name));
    let origin = Origin::Files(files.to_vec());
    let access = Access::load(&origin, Some("one"), &environment()).unwrap();
    assert_eq!(access.endpoint.host, "10.0.0.1");
    assert!(access.whose.contains("merged-1.yaml"), "{}", access.whose);
}

#[test]
fn without_a_service_account_a_pod_is_none() {
    let pod = Environment::of(&[
        ("KUBERNETES_SERVICE_HOST", "10.96.0.1"),
        ("KUBERNETES_SERVICE_PORT", "443"),
    ]);
    // Where this test runs in a pod itself there is one.
    if !Path::new(ACCOUNT).exists() {
        assert_eq!(in_cluster_server(&pod), None);
        assert!(in_cluster(&pod).is_err());
    }
}
