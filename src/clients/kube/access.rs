//! How one cluster is reached, and as whom: a context of the kubeconfig with its cluster and its
//! user resolved, or the service account of a pod. Opens no connection and runs nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{HeaderName, HeaderValue};
use kube::config::{AuthInfo, Cluster};
use secrecy::{ExposeSecret, SecretString};

use super::super::endpoint::{Endpoint, Terms};
use super::super::file::Given;
use super::super::proxy::Proxy;
use super::exec::Plugin;
use super::kubeconfig::{Found, Merged, Origin, Trouble};
use crate::config::Environment;
use crate::config::settings::Settings;
use crate::logging;
use crate::observation::{Layer, Outage};

/// Where a pod finds its service account.
const ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// The context's name where there is no kubeconfig but a service account.
pub const IN_CLUSTER: &str = "in-cluster";

/// One context, resolved.
#[derive(Clone, Debug)]
pub struct Access {
    /// As the kubeconfig calls it.
    pub context: String,
    /// Who we are, for hints: ``user `ann` in /home/ann/.kube/config``.
    pub whose: String,
    pub endpoint: Endpoint,
    pub proof: Proof,
    /// Sent with each request: whom to act as.
    pub impersonate: Vec<(HeaderName, HeaderValue)>,
    /// The namespace of the context, where it says one.
    pub namespace: Option<String>,
    /// The kubeconfig says that it wants no compression.
    pub plain: bool,
}

/// What proves who we are, beside a client certificate.
#[derive(Clone, Debug)]
pub enum Proof {
    Nothing,
    /// An `Authorization` header that stays as it is.
    Fixed(HeaderValue),
    /// A bearer token in a file that may be replaced; the token to use while it cannot be read.
    File(PathBuf, Option<HeaderValue>),
    Plugin(Arc<Plugin>),
    /// The kubeconfig asks for something that cannot be done.
    Refused(Outage),
}

impl Access {
    /// Reads the files and resolves a context; `None` is the current one. Blocks on the file system.
    ///
    /// # Errors
    /// Files that cannot be read, and entries that are missing or make no sense.
    pub fn load(
        origin: &Origin,
        context: Option<&str>,
        environment: &Environment,
    ) -> Result<Self, Trouble> {
        match origin {
            Origin::InCluster => in_cluster(environment),
            Origin::Files(files) => of_context(&Merged::read(files)?, context, environment),
        }
    }
}

/// Resolves one context of files that were read.
///
/// # Errors
/// Entries that are missing or make no sense.
pub fn of_context(
    merged: &Merged,
    wanted: Option<&str>,
    environment: &Environment,
) -> Result<Access, Trouble> {
    let (name, context) = merged.context(wanted)?;
    let place = context.file.display().to_string();
    let cluster_name = &context.entry.cluster;
    let cluster = merged.cluster(cluster_name).ok_or_else(|| {
        let problem =
            format!("context `{name}` names the cluster `{cluster_name}`, which is not there");
        Trouble::new(
            place,
            problem,
            "add the cluster, or correct its name in the context",
        )
    })?;
    let mut endpoint = of_cluster(cluster_name, &cluster, environment)?;
    let user_name = context.entry.user.as_deref().unwrap_or_default();
    // As with kubectl, a user that is not there is nobody.
    let user = merged.user(user_name);
    let (proof, impersonate) = match &user {
        Some(user) => {
            identify(&mut endpoint, user_name, user)?;
            let impersonate = impersonate(user_name, user)?;
            (proof(user_name, user, &cluster, environment)?, impersonate)
        }
        None => (Proof::Nothing, Vec::new()),
    };
    Ok(Access {
        context: name.to_owned(),
        whose: match &user {
            Some(user) => whose(user_name, user),
            None => format!("context `{name}` in {}", context.file.display()),
        },
        endpoint,
        proof,
        impersonate,
        namespace: context
            .entry
            .namespace
            .clone()
            .filter(|name| !name.is_empty()),
        plain: cluster.entry.disable_compression == Some(true),
    })
}

/// A field that is there and not empty, which is how the files say "none" too.
fn set(field: Option<&String>) -> Option<&str> {
    field.map(String::as_str).filter(|text| !text.is_empty())
}

