//! TLS and socket errors in plain words, each with its layer and what to do.

use std::io::{self, ErrorKind};
use std::time::Duration;

use jiff::Timestamp;
use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, Error as TlsError};

use super::endpoint::{Endpoint, Terms};
use crate::facts::Certificate;
use crate::observation::{Layer, Outage};

/// Names an error of a stream: TLS where rustls raised it, TCP otherwise.
pub fn of_stream(endpoint: &Endpoint, error: &io::Error) -> Outage {
    match tls_cause(error) {
        Some(cause) => of_tls(endpoint, cause, None),
        None => of_socket(&endpoint.authority(), error),
    }
}

/// Names an error of a stream on which the peer asked for a client certificate and then said
/// nothing. In TLS 1.3 it refuses only after our side of the handshake is done, and its reset often
/// overtakes the alert that says so.
pub fn of_silent_peer(endpoint: &Endpoint, error: &io::Error) -> Outage {
    let broken = matches!(
        error.kind(),
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe
    );
    if broken && tls_cause(error).is_none() {
        of_alert(endpoint, AlertDescription::BadCertificate)
    } else {
        of_stream(endpoint, error)
    }
}

/// Names a failed handshake; `seen` is what the peer presented before it failed.
pub fn of_handshake(endpoint: &Endpoint, error: &io::Error, seen: Option<&Certificate>) -> Outage {
    if let Some(cause) = tls_cause(error) {
        return of_tls(endpoint, cause, seen);
    }
    let what = match error.kind() {
        ErrorKind::UnexpectedEof => "the connection was closed".to_owned(),
        ErrorKind::ConnectionReset => "the connection was reset".to_owned(),
        _ => error.to_string(),
    };
    tls(format!(
        "{what} during the TLS handshake with {}",
        endpoint.authority()
    ))
    .hint("check that this port speaks TLS; write http:// if it does not")
}

/// Names an error of a TCP socket. `peer` is `host:port`.
pub fn of_socket(peer: &str, error: &io::Error) -> Outage {
    let tcp = |text: String| Outage::new(Layer::Tcp, text);
    match error.kind() {
        ErrorKind::ConnectionRefused => tcp(format!("{peer} refused the connection"))
            .hint("check that the server runs and listens on this port"),
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
            tcp(format!("{peer} reset the connection"))
                .hint("look for a restart, a crash or a firewall on the way")
        }
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            tcp(format!("{peer} is unreachable: no route"))
                .hint("check the network, the route and the VPN")
        }
        ErrorKind::TimedOut => tcp(format!("{peer} stopped acknowledging"))
            .hint("check that the host is up and the way to it is open"),
        ErrorKind::UnexpectedEof => tcp(format!("{peer} closed the connection")),
        _ => tcp(format!("{peer}: {error}")),
    }
}

/// An error with everything below it, for the cases that have no words of their own.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !text.ends_with(&words) {
            text = format!("{text}: {words}");
        }
        next = cause.source();
    }
    text
}

fn tls_cause(error: &io::Error) -> Option<&TlsError> {
    error.get_ref()?.downcast_ref()
}

fn tls(text: impl Into<String>) -> Outage {
    Outage::new(Layer::Tls, text)
}

fn of_tls(endpoint: &Endpoint, error: &TlsError, seen: Option<&Certificate>) -> Outage {
    match error {
        TlsError::InvalidCertificate(reason) => of_certificate(endpoint, reason, seen),
        TlsError::AlertReceived(alert) => of_alert(endpoint, *alert),
        TlsError::InvalidMessage(_) => tls(format!(
            "{} answered the TLS handshake with something else",
            endpoint.authority()
        ))
        .hint("use http:// if this port speaks plain HTTP"),
        TlsError::NoApplicationProtocol => another_protocol(endpoint),
        TlsError::PeerIncompatible(_) => tls(format!(
            "{} and midwatch have no TLS version or cipher in common: {}",
            endpoint.authority(),
            words(error)
        ))
        .hint("switch on TLS 1.2 or 1.3 with modern ciphers at the server"),
        TlsError::NoCertificatesPresented => {
            tls(format!("{} showed no certificate", endpoint.authority()))
                .hint("configure a certificate at the server")
        }
        _ => tls(format!("{}: {}", endpoint.authority(), words(error)))
            .hint("check the TLS configuration and the log of the server"),
    }
}

