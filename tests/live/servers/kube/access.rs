//! Who may do what on a plane: accounts with their tokens, their rights, their kubeconfigs.

use std::fmt::Write as _;
use std::path::Path;

use libtest_mimic::Failed;
use serde_json::json;

use super::raw::Raw;
use super::things;

/// The namespace that [`Account::Limited`] sees.
pub const SHOP: &str = "shop";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account {
    /// Everything.
    Admin,
    /// Reads everything but secrets, changes nothing.
    Reader,
    /// Lists and watches the pods of [`SHOP`], nothing else.
    Limited,
    /// Lists all pods and watches none.
    Lister,
    /// Known, and permitted nothing.
    Stranger,
}

pub const ACCOUNTS: [Account; 5] = [
    Account::Admin,
    Account::Reader,
    Account::Limited,
    Account::Lister,
    Account::Stranger,
];

impl Account {
    pub fn user(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Reader => "reader",
            Self::Limited => "limited",
            Self::Lister => "lister",
            Self::Stranger => "stranger",
        }
    }

    /// Nothing else that is written anywhere looks like it.
    pub fn token(self) -> &'static str {
        match self {
            Self::Admin => "7c1f5be2-admin-of-the-live-tier",
            Self::Reader => "0b92d6aa-reader-of-the-live-tier",
            Self::Limited => "e41870c3-limited-in-the-live-tier",
            Self::Lister => "3fa96b18-lister-in-the-live-tier",
            Self::Stranger => "95d3f04b-stranger-to-the-live-tier",
        }
    }

    fn group(self) -> &'static str {
        match self {
            Self::Admin => "system:masters",
            _ => "live",
        }
    }
}

/// The file of `--token-auth-file`.
pub fn tokens() -> String {
    let mut text = String::new();
    for account in ACCOUNTS {
        let (token, user, group) = (account.token(), account.user(), account.group());
        let _ = writeln!(text, "{token},{user},{user},\"{group}\"");
    }
    text
}

/// Gives the accounts their rights, unless they have them.
pub fn grant(admin: &Raw) -> Result<(), Failed> {
    let rbac = "/apis/rbac.authorization.k8s.io/v1";
    admin.ensure("/api/v1/namespaces", &things::namespace(SHOP))?;
    let reader = json!({
        "metadata": {"name": "live-reader"},
        "rules": [
            {"apiGroups": ["", "apps", "batch", "policy", "coordination.k8s.io", "discovery.k8s.io"],
             "resources": ["nodes", "pods", "pods/log", "namespaces", "events", "services",
                "persistentvolumes", "persistentvolumeclaims", "resourcequotas", "deployments",
                "statefulsets", "daemonsets", "replicasets", "jobs", "cronjobs",
                "poddisruptionbudgets", "leases", "endpointslices"],
             "verbs": ["get", "list", "watch"]},
            {"nonResourceURLs": ["/metrics"], "verbs": ["get"]},
        ],
    });
    let limited = json!({
        "metadata": {"name": "pods"},
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}],
    });
    let lister = json!({
        "metadata": {"name": "live-lister"},
        "rules": [
            {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]},
            {"nonResourceURLs": ["/metrics"], "verbs": ["get"]},
        ],
    });
    let bound = |name: &str, kind: &str, account: Account| {
        json!({
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name},
            "subjects": [{"kind": "User", "name": account.user()}],
        })
    };
    for (role, name, account) in [
        (&reader, "live-reader", Account::Reader),
        (&lister, "live-lister", Account::Lister),
    ] {
        admin.ensure(&format!("{rbac}/clusterroles"), role)?;
        let binding = bound(name, "ClusterRole", account);
        admin.ensure(&format!("{rbac}/clusterrolebindings"), &binding)?;
    }
    let shop = format!("{rbac}/namespaces/{SHOP}");
    admin.ensure(&format!("{shop}/roles"), &limited)?;
    let binding = bound("pods", "Role", Account::Limited);
    admin.ensure(&format!("{shop}/rolebindings"), &binding)?;
    Ok(())
}

/// Lets an account read one resource of the core group.
pub fn let_read(admin: &Raw, account: Account, resource: &str) -> Result<(), Failed> {
    let rbac = "/apis/rbac.authorization.k8s.io/v1";
    let name = format!("{}-{resource}", account.user());
    let role = json!({
        "metadata": {"name": name},
        "rules": [{"apiGroups": [""], "resources": [resource], "verbs": ["get", "list", "watch"]}],
    });
    let binding = json!({
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "User", "name": account.user()}],
    });
    admin.ensure(&format!("{rbac}/clusterroles"), &role)?;
    admin.ensure(&format!("{rbac}/clusterrolebindings"), &binding)
}

/// One context of a kubeconfig; its cluster has the same name.
#[derive(Clone, Debug)]
pub struct Context {
    name: String,
    server: String,
    account: Account,
    namespace: Option<String>,
}

impl Context {
    pub fn new(name: &str, server: &str, account: Account) -> Self {
        Self {
            name: name.to_owned(),
            server: server.to_owned(),
            account,
            namespace: None,
        }
    }
}

/// The text of a kubeconfig; the first context is the current one.
pub fn kubeconfig(ca: &Path, contexts: &[Context]) -> String {
    let (mut clusters, mut named, mut users) = (String::new(), String::new(), String::new());
    for context in contexts {
        let Context {
            name,
            server,
            account,
            namespace,
        } = context;
        let (user, token, ca) = (account.user(), account.token(), ca.display());
        let _ = writeln!(
            clusters,
            "- name: {name}\n  cluster: {{server: '{server}', certificate-authority: '{ca}'}}"
        );
        let namespace = match namespace {
            Some(namespace) => format!(", namespace: {namespace}"),
            None => String::new(),
        };
        let _ = writeln!(
            named,
            "- name: {name}\n  context: {{cluster: {name}, user: {name}-{user}{namespace}}}"
        );
        let _ = writeln!(users, "- name: {name}-{user}\n  user: {{token: '{token}'}}");
    }
    let current = contexts.first().map_or("", |context| &context.name);
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: {current}\nclusters:\n{clusters}contexts:\n\
         {named}users:\n{users}"
    )
}
