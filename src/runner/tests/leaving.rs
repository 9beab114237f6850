//! Did the request leave? What is said of it when the way breaks, or the time is over.

use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

use super::*;

/// A kubeconfig for this server, with what else its cluster says.
fn api_at(server: &str, home: &Path, more: &[(&str, &str)]) -> Api {
    let mut cluster = json!({"server": server});
    for (key, value) in more {
        cluster[*key] = json!(value);
    }
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    });
    let path = home.join("kubeconfig");
    std::fs::write(&path, config.to_string()).unwrap();
    api_of(&path)
}

/// Sends the one request of a permit to this server.
async fn sent(bench: &Bench, api: &Api) -> Outcome {
    let permit = bench.permit().await;
    let armed = permit.armed().clone();
    let writer = Writer::new(api, &armed).unwrap();
    let licence = permit.spend().into_iter().next().unwrap();
    writer.send(licence).await
}

#[tokio::test]
async fn where_there_never_was_a_connection_nothing_was_sent() {
    let bench = bench().await;
    let home = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let api = api_at(&format!("http://127.0.0.1:{port}"), home.path(), &[]);
    let outcome = sent(&bench, &api).await;
    assert_eq!(outcome.ended, Ended::NotSent, "{outcome:?}");
    assert!(outcome.message.contains("refused"), "{outcome:?}");
}

/// Answers over TLS once the whole request is there, with bytes that are no TLS record.
async fn garbles(listener: TcpListener, acceptor: TlsAcceptor, came: Arc<Mutex<Vec<String>>>) {
    while let Ok((tcp, _)) = listener.accept().await {
        let Ok(mut tls) = acceptor.accept(tcp).await else {
            continue;
        };
        let mut head = Vec::new();
        while !head.windows(4).any(|four| four == b"\r\n\r\n") {
            if tls.read_buf(&mut head).await.unwrap_or(0) == 0 {
                break;
            }
        }
        let line = String::from_utf8_lossy(&head);
        let line = line.lines().next().unwrap_or_default().to_owned();
        came.lock().unwrap().push(line);
        let (tcp, _) = tls.get_mut();
        let _ = tcp.write_all(&[0x17, 3, 3, 0, 32]).await;
        let _ = tcp.write_all(&[0; 32]).await;
        // Open until the client gives up, so that it is the record that it meets.
        let _ = tcp.read_buf(&mut head).await;
    }
}

#[tokio::test]
async fn a_broken_tls_record_after_the_request_does_not_make_it_unsent() {
    let bench = bench().await;
    let home = tempfile::tempdir().unwrap();
    let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let ca = home.path().join("ca.pem");
    std::fs::write(&ca, own.cert.pem()).unwrap();
    let key = PrivatePkcs8KeyDer::from(own.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from(own.cert.der().to_vec())],
            PrivateKeyDer::from(key),
        )
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let came = Arc::new(Mutex::new(Vec::new()));
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(garbles(listener, acceptor, came.clone()));
    let trusted = [("certificate-authority", ca.to_str().unwrap())];
    let api = api_at(&format!("https://127.0.0.1:{port}"), home.path(), &trusted);
    let outcome = sent(&bench, &api).await;
    let came = came.lock().unwrap().clone();
    assert_eq!(came.len(), 1, "{came:?} {outcome:?}");
    assert!(came[0].starts_with("PATCH "), "{came:?}");
    assert!(
        outcome.message.to_lowercase().contains("tls"),
        "{outcome:?}"
    );
    assert_eq!(outcome.ended, Ended::Unknown, "{outcome:?}");
}

#[tokio::test]
async fn a_licence_that_is_used_too_late_sends_nothing() {
    let mut bench = bench().await;
    // The answer was given some time ago; what comes after it was held up.
    bench.world.now = bench.world.now.minus(guard::FRESH + Duration::from_secs(1));
    let outcome = sent(&bench, &bench.fake.api).await;
    assert_eq!(outcome.ended, Ended::NotSent, "{outcome:?}");
    assert!(outcome.message.contains("since the answer"), "{outcome:?}");
    assert!(bench.fake.changes().is_empty());
}

#[tokio::test]
async fn power_that_ends_while_a_connection_is_made_keeps_the_request_back() {
    let mut bench = bench().await;
    let permit = bench.permit().await;
    let armed = permit.armed().clone();
    let writer = Writer::new(&bench.fake.api, &armed).unwrap();
    let licence = permit.spend().into_iter().next().unwrap();
    let sending = writer.send(licence);
    bench.power = None;
    let outcome = sending.await;
    assert_eq!(outcome.ended, Ended::NotSent, "{outcome:?}");
    assert!(bench.fake.changes().is_empty());
}