fn another_protocol(endpoint: &Endpoint) -> Outage {
    tls(format!(
        "{} speaks TLS, but not the protocol that is asked of it (ALPN)",
        endpoint.authority()
    ))
    .hint("check the endpoint and its port")
}

/// An error of the TLS library in words. What it prints holds names of its own code here and there,
/// such as `UnsupportedCertVersion`; they become words as well.
pub fn words(error: &dyn std::fmt::Display) -> String {
    let printed = error.to_string();
    let parts: Vec<String> = printed.split(' ').map(spelled).collect();
    parts.join(" ")
}

/// `CaUsedAsEndEntity` as `ca used as end entity`; what is no such name stays as it is.
fn spelled(part: &str) -> String {
    let inner = part
        .strip_prefix("Other(OtherError(")
        .and_then(|rest| rest.strip_suffix("))"))
        .unwrap_or(part);
    let humps = inner
        .chars()
        .skip(1)
        .filter(char::is_ascii_uppercase)
        .count();
    let bare = inner.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let name = bare.len() > 6
        && bare.starts_with(|c: char| c.is_ascii_uppercase())
        && bare.chars().all(|c| c.is_ascii_alphanumeric())
        && humps > 0
        && bare.chars().any(|c| c.is_ascii_lowercase());
    if !name {
        return inner.to_owned();
    }
    let mut out = String::new();
    let mut before = ' ';
    for letter in inner.chars() {
        if letter.is_ascii_uppercase() && before.is_ascii_lowercase() {
            out.push(' ');
        }
        out.push(letter.to_ascii_lowercase());
        before = letter;
    }
    out
}

fn of_certificate(
    endpoint: &Endpoint,
    reason: &CertificateError,
    seen: Option<&Certificate>,
) -> Outage {
    let whose = seen.map_or_else(
        || "the certificate".to_owned(),
        |c| format!("the certificate {}", c.subject),
    );
    // A date that is not the leaf's own belongs to an authority above it.
    let dated = |limit: UnixTime, own: Option<Timestamp>| {
        let limit = timestamp(limit);
        if own.is_none_or(|own| Some(own) == limit) {
            (whose.clone(), limit)
        } else {
            (format!("an issuer of {whose}"), limit)
        }
    };
    match reason {
        CertificateError::ExpiredContext { not_after, .. } => {
            let (whose, end) = dated(*not_after, seen.map(|c| c.not_after));
            tls(format!("{whose} expired{}", at(end))).hint("renew the server's certificate")
        }
        CertificateError::Expired => {
            tls(format!("{whose} expired")).hint("renew the server's certificate")
        }
        CertificateError::NotValidYetContext { not_before, .. } => {
            let (whose, start) = dated(*not_before, seen.map(|c| c.not_before));
            tls(format!("{whose} is not yet valid; it will be{}", at(start)))
                .hint("compare the clocks of this machine and of the issuer")
        }
        CertificateError::NotValidYet => tls(format!("{whose} is not yet valid"))
            .hint("compare the clocks of this machine and of the issuer"),
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            unknown_issuer(endpoint, &whose, seen)
        }
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => {
            let names = match presented.len() {
                0 => "no name at all".to_owned(),
                1..=6 => presented.join(", "),
                more => format!("{} and {} more", presented[..6].join(", "), more - 6),
            };
            let expected = expected.to_str();
            wrong_name(
                endpoint,
                &format!("{whose} is not for {expected}, but for {names}"),
            )
        }
        CertificateError::NotValidForName => {
            wrong_name(endpoint, &format!("{whose} is not for {}", endpoint.host))
        }
        CertificateError::Other(cause) if cause.to_string() == CA_AS_SERVER => {
            own_authority(endpoint, &whose)
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            tls(format!("{whose} is not meant for a server"))
                .hint("issue it with the extended key usage serverAuth")
        }
        CertificateError::Revoked => {
            tls(format!("{whose} was revoked")).hint("renew the server's certificate")
        }
        CertificateError::BadEncoding => tls(format!("{whose} cannot be read: it is malformed"))
            .hint("issue the server's certificate anew"),
        CertificateError::UnhandledCriticalExtension => tls(format!(
            "{whose} has a critical extension that midwatch does not know"
        ))
        .hint("issue the server's certificate without that extension"),
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => tls(
            format!("{whose} is signed in a way that is not supported, such as with SHA-1"),
        )
        .hint("issue it with an RSA key of 2048 bits or ECDSA P-256, and SHA-256"),
        CertificateError::Other(cause) => tls(format!(
            "{whose} was refused: {}",
            words(&cause.to_string())
        ))
        .hint("issue the server's certificate anew, as X.509 version 3"),
        other => tls(format!("{whose} was refused: {}", words(other)))
            .hint("issue the server's certificate anew"),
    }
}

