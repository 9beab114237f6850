//! TLS configuration of one endpoint: whom to trust, who we are, and what the peer showed.
//!
//! The provider is always named (ring); nothing here relies on a process default. Sessions are not
//! resumed, so that each connection shows the certificate that the server has now.

use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error as TlsError, RootCertStore,
    SignatureScheme,
};

use super::endpoint::Endpoint;
use super::file::{Named, Version};
use super::tls_error;
use crate::observation::{Layer, Outage};

/// The certificate that the peer presented last, verified or not.
pub type Seen = Arc<Mutex<Option<CertificateDer<'static>>>>;

/// A configuration and the versions of the files that it was made from.
pub struct Loaded {
    pub versions: Vec<Version>,
    pub config: Arc<ClientConfig>,
    pub seen: Seen,
    /// Whether the peer asked for a client certificate.
    pub asked: Arc<AtomicBool>,
}

/// The versions of the files that an endpoint names, to compare with those of a [`Loaded`].
///
/// # Errors
/// `local`, naming the file that cannot be looked at.
pub fn versions(endpoint: &Endpoint) -> Result<Vec<Version>, Outage> {
    let terms = endpoint.terms;
    let named = [
        (terms.ca(), &endpoint.ca),
        (terms.cert(), &endpoint.cert),
        (terms.key(), &endpoint.key),
    ];
    let files = named.into_iter().filter_map(|(key, given)| {
        let given = given.clone()?;
        Some(Named::new(key, given))
    });
    files.map(|file| file.version()).collect()
}

/// Reads the files and builds the configuration. Blocks on the file system.
///
/// # Errors
/// `local`, naming the file that is missing, unreadable or not what its key says.
pub fn load(endpoint: &Endpoint, alpn: &[&[u8]]) -> Result<Loaded, Outage> {
    // Taken before reading: a change in between is noticed next time instead of never.
    let versions = versions(endpoint)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let seen = Seen::default();
    let verifier = Witness {
        trust: trust(endpoint, &provider)?,
        known: known(endpoint)?,
        provider: provider.clone(),
        seen: seen.clone(),
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| Outage::new(Layer::Local, format!("TLS cannot be set up: {e}")))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match (&endpoint.cert, &endpoint.key) {
        (Some(cert), Some(key)) => {
            let terms = endpoint.terms;
            let cert = Named::new(terms.cert(), cert.clone());
            let key = Named::new(terms.key(), key.clone());
            let chain = certificates(&cert)?;
            let private = private_key(&key)?;
            builder
                .with_client_auth_cert(chain, private)
                .map_err(|e| mismatch(&cert, &key, &e))?
        }
        _ => builder.with_no_client_auth(),
    };
    let asked = Arc::new(AtomicBool::new(false));
    config.client_auth_cert_resolver = Arc::new(Asked {
        answer: config.client_auth_cert_resolver.clone(),
        asked: asked.clone(),
    });
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    config.resumption = rustls::client::Resumption::disabled();
    Ok(Loaded {
        versions,
        config: Arc::new(config),
        seen,
        asked,
    })
}

/// Whom to trust: the authorities in `ca`, else those of the system, else (`insecure`) anybody.
fn trust(
    endpoint: &Endpoint,
    provider: &Arc<CryptoProvider>,
) -> Result<Option<Arc<dyn ServerCertVerifier>>, Outage> {
    if endpoint.insecure {
        return Ok(None);
    }
    let Some(given) = &endpoint.ca else {
        let system = rustls_platform_verifier::Verifier::new(provider.clone()).map_err(|e| {
            Outage::new(
                Layer::Local,
                format!("the system has no certificate authorities that can be used: {e}"),
            )
            .hint(format!(
                "{} to the authority that signed the server's certificate",
                endpoint.terms.set(endpoint.terms.ca())
            ))
        })?;
        return Ok(Some(Arc::new(system)));
    };
    let file = Named::new(endpoint.terms.ca(), given.clone());
    let mut roots = RootCertStore::empty();
    for authority in certificates(&file)? {
        roots.add(authority).map_err(|e| {
            let why = tls_error::words(&e);
            file.bad(&format!("holds a certificate that cannot be used: {why}"))
        })?;
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider.clone())
        .build()
        .map_err(|e| file.bad(&format!("cannot be used: {e}")))?;
    Ok(Some(verifier))
}