fn of_cluster(
    name: &str,
    found: &Found<'_, Cluster>,
    environment: &Environment,
) -> Result<Endpoint, Trouble> {
    let cluster = found.entry;
    let whose = format!("cluster `{name}` in {}", found.file.display());
    let trouble = |problem: String, hint: &str| Trouble::new(&whose, problem, hint);
    let server = set(cluster.server.as_ref())
        .ok_or_else(|| trouble("has no server".into(), "add server: https://HOST:PORT"))?;
    let ca = given(
        "certificate-authority-data",
        &whose,
        set(cluster.certificate_authority_data.as_ref()),
        set(cluster.certificate_authority.as_ref()),
    )?;
    let insecure = cluster.insecure_skip_tls_verify == Some(true);
    // Without a scheme it is TLS where anything is said about TLS, as with kubectl.
    let url = if server.contains("://") {
        server.to_owned()
    } else if ca.is_some() || insecure {
        format!("https://{server}")
    } else {
        format!("http://{server}")
    };
    let mut endpoint = Endpoint::from_settings(&url, 443, &Settings::default())
        .map_err(|error| trouble(format!("server: {}", error.problem), "correct its server"))?;
    endpoint.terms = Terms::Kubeconfig;
    endpoint.ca = ca;
    endpoint.insecure = insecure;
    endpoint.server_name = set(cluster.tls_server_name.as_ref()).map(str::to_owned);
    let proxy = match set(cluster.proxy_url.as_ref()) {
        Some(url) => Some(url.to_owned()),
        None => super::surroundings::proxy(&endpoint, environment),
    };
    let proxy = proxy.map(|url| Proxy::parse(&url)).transpose();
    endpoint.proxy = proxy.map_err(|why| {
        trouble(
            format!("proxy-url: {why}"),
            "write proxy-url: http://HOST:PORT or socks5://HOST:PORT",
        )
    })?;
    Ok(endpoint)
}

/// A certificate or key: the text in the kubeconfig before the file that it names.
fn given(
    key: &'static str,
    whose: &str,
    data: Option<&str>,
    file: Option<&str>,
) -> Result<Option<Given>, Trouble> {
    let Some(data) = data else {
        return Ok(file.map(|path| Given::File(path.into())));
    };
    let compact: String = data.split_ascii_whitespace().collect();
    let text = STANDARD.decode(compact).map_err(|_| {
        let problem = format!("{key} is not base64");
        Trouble::new(
            whose,
            problem,
            "put the base64 of a PEM file there, in one line",
        )
    })?;
    Ok(Some(Given::Text {
        place: whose.into(),
        text: text.into(),
    }))
}

fn whose(name: &str, found: &Found<'_, AuthInfo>) -> String {
    format!("user `{name}` in {}", found.file.display())
}

/// Sets the client certificate of the user.
fn identify(
    endpoint: &mut Endpoint,
    name: &str,
    found: &Found<'_, AuthInfo>,
) -> Result<(), Trouble> {
    let user = found.entry;
    let whose = whose(name, found);
    let key_data = user
        .client_key_data
        .as_ref()
        .map(ExposeSecret::expose_secret);
    endpoint.cert = given(
        "client-certificate-data",
        &whose,
        set(user.client_certificate_data.as_ref()),
        set(user.client_certificate.as_ref()),
    )?;
    endpoint.key = given(
        "client-key-data",
        &whose,
        key_data.filter(|text| !text.is_empty()),
        set(user.client_key.as_ref()),
    )?;
    if let Some(data) = key_data {
        logging::redact(data);
    }
    match (&endpoint.cert, &endpoint.key) {
        (Some(_), None) => Err(Trouble::new(
            whose,
            "has a client-certificate without a client-key",
            "add its client-key or client-key-data",
        )),
        (None, Some(_)) => Err(Trouble::new(
            whose,
            "has a client-key without a client-certificate",
            "add its client-certificate or client-certificate-data",
        )),
        _ => Ok(()),
    }
}

fn proof(
    name: &str,
    found: &Found<'_, AuthInfo>,
    cluster: &Found<'_, Cluster>,
    environment: &Environment,
) -> Result<Proof, Trouble> {
    let user = found.entry;
    let whose = whose(name, found);
    let secret = |field: &Option<SecretString>| {
        let text = field.as_ref()?.expose_secret();
        (!text.is_empty()).then(|| text.to_owned())
    };
    let unfit = |what: &str| {
        let problem = format!("its {what} has characters that a header cannot carry");
        Trouble::new(&whose, problem, "write it anew, without line breaks")
    };
    let token = secret(&user.token)
        .map(|token| bearer(&token).ok_or_else(|| unfit("token")))
        .transpose()?;
    if let Some(path) = set(user.token_file.as_ref()) {
        return Ok(Proof::File(path.into(), token));
    }
    if let Some(token) = token {
        return Ok(Proof::Fixed(token));
    }
    if let Some(user_name) = set(user.username.as_ref()) {
        let password = secret(&user.password).unwrap_or_default();
        logging::redact(&password);
        let pair = STANDARD.encode(format!("{user_name}:{password}"));
        let header = sensitive(&format!("Basic {pair}"), &pair);
        return Ok(Proof::Fixed(header.ok_or_else(|| unfit("password"))?));
    }
    if let Some(exec) = &user.exec {
        let plugin = Plugin::of(&whose, found.file, exec, cluster, environment)?;
        return Ok(Proof::Plugin(Arc::new(plugin)));
    }
    match &user.auth_provider {
        None => Ok(Proof::Nothing),
        Some(provider) => match provider.config.get("id-token") {
            // Not renewed: that would need the secret of the client and a write into the file.
            Some(token) if provider.name == "oidc" => Ok(Proof::Fixed(
                bearer(token).ok_or_else(|| unfit("id-token"))?,
            )),
            _ => Ok(Proof::Refused(
                Outage::new(
                    Layer::Auth,
                    format!(
                        "{whose} uses the auth-provider `{}`, which kubectl has given up too",
                        provider.name
                    ),
                )
                .hint(
                    "use an exec plugin in its place, such as kubelogin or gke-gcloud-auth-plugin",
                ),
            )),
        },
    }
}

