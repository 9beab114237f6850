//! A certificate authority for one trial, with a server's and a client's certificate as files.

use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::Failed;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

/// Paths of PEM files.
pub struct Pki {
    pub ca: PathBuf,
    pub server: Pair,
    pub client: Pair,
}

pub struct Pair {
    pub cert: PathBuf,
    pub key: PathBuf,
}

impl Pki {
    /// Writes everything into `folder`; the server is `127.0.0.1`.
    pub fn create(folder: &Path) -> Result<Self, Failed> {
        let key = KeyPair::generate()?;
        let mut params = named("live authority", &[])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority = params.self_signed(&key)?;
        let ca = folder.join("ca.pem");
        fs::write(&ca, authority.pem())?;
        let issuer = Issuer::new(params, key);
        Ok(Self {
            server: pair(&issuer, folder, "server", &["127.0.0.1", "localhost"])?,
            client: pair(&issuer, folder, "client", &[])?,
            ca,
        })
    }
}

/// One leaf. Both usages for each: etcd's own gateway calls itself with the server's.
fn pair(
    issuer: &Issuer<'_, KeyPair>,
    folder: &Path,
    name: &str,
    hosts: &[&str],
) -> Result<Pair, Failed> {
    let key = KeyPair::generate()?;
    let mut params = named(name, hosts)?;
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    let cert = params.signed_by(&key, issuer)?;
    let files = Pair {
        cert: folder.join(format!("{name}.pem")),
        key: folder.join(format!("{name}.key")),
    };
    fs::write(&files.cert, cert.pem())?;
    fs::write(&files.key, key.serialize_pem())?;
    Ok(files)
}

fn named(name: &str, hosts: &[&str]) -> Result<CertificateParams, Failed> {
    let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let mut params = CertificateParams::new(hosts)?;
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}