/// How the library calls a server that shows a certificate of an authority.
const CA_AS_SERVER: &str = "CaUsedAsEndEntity";

/// What `openssl req -x509` makes: signed by itself, and an authority by its own words.
fn own_authority(endpoint: &Endpoint, whose: &str) -> Outage {
    let not_in = match &endpoint.ca {
        Some(given) => format!("and {given} does not hold it"),
        None => format!("and no `{}` holds it", endpoint.terms.ca()),
    };
    let set = endpoint.terms.set(endpoint.terms.ca());
    tls(format!(
        "{whose} is an authority's own (CA:TRUE, as self-signed ones are), {not_in}"
    ))
    .hint(format!(
        "{set} to this very certificate, or give the server one without CA:TRUE"
    ))
}

fn unknown_issuer(endpoint: &Endpoint, whose: &str, seen: Option<&Certificate>) -> Outage {
    let issuer = seen.map_or_else(String::new, |c| format!(" ({})", c.issuer));
    let set = endpoint.terms.set(endpoint.terms.ca());
    let hint = format!("{set} to the authority that signed it");
    match &endpoint.ca {
        None => tls(format!("{whose} has an unknown issuer{issuer}")).hint(hint),
        Some(given) => tls(format!(
            "{whose} was not signed by an authority in {given}; its issuer is{}",
            if issuer.is_empty() {
                " unknown"
            } else {
                &issuer
            }
        ))
        .hint(hint),
    }
}

fn wrong_name(endpoint: &Endpoint, text: &str) -> Outage {
    let key = endpoint.terms.server_name();
    tls(text).hint(format!("set {key} to a name that the certificate holds"))
}

/// What the peer said against us. Without a certificate of ours these alerts all mean that it wants
/// one: OpenSSL sends `handshake_failure`, Go `bad_certificate` or `certificate_required`.
fn of_alert(endpoint: &Endpoint, alert: AlertDescription) -> Outage {
    use AlertDescription as A;
    let about_us = matches!(
        alert,
        A::CertificateRequired
            | A::BadCertificate
            | A::UnsupportedCertificate
            | A::CertificateRevoked
            | A::CertificateExpired
            | A::CertificateUnknown
            | A::UnknownCA
            | A::AccessDenied
            | A::HandshakeFailure
    );
    let peer = endpoint.authority();
    let said = words(&format!("{alert:?}"));
    match &endpoint.cert {
        None if alert == A::CertificateRequired || (about_us && alert != A::HandshakeFailure) => {
            tls(format!("{peer} requires a client certificate")).hint(own_pair(endpoint))
        }
        None if about_us => {
            tls(format!("{peer} broke off the TLS handshake ({said})")).hint(format!(
                "set {} and {} if the server requires a client certificate",
                endpoint.terms.cert(),
                endpoint.terms.key()
            ))
        }
        Some(cert) if about_us => tls(format!(
            "{peer} rejected our client certificate {cert} ({said})"
        ))
        .hint("check its end and its issuer, and that the server trusts that issuer"),
        _ if alert == A::NoApplicationProtocol => another_protocol(endpoint),
        _ => tls(format!("{peer} broke off TLS ({said})"))
            .hint("look into the log of the server for the reason"),
    }
}