/// `Bearer TOKEN`; the token is kept out of the log from here on.
pub fn bearer(token: &str) -> Option<HeaderValue> {
    let token = token.trim();
    sensitive(&format!("Bearer {token}"), token)
}

fn sensitive(line: &str, secret: &str) -> Option<HeaderValue> {
    logging::redact(secret);
    let mut value = HeaderValue::from_str(line).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The headers of `as`, `as-uid`, `as-groups` and `as-user-extra`.
fn impersonate(
    name: &str,
    found: &Found<'_, AuthInfo>,
) -> Result<Vec<(HeaderName, HeaderValue)>, Trouble> {
    let user = found.entry;
    let mut pairs: Vec<(String, &str)> = Vec::new();
    for (header, field) in [
        ("impersonate-user", &user.impersonate),
        ("impersonate-uid", &user.impersonate_uid),
    ] {
        pairs.extend(set(field.as_ref()).map(|text| (header.to_owned(), text)));
    }
    for group in user.impersonate_groups.iter().flatten() {
        pairs.push(("impersonate-group".into(), group));
    }
    for (key, values) in user.impersonate_user_extra.iter().flatten() {
        let header = format!("impersonate-extra-{}", escaped(key));
        pairs.extend(values.iter().map(|value| (header.clone(), value.as_str())));
    }
    let read = |(header, text): (String, &str)| {
        let header = HeaderName::from_bytes(header.as_bytes()).ok()?;
        Some((header, HeaderValue::from_str(text).ok()?))
    };
    let headers: Option<Vec<_>> = pairs.into_iter().map(read).collect();
    headers.ok_or_else(|| {
        let whose = whose(name, found);
        let problem = "whom it acts as (`as` and its like) cannot stand in a header";
        Trouble::new(whose, problem, "write plain ASCII there")
    })
}

/// A key of `as-user-extra` as part of a header's name: lower case, the rest percent-encoded.
fn escaped(key: &str) -> String {
    let mut out = String::new();
    for byte in key.to_lowercase().bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&'*+-.^_`|~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out += &format!("%{byte:02X}");
        }
    }
    out
}

/// The server's URL that a pod finds in its environment, where it has a service account as well.
pub fn in_cluster_server(environment: &Environment) -> Option<String> {
    let host = environment.get("KUBERNETES_SERVICE_HOST")?;
    let port = environment.get("KUBERNETES_SERVICE_PORT")?;
    let host = if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    Path::new(ACCOUNT)
        .join("token")
        .exists()
        .then(|| format!("https://{host}:{port}"))
}

fn in_cluster(environment: &Environment) -> Result<Access, Trouble> {
    let trouble =
        |problem: &str| Trouble::new(ACCOUNT, problem, "run midwatch in a pod, or set kubeconfig");
    let server =
        in_cluster_server(environment).ok_or_else(|| trouble("there is no service account"))?;
    let mut endpoint = Endpoint::from_settings(&server, 443, &Settings::default())
        .map_err(|_| trouble("KUBERNETES_SERVICE_HOST and _PORT make no address"))?;
    endpoint.terms = Terms::Kubeconfig;
    endpoint.ca = Some(Given::File(Path::new(ACCOUNT).join("ca.crt")));
    let namespace = std::fs::read_to_string(Path::new(ACCOUNT).join("namespace")).ok();
    Ok(Access {
        context: IN_CLUSTER.into(),
        whose: "the service account of this pod".into(),
        endpoint,
        proof: Proof::File(Path::new(ACCOUNT).join("token"), None),
        impersonate: Vec::new(),
        namespace: namespace.map(|name| name.trim().to_owned()),
        plain: false,
    })
}

#[cfg(test)]
mod tests;
