//! Certificates as facts: who, by whom, from when until when. Verifies nothing.

use jiff::Timestamp;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::facts::Certificate;
use crate::observation::{Layer, Outage};

/// Reads one certificate in DER; `place` says where it was seen.
///
/// # Errors
/// `parse`, when the bytes are no X.509 certificate.
pub fn from_der(place: &str, der: &[u8]) -> Result<Certificate, Outage> {
    let bad = || Outage::new(Layer::Parse, format!("{place}: not an X.509 certificate"));
    let (_, parsed) = X509Certificate::from_der(der).map_err(|_| bad())?;
    let time = |seconds| Timestamp::from_second(seconds).map_err(|_| bad());
    let validity = parsed.validity();
    Ok(Certificate {
        place: place.into(),
        subject: subject(&parsed).into(),
        issuer: parsed.issuer().to_string().into(),
        not_before: time(validity.not_before.timestamp())?,
        not_after: time(validity.not_after.timestamp())?,
    })
}

/// The subject, or the first alternative name where the subject is empty, as newer issuers leave it.
fn subject(parsed: &X509Certificate<'_>) -> String {
    let subject = parsed.subject().to_string();
    if !subject.is_empty() {
        return subject;
    }
    let names = parsed.subject_alternative_name().ok().flatten();
    let first = names.and_then(|names| names.value.general_names.first());
    match first {
        Some(GeneralName::DNSName(name)) => format!("DNS:{name}"),
        Some(GeneralName::URI(uri)) => format!("URI:{uri}"),
        Some(GeneralName::IPAddress(bytes)) => match **bytes {
            [a, b, c, d] => format!("IP:{a}.{b}.{c}.{d}"),
            _ => "IP".into(),
        },
        _ => "(no subject)".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issue(names: &[&str], common: Option<&str>) -> rcgen::Certificate {
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        let mut params = rcgen::CertificateParams::new(names).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        if let Some(common) = common {
            params
                .distinguished_name
                .push(rcgen::DnType::CommonName, common);
        }
        params.not_before = rcgen::date_time_ymd(2026, 1, 2);
        params.not_after = rcgen::date_time_ymd(2027, 3, 4);
        params
            .self_signed(&rcgen::KeyPair::generate().unwrap())
            .unwrap()
    }

    #[test]
    fn subject_and_both_dates_are_read() {
        let seen = from_der("https://a:1", issue(&["a"], Some("etcd-1")).der()).unwrap();
        assert_eq!(&*seen.place, "https://a:1");
        assert_eq!((&*seen.subject, &*seen.issuer), ("CN=etcd-1", "CN=etcd-1"));
        assert_eq!(seen.not_before.to_string(), "2026-01-02T00:00:00Z");
        assert_eq!(seen.not_after.to_string(), "2027-03-04T00:00:00Z");
    }

    #[test]
    fn an_empty_subject_gives_way_to_the_first_alternative_name() {
        let seen = from_der("x", issue(&["etcd.example"], None).der()).unwrap();
        assert_eq!(&*seen.subject, "DNS:etcd.example");
    }

    #[test]
    fn garbage_is_an_error_and_no_panic() {
        for bytes in [&b""[..], b"\x30", b"\x30\x82\xff\xff\x00", &[0x30; 64]] {
            assert_eq!(from_der("x", bytes).unwrap_err().layer, Layer::Parse);
        }
    }
}
