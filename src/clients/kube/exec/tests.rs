//! Plugins that do well, ask, hang, flood and complain: each a script of its own.

use super::*;
use kube::config::AuthInfo;

/// A plugin that is this script.
struct Script {
    dir: tempfile::TempDir,
    plugin: Plugin,
}

impl Script {
    fn new(body: &str) -> Self {
        Self::with(body, |_| {})
    }

    fn with(body: &str, change: impl FnOnce(&mut ExecConfig)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("plugin");
        // Written by another process: a file that this one has open for writing cannot be run, and
        // a fork of another test may keep it open.
        let wrote = std::process::Command::new("/bin/sh")
            .arg("-c")
            .arg("cat > \"$1\" && chmod 755 \"$1\"")
            .arg("sh")
            .arg(&path)
            .stdin(Stdio::piped())
            .spawn()
            .and_then(|mut child| {
                use std::io::Write;
                let mut to = child.stdin.take().unwrap();
                write!(to, "#!/bin/sh\n{body}\n")?;
                drop(to);
                child.wait()
            });
        assert!(wrote.unwrap().success());
        let file = dir.path().join("config");
        std::fs::write(&file, "").unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
        let mut exec = ExecConfig {
            api_version: Some(VERSIONS[0].into()),
            command: Some(path.to_str().unwrap().to_owned()),
            ..ExecConfig::default()
        };
        change(&mut exec);
        let user = AuthInfo {
            exec: Some(exec),
            ..AuthInfo::default()
        };
        let cluster = Cluster {
            server: Some("https://10.0.0.1".into()),
            ..Cluster::default()
        };
        let cluster = Found {
            entry: &cluster,
            file: &file,
        };
        let environment = Environment::of(&[("PATH", "/usr/bin:/bin")]);
        let exec = user.exec.as_ref().unwrap();
        let plugin = Plugin::of("user `ann`", &file, exec, &cluster, &environment).unwrap();
        Self { dir, plugin }
    }

    fn allowed(&self) -> Vec<String> {
        vec![self.plugin.words()]
    }

    async fn run(&self) -> Result<Credential, Outage> {
        self.plugin.run(&self.allowed()).await
    }

    async fn fails(&self) -> Outage {
        match self.run().await {
            Ok(_) => panic!("it ran well"),
            Err(outage) => outage,
        }
    }
}

const GOOD: &str = r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"hunter2-token","expirationTimestamp":"2026-11-21T03:00:00Z"}}"#;

#[tokio::test]
async fn a_plugin_that_is_allowed_gives_a_token_and_its_end() {
    let script = Script::new(&format!("echo '{GOOD}'"));
    let got = script.run().await.unwrap();
    assert_eq!(
        got.header.as_ref().unwrap().as_bytes(),
        b"Bearer hunter2-token"
    );
    assert!(!format!("{:?}", got.header).contains("hunter2"));
    assert_eq!(got.until.unwrap().to_string(), "2026-11-21T03:00:00Z");
}

#[tokio::test]
async fn nothing_runs_that_is_not_allowed_by_its_whole_path() {
    let script = Script::new("touch \"$(dirname \"$0\")/ran\"");
    let shown = script.plugin.words();
    for allowed in [vec![], vec!["plugin".to_owned()], vec![format!("{shown}x")]] {
        let Err(outage) = script.plugin.run(&allowed).await else {
            panic!("it ran");
        };
        assert_eq!(outage.layer, Layer::Auth);
        assert!(outage.detail.contains(&shown), "{outage}");
        let hint = outage.hint.unwrap();
        assert_eq!(
            hint,
            format!("add exec_allowed = [\"{shown}\"] to the target to allow it")
        );
    }
    assert!(!script.dir.path().join("ran").exists());
}

#[tokio::test]
async fn a_kubeconfig_that_others_can_write_runs_nothing() {
    let script = Script::with("echo", |_| {});
    let file = script.dir.path().join("config");
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o664)).unwrap();
    let mut loose = script.plugin.clone();
    loose.loose = Some(file.clone());
    let outage = loose.permit(&script.allowed()).unwrap_err();
    assert_eq!(
        outage.hint.unwrap(),
        format!("run: chmod go-w {}", file.display())
    );
}

#[tokio::test]
async fn a_plugin_is_told_the_protocol_and_the_cluster_that_it_wants() {
    let echo = "echo \"$KUBERNETES_EXEC_INFO\" > \"$(dirname \"$0\")/told\"; echo \"$1 $OWN\" >> \"$(dirname \"$0\")/told\"";
    let script = Script::with(&format!("{echo}; echo '{GOOD}'"), |exec| {
        exec.provide_cluster_info = true;
        exec.args = Some(vec!["$(not a shell)".into()]);
        let pair = [("name", "OWN"), ("value", "mine")];
        exec.env = Some(vec![pair.map(|(k, v)| (k.to_owned(), v.to_owned())).into()]);
    });
    script.run().await.unwrap();
    let told = std::fs::read_to_string(script.dir.path().join("told")).unwrap();
    let (about, rest) = told.split_once('\n').unwrap();
    assert_eq!(rest, "$(not a shell) mine\n");
    let about: serde_json::Value = serde_json::from_str(about).unwrap();
    assert_eq!(about["kind"], "ExecCredential");
    assert_eq!(about["apiVersion"], VERSIONS[0]);
    assert_eq!(about["spec"]["interactive"], false);
    assert_eq!(about["spec"]["cluster"]["server"], "https://10.0.0.1");
}