/// The very certificates in `ca`. A server that shows one of them is trusted as it is, which is how
/// a self-signed certificate is used: as an authority it could not be a server's.
fn known(endpoint: &Endpoint) -> Result<Vec<CertificateDer<'static>>, Outage> {
    match &endpoint.ca {
        Some(given) if !endpoint.insecure => {
            certificates(&Named::new(endpoint.terms.ca(), given.clone()))
        }
        _ => Ok(Vec::new()),
    }
}

fn certificates(file: &Named) -> Result<Vec<CertificateDer<'static>>, Outage> {
    let pem = file.read()?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let found = found.map_err(|e| file.bad(&format!("is not valid PEM: {e}")))?;
    if found.is_empty() {
        let hint = "name a PEM file with a BEGIN CERTIFICATE block";
        return Err(file.bad("holds no certificate").hint(hint));
    }
    Ok(found)
}

fn private_key(file: &Named) -> Result<PrivateKeyDer<'static>, Outage> {
    let pem = file.read()?;
    PrivateKeyDer::from_pem_slice(&pem).map_err(|_| {
        // The error is not shown: it could quote a line of the key.
        if memchr::memmem::find(&pem, b"ENCRYPTED").is_some() {
            file.bad("holds an encrypted key")
                .hint("decrypt the key into a file that only this user can read")
        } else {
            file.bad("holds no private key")
                .hint("name a PEM file with a BEGIN PRIVATE KEY block")
        }
    })
}

fn mismatch(cert: &Named, key: &Named, error: &TlsError) -> Outage {
    if matches!(error, TlsError::InconsistentKeys(_)) {
        let problem = format!("does not belong to the certificate in {}", cert.given);
        key.bad(&problem).hint(format!(
            "set `{}` and `{}` to files that were issued together",
            cert.key, key.key
        ))
    } else {
        key.bad(&format!("cannot be used: {}", tls_error::words(error)))
    }
}

/// Notes that the peer asked who we are, then answers as configured.
#[derive(Debug)]
struct Asked {
    answer: Arc<dyn ResolvesClientCert>,
    asked: Arc<AtomicBool>,
}

impl ResolvesClientCert for Asked {
    fn resolve(&self, issuers: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Relaxed);
        self.answer.resolve(issuers, schemes)
    }

    fn has_certs(&self) -> bool {
        self.answer.has_certs()
    }
}

/// A certificate that `ca` holds itself: who signed it does not matter, its dates and names do.
fn known_certificate(
    leaf: &CertificateDer<'_>,
    name: &ServerName<'_>,
    now: UnixTime,
) -> Result<ServerCertVerified, TlsError> {
    let (_, read) = x509_parser::parse_x509_certificate(leaf)
        .map_err(|_| TlsError::from(CertificateError::BadEncoding))?;
    let at = |time: x509_parser::time::ASN1Time| {
        UnixTime::since_unix_epoch(Duration::from_secs(
            u64::try_from(time.timestamp()).unwrap_or(0),
        ))
    };
    let (not_before, not_after) = (
        at(read.validity().not_before),
        at(read.validity().not_after),
    );
    if now > not_after {
        let time = now;
        return Err(CertificateError::ExpiredContext { time, not_after }.into());
    }
    if now < not_before {
        let time = now;
        return Err(CertificateError::NotValidYetContext { time, not_before }.into());
    }
    rustls::client::verify_server_name(&ParsedCertificate::try_from(leaf)?, name)?;
    Ok(ServerCertVerified::assertion())
}

/// Keeps the peer's certificate before anyone judges it, then lets the inner verifier judge.
struct Witness {
    /// `None` trusts anybody.
    trust: Option<Arc<dyn ServerCertVerifier>>,
    /// Trusted by themselves, without a signature of anybody.
    known: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
    seen: Seen,
}

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Witness")
            .field("trust", &self.trust)
            .finish_non_exhaustive()
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(end_entity.clone().into_owned());
        let Some(trust) = &self.trust else {
            return Ok(ServerCertVerified::assertion());
        };
        if self.known.iter().any(|known| known == end_entity) {
            return known_certificate(end_entity, server_name, now);
        }
        trust.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
