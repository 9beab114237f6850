//! How the API server says no: the kind `Status`, in JSON or protobuf, and what it means for
//! someone who watches.

use std::time::Duration;

use prost::Message;
use serde::Deserialize;

use super::super::answer::first_line;
use super::request::need;
use crate::observation::{Layer, Outage};
use crate::units;

/// What comes before a message in protobuf.
const MAGIC: &[u8] = b"k8s\0";

/// The kind `Status`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// HTTP status.
    pub code: u16,
    /// `Forbidden`, `Expired`, `TooManyRequests`; empty where not said.
    pub reason: String,
    pub message: String,
    pub retry_after: Option<Duration>,
}

impl Status {
    /// Reads a body by its content type; `None` when it is no `Status`.
    #[must_use]
    pub fn read(content_type: &str, body: &[u8]) -> Option<Self> {
        if content_type.starts_with("application/vnd.kubernetes.protobuf")
            || body.starts_with(MAGIC)
        {
            Self::of_protobuf(body)
        } else {
            let json: Json = serde_json::from_slice(body).ok()?;
            (json.kind == "Status").then(|| Self {
                code: json.code,
                reason: json.reason,
                message: json.message,
                retry_after: pause(json.details.retry_after_seconds),
            })
        }
    }

    fn of_protobuf(body: &[u8]) -> Option<Self> {
        let envelope = Envelope::decode(body.strip_prefix(MAGIC)?).ok()?;
        if envelope.about?.kind != "Status" {
            return None;
        }
        let wire = Wire::decode(envelope.raw.as_slice()).ok()?;
        Some(Self {
            code: u16::try_from(wire.code).ok()?,
            reason: wire.reason,
            message: wire.message,
            retry_after: pause(wire.details.unwrap_or_default().retry_after_seconds),
        })
    }
}

fn pause(seconds: i32) -> Option<Duration> {
    let seconds = u64::try_from(seconds).ok().filter(|seconds| *seconds > 0);
    seconds.map(Duration::from_secs)
}

#[derive(Deserialize)]
struct Json {
    kind: String,
    #[serde(default)]
    code: u16,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    details: JsonDetails,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct JsonDetails {
    retry_after_seconds: i32,
}

// Field numbers: `runtime.Unknown`, `meta/v1.Status` of k8s.io/apimachinery v0.36.

#[derive(Message)]
struct Envelope {
    #[prost(message, optional, tag = "1")]
    about: Option<TypeMeta>,
    #[prost(bytes = "vec", tag = "2")]
    raw: Vec<u8>,
}

#[derive(Message)]
struct TypeMeta {
    #[prost(string, tag = "2")]
    kind: String,
}

#[derive(Message)]
struct Wire {
    #[prost(string, tag = "3")]
    message: String,
    #[prost(string, tag = "4")]
    reason: String,
    #[prost(message, optional, tag = "5")]
    details: Option<WireDetails>,
    #[prost(int32, tag = "6")]
    code: i32,
}

#[derive(Message)]
struct WireDetails {
    #[prost(int32, tag = "5")]
    retry_after_seconds: i32,
}

/// A request that was answered with anything but 2xx.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// `GET`, `POST`.
    pub method: String,
    /// Path and query as asked.
    pub path: String,
    /// HTTP status.
    pub code: u16,
    /// What the server said, where it said it as the API does.
    pub status: Option<Status>,
    pub retry_after: Option<Duration>,
    /// The first line of a body that is no `Status`: a proxy's; or where a redirect points.
    pub line: String,
}

impl Refusal {
    /// A `Status` that came within a watch (`ERROR`) of this path.
    #[must_use]
    pub fn within(path: &str, status: Status) -> Self {
        Self {
            method: "GET".into(),
            path: path.to_owned(),
            code: status.code,
            retry_after: status.retry_after,
            status: Some(status),
            line: String::new(),
        }
    }