#[tokio::test]
async fn a_plugin_that_asks_gets_no_answer() {
    let script = Script::new("printf 'Password: '; if read -r word; then exit 0; fi; exit 7");
    let outage = script.fails().await;
    assert_eq!(outage.layer, Layer::Auth);
    assert!(
        outage.detail.ends_with("failed with exit code 7"),
        "{outage}"
    );
}

#[tokio::test]
async fn a_plugin_has_a_session_of_its_own_and_so_no_terminal() {
    if !SETSID.iter().any(|path| Path::new(path).exists()) || !Path::new("/proc/self").exists() {
        return;
    }
    let script = Script::new(
        "read -r pid name state parent group session rest < /proc/$$/stat; \
         [ \"$session\" = $$ ] && [ \"$group\" = $$ ] && ! (: > /dev/tty) 2>/dev/null && exit 9; exit 8",
    );
    let outage = script.fails().await;
    assert!(outage.detail.ends_with("exit code 9"), "{outage}");
}

#[tokio::test]
async fn what_a_plugin_complains_is_told_without_escapes_and_secrets() {
    let script = Script::new(
        "echo first >&2; printf '\\033[2J\\033]0;owned\\007login expired, token=hunter2-token\\n\\n' >&2; exit 1",
    );
    let outage = script.fails().await;
    assert!(outage.detail.contains("exit code 1"), "{outage}");
    assert!(outage.detail.contains("login expired"), "{outage}");
    assert!(
        !outage.detail.contains("first"),
        "the last line alone: {outage}"
    );
    assert!(!outage.detail.contains(['\u{1b}', '\u{7}']), "{outage}");
    assert!(!outage.detail.contains("hunter2"), "{outage}");
}

#[tokio::test]
async fn a_plugin_that_floods_is_cut_off() {
    let outage = Script::new("exec cat /dev/zero").fails().await;
    assert_eq!(outage.layer, Layer::TooLarge);
    assert!(outage.detail.contains("1.00 MiB"), "{outage}");
}

#[tokio::test]
async fn complaints_without_end_do_not_keep_an_answer_back() {
    let script = Script::new(&format!("head -c 3000000 /dev/zero >&2; echo '{GOOD}'"));
    assert!(script.run().await.unwrap().header.is_some());
}

/// A pipe that ends when everything that holds its other side has ended.
fn pipe(dir: &Path) -> PathBuf {
    let path = dir.join("alive");
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.unwrap().success());
    path
}

#[tokio::test]
async fn a_plugin_that_hangs_is_ended_with_all_that_it_started() {
    let script =
        Script::new("exec 3> \"$(dirname \"$0\")/alive\"; sleep 100000 & sleep 100000 & wait");
    let alive = pipe(script.dir.path());
    let (plugin, allowed) = (script.plugin.clone(), script.allowed());
    let running = tokio::spawn(async move { plugin.run(&allowed).await });
    // Opens when the script has begun.
    let opened = tokio::task::spawn_blocking(move || std::fs::File::open(alive).unwrap());
    let mut opened = opened.await.unwrap();
    tokio::time::pause();
    tokio::time::advance(LIMIT).await;
    let outage = running.await.unwrap().err().unwrap();
    assert_eq!(outage.layer, Layer::Auth);
    assert!(
        outage.detail.contains("gave no answer within 30s"),
        "{outage}"
    );
    let mut rest = Vec::new();
    std::io::Read::read_to_end(&mut opened, &mut rest).unwrap();
    assert!(rest.is_empty());
}

#[tokio::test]
async fn a_plugin_whose_caller_went_away_is_ended_too() {
    let script = Script::new("exec 3> \"$(dirname \"$0\")/alive\"; sleep 100000");
    let alive = pipe(script.dir.path());
    let (plugin, allowed) = (script.plugin.clone(), script.allowed());
    let running = tokio::spawn(async move { plugin.run(&allowed).await });
    let opened = tokio::task::spawn_blocking(move || std::fs::File::open(alive).unwrap());
    let mut opened = opened.await.unwrap();
    running.abort();
    assert!(running.await.is_err());
    let mut rest = Vec::new();
    std::io::Read::read_to_end(&mut opened, &mut rest).unwrap();
    assert!(rest.is_empty());
}

#[test]
fn an_answer_that_is_none_is_refused_without_repeating_it() {
    let script = Script::new("");
    let answer = |status: &str| {
        format!(
            r#"{{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{status}}}"#
        )
    };
    for (text, why) in [
        (String::new(), "nothing"),
        ("hunter2-token".into(), "no ExecCredential"),
        (GOOD.replace("ExecCredential", "Secret"), "another kind"),
        (GOOD.replace("/v1\"", "/v1beta1\""), "another apiVersion"),
        (answer("{}"), "without a token"),
        (answer("null"), "without a status"),
        (answer(r#"{"token":" "}"#), "without a token"),
        (answer(r#"{"token":"hunter2\nx"}"#), "no header can carry"),
        (answer(r#"{"clientCertificateData":"hunter2"}"#), "one half"),
        (
            answer(r#"{"token":"hunter2-token","expirationTimestamp":"soon"}"#),
            "no time",
        ),
    ] {
        let Err(told) = script.plugin.read(text.as_bytes()) else {
            panic!("{text} was taken");
        };
        assert!(told.contains(why), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
    let pair = answer(r#"{"clientCertificateData":"cert","clientKeyData":"hunter2-key"}"#);
    let got = script.plugin.read(pair.as_bytes()).ok().unwrap();
    assert!(got.header.is_none() && got.pair.is_some());
    assert!(!format!("{:?}", got.pair).contains("hunter2"));
}