fn own_pair(endpoint: &Endpoint) -> String {
    match endpoint.terms {
        Terms::Own => "set cert = \"FILE\" and key = \"FILE\"".into(),
        Terms::Kubeconfig => "set client-certificate and client-key in the kubeconfig".into(),
    }
}

fn timestamp(time: UnixTime) -> Option<Timestamp> {
    let since = Duration::from_secs(time.as_secs());
    Timestamp::from_duration(jiff::SignedDuration::try_from(since).ok()?).ok()
}

fn at(time: Option<Timestamp>) -> String {
    time.map_or_else(String::new, |time| format!(" at {time}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::Settings;

    fn plain() -> Endpoint {
        Endpoint::from_settings("https://a:1", 1, &Settings::default()).unwrap()
    }

    #[test]
    fn an_alert_about_certificates_asks_for_ours_where_none_is_set() {
        let mut endpoint = plain();
        let outage = of_alert(&endpoint, AlertDescription::BadCertificate);
        assert_eq!(outage.detail, "a:1 requires a client certificate");
        endpoint.cert = Some(std::path::PathBuf::from("/me.pem").into());
        let outage = of_alert(&endpoint, AlertDescription::BadCertificate);
        assert!(
            outage
                .detail
                .contains("rejected our client certificate /me.pem")
        );
        let outage = of_alert(&endpoint, AlertDescription::DecodeError);
        assert!(!outage.detail.contains("client certificate"), "{outage}");
    }

    #[test]
    fn no_name_of_the_librarys_code_is_shown() {
        let cause = |text: &'static str| {
            CertificateError::Other(rustls::OtherError(std::sync::Arc::new(io::Error::other(
                text,
            ))))
        };
        for (reason, said) in [
            (cause("UnsupportedCertVersion"), "unsupported cert version"),
            (cause("CaUsedAsEndEntity"), "no `ca` holds it"),
            (
                cause("NameConstraintViolation"),
                "name constraint violation",
            ),
            (CertificateError::InvalidPurpose, "not meant for a server"),
            (CertificateError::BadEncoding, "malformed"),
            (CertificateError::Revoked, "revoked"),
            (
                CertificateError::UnknownRevocationStatus,
                "unknown revocation status",
            ),
        ] {
            let outage = of_certificate(&plain(), &reason, None);
            assert!(outage.detail.contains(said), "{outage}");
            assert!(outage.hint.is_some(), "{outage}");
        }
        let error = TlsError::PeerIncompatible(rustls::PeerIncompatible::NoCipherSuitesInCommon);
        let outage = of_tls(&plain(), &error, None);
        assert!(
            outage.detail.contains("no cipher suites in common"),
            "{outage}"
        );
    }

    #[test]
    fn an_expired_issuer_is_not_blamed_on_the_leaf() {
        let leaf = Certificate {
            place: "x".into(),
            subject: "CN=leaf".into(),
            issuer: "CN=ca".into(),
            not_before: Timestamp::UNIX_EPOCH,
            not_after: Timestamp::from_second(2_000).unwrap(),
        };
        let expired = |end| CertificateError::ExpiredContext {
            time: UnixTime::since_unix_epoch(Duration::from_secs(3_000)),
            not_after: UnixTime::since_unix_epoch(Duration::from_secs(end)),
        };
        let own = of_certificate(&plain(), &expired(2_000), Some(&leaf));
        assert_eq!(
            own.detail,
            "the certificate CN=leaf expired at 1970-01-01T00:33:20Z"
        );
        let above = of_certificate(&plain(), &expired(1_000), Some(&leaf));
        assert!(
            above
                .detail
                .starts_with("an issuer of the certificate CN=leaf")
        );
    }

    #[test]
    fn socket_errors_are_told_in_plain_words() {
        for (kind, words) in [
            (ErrorKind::ConnectionRefused, "refused"),
            (ErrorKind::ConnectionReset, "reset"),
            (ErrorKind::HostUnreachable, "unreachable"),
            (ErrorKind::TimedOut, "stopped acknowledging"),
        ] {
            let outage = of_socket("a:1", &io::Error::from(kind));
            assert_eq!(outage.layer, Layer::Tcp);
            assert!(outage.detail.contains(words), "{outage}");
        }
    }
}