    /// As an answer came, with the start of its body.
    pub(super) fn of(
        method: &str,
        path: &str,
        code: u16,
        content_type: &str,
        retry_after: Option<Duration>,
        body: &[u8],
    ) -> Self {
        let status = Status::read(content_type, body);
        let line = match &status {
            Some(_) => String::new(),
            // A page of markup says nothing worth a row.
            None => Some(first_line(body))
                .filter(|line| !line.starts_with('<'))
                .unwrap_or_default(),
        };
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            code,
            retry_after: retry_after.or_else(|| status.as_ref()?.retry_after),
            status,
            line,
        }
    }

    /// `Forbidden`, `Expired`; empty where the server did not say.
    #[must_use]
    pub fn reason(&self) -> &str {
        self.status.as_ref().map_or("", |status| &status.reason)
    }

    /// The resource version that was asked for is no longer kept: list again.
    #[must_use]
    pub fn is_expired(&self) -> bool {
        self.code == 410 || matches!(self.reason(), "Expired" | "Gone")
    }

    /// The server's own words.
    fn said(&self) -> &str {
        self.status
            .as_ref()
            .map_or(&self.line, |status| &status.message)
    }

    /// The refusal as an outage. `hint` is what to do about credentials that are not accepted.
    pub(super) fn outage(&self, unauthorised: &str) -> Outage {
        let path = self.path.split('?').next().unwrap_or_default();
        let said = self.said();
        let with = |head: String| {
            if said.is_empty() {
                head
            } else {
                format!("{head}: {said}")
            }
        };
        let code = self.code;
        match code {
            401 => Outage::new(
                Layer::Auth,
                with("the API server does not know us (401)".into()),
            )
            .hint(unauthorised.to_owned()),
            403 => self.forbidden(),
            300..=399 => Outage::new(
                Layer::Protocol,
                format!(
                    "{path}: HTTP {code}: redirected to {}, which is not followed",
                    self.line
                ),
            )
            .hint("correct the server in the kubeconfig; a login page may stand before it"),
            404 => Outage::new(
                Layer::Protocol,
                format!("{path}: not offered here (HTTP 404)"),
            ),
            410 => Outage::new(
                Layer::Protocol,
                with(format!(
                    "{path}: what was asked for is no longer kept (410)"
                )),
            ),
            429 | 503 => {
                let asked = self.retry_after.map_or_else(String::new, |pause| {
                    format!(", it asks for a pause of {}", units::span(pause))
                });
                let what = if code == 429 {
                    "overloaded"
                } else {
                    "unavailable"
                };
                let head = format!("{path}: the API server is {what} ({code}){asked}");
                Outage::new(Layer::Protocol, with(head))
                    .hint("look at the load of the API server and of its etcd")
            }
            _ => Outage::new(Layer::Protocol, with(format!("{path}: HTTP {code}"))),
        }
    }

    fn forbidden(&self) -> Outage {
        let needs = need(&self.method, &self.path);
        // A proxy's 403 is not the API's, and no role helps against it.
        if self.status.is_none() {
            let said = if self.line.is_empty() {
                String::new()
            } else {
                format!(": {}", self.line)
            };
            return Outage::new(Layer::Auth, format!("not permitted (403){said}")).hint(format!(
                "allow this user to {needs}, or ask what stands before the API server"
            ));
        }
        Outage::new(Layer::Auth, format!("not permitted: needs {needs}"))
            .hint(format!("grant it by a ClusterRole to {}", self.who()))
    }

    /// The user as the server's message names him.
    fn who(&self) -> String {
        let named = self
            .said()
            .split_once("User \"")
            .and_then(|(_, rest)| rest.split_once('"'));
        match named {
            Some((user, _)) => format!("the user {user}"),
            None => "this user".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(path: &str, code: u16, body: &[u8]) -> Refusal {
        Refusal::of("GET", path, code, "application/json", None, body)
    }

    #[test]
    fn a_forbidden_list_says_which_permission_is_missing_and_for_whom() {
        let body = br#"{"kind":"Status","status":"Failure","message":"pods is forbidden: User \"ann\" cannot list resource \"pods\" in API group \"\" at the cluster scope","reason":"Forbidden","details":{"kind":"pods"},"code":403}"#;
        let outage = refusal("/api/v1/pods?limit=500", 403, body).outage("");
        assert_eq!(outage.layer, Layer::Auth);
        assert_eq!(outage.detail, "not permitted: needs list pods");
        assert_eq!(
            outage.hint.unwrap(),
            "grant it by a ClusterRole to the user ann"
        );
    }

    #[test]
    fn the_same_status_reads_alike_in_json_and_protobuf() {
        let wire = Wire {
            message: "slow down".into(),
            reason: "TooManyRequests".into(),
            details: Some(WireDetails {
                retry_after_seconds: 3,
            }),
            code: 429,
        };
        let envelope = Envelope {
            about: Some(TypeMeta {
                kind: "Status".into(),
            }),
            raw: wire.encode_to_vec(),
        };
        let body = [MAGIC, &envelope.encode_to_vec()].concat();
        let json = br#"{"kind":"Status","message":"slow down","reason":"TooManyRequests","details":{"retryAfterSeconds":3},"code":429}"#;
        let read = Status::read("application/vnd.kubernetes.protobuf", &body).unwrap();
        assert_eq!(Status::read("application/json", json), Some(read.clone()));
        assert_eq!(read.retry_after, Some(Duration::from_secs(3)));
        let other = Envelope {
            about: Some(TypeMeta {
                kind: "PodList".into(),
            }),
            raw: Vec::new(),
        };
        let body = [MAGIC, &other.encode_to_vec()].concat();
        assert_eq!(
            Status::read("application/vnd.kubernetes.protobuf", &body),
            None
        );
    }

    #[test]
    fn garbage_is_no_status_and_its_first_line_is_told() {
        for body in [
            &b""[..],
            b"k8s\0\xff\xff",
            b"{\"kind\":\"Pod\"}",
            b"<html>no</html>",
        ] {
            let refused = refusal("/version", 502, body);
            assert_eq!(refused.status, None);
        }
        let outage = refusal("/version", 502, b"upstream connect error\nx").outage("");
        assert_eq!(outage.detail, "/version: HTTP 502: upstream connect error");
        assert_eq!(
            refusal("/version", 502, b"<html>").outage("").detail,
            "/version: HTTP 502"
        );
    }

    #[test]
    fn a_pause_that_was_asked_for_is_told() {
        let mut refused = refusal("/api/v1/pods", 429, b"too many");
        refused.retry_after = Some(Duration::from_secs(7));
        let outage = refused.outage("");
        assert_eq!(
            outage.detail,
            "/api/v1/pods: the API server is overloaded (429), it asks for a pause of 7s: too many"
        );
    }

    #[test]
    fn a_proxys_403_is_not_taken_for_the_apis() {
        let outage = refusal("/api/v1/pods", 403, b"blocked by policy").outage("");
        assert_eq!(outage.detail, "not permitted (403): blocked by policy");
    }
}
