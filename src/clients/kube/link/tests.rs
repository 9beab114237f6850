//! A half-open connection, over HTTP/2 without TLS.

use std::convert::Infallible;

use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;

use super::*;
use crate::config::settings::Settings;

/// Without pings nothing would end the wait.
const ENOUGH: Duration = Duration::from_secs(60);

/// An HTTP/2 server without TLS whose first connection goes silent when it is asked for `/freeze`,
/// and stays open; later ones are well.
async fn half_open() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for number in 1.. {
            let (tcp, _) = listener.accept().await.unwrap();
            let answered = Arc::new(tokio::sync::Notify::new());
            let note = answered.clone();
            tokio::spawn(async move {
                let service = hyper::service::service_fn(move |request: Request<Incoming>| {
                    let freezes = number == 1 && request.uri().path() == "/freeze";
                    let note = note.clone();
                    async move {
                        if freezes {
                            note.notify_one();
                            std::future::pending::<()>().await;
                        }
                        Ok::<_, Infallible>(Response::new(Body::new("ok".into())))
                    }
                });
                let serve = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(tcp), service);
                tokio::pin!(serve);
                tokio::select! {
                    _ = &mut serve => return,
                    () = answered.notified() => {}
                }
                // Not polled any more, and not closed either.
                std::future::pending::<()>().await;
            });
        }
    });
    address
}

fn request(path: &str) -> Request<Body> {
    Request::get(path).body(Body::default()).unwrap()
}

#[tokio::test]
async fn a_half_open_connection_is_found_by_a_ping_and_replaced() {
    let address = half_open().await;
    let endpoint = Endpoint::from_settings(&format!("http://{address}"), 80, &Settings::default());
    let endpoint = Arc::new(endpoint.unwrap());
    let quick = Duration::from_millis(20);
    let pings = Pings {
        every: quick,
        patience: quick,
    };
    let connector = Connector::new(endpoint.clone(), Speech::Http2);
    let link = Link::new(endpoint, |_| connector, Tasks::default(), pings);
    let link = Arc::new(link);
    let leave = || Ok(());
    let (one, two) = (Gate::new(&leave), Gate::new(&leave));
    let first = link.exchange(request("/a"), Again::Never(&one)).await;
    assert_eq!(first.unwrap().response.status(), 200);
    // What may have changed something is not sent again, and the outage says what happened.
    let frozen = link.exchange(request("/freeze"), Again::Never(&two));
    let outage = tokio::time::timeout(ENOUGH, frozen).await.unwrap();
    let outage = outage.err().unwrap();
    assert_eq!(outage.layer, Layer::Timeout, "{outage}");
    assert!(outage.detail.contains("stopped answering"), "{outage}");
    assert!(two.was_passed(), "it had left");
    let next = link.exchange(request("/b"), Again::Once).await.unwrap();
    assert_eq!(next.response.status(), 200);
}

#[test]
fn pings_find_a_dead_connection_in_time_and_give_a_slow_line_as_long_as_they_wait() {
    assert!(PINGS.every + PINGS.patience < Duration::from_secs(15));
    let taken_for_gone = Duration::from_secs(10);
    assert!(PINGS.every * 2 <= taken_for_gone);
    assert!(PINGS.patience >= Duration::from_secs(5));
}

#[tokio::test]
async fn what_changes_nothing_is_sent_anew_where_a_kept_connection_died() {
    let address = half_open().await;
    let endpoint = Endpoint::from_settings(&format!("http://{address}"), 80, &Settings::default());
    let endpoint = Arc::new(endpoint.unwrap());
    let quick = Duration::from_millis(20);
    let pings = Pings {
        every: quick,
        patience: quick,
    };
    let connector = Connector::new(endpoint.clone(), Speech::Http2);
    let link = Arc::new(Link::new(endpoint, |_| connector, Tasks::default(), pings));
    let first = link.exchange(request("/a"), Again::Once).await.unwrap();
    drop(first);
    let next = link
        .exchange(request("/freeze"), Again::Once)
        .await
        .unwrap();
    assert_eq!(next.response.status(), 200);
}

#[tokio::test]
async fn what_the_gate_keeps_back_does_not_leave_though_the_channel_stands() {
    for speech in [Speech::Http1, Speech::Http2] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::<String>::new()));
        let (seen, http2) = (asked.clone(), speech == Speech::Http2);
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let seen = seen.clone();
                let service = hyper::service::service_fn(move |request: Request<Incoming>| {
                    let path = request.uri().path().to_owned();
                    seen.lock().unwrap().push(path);
                    async { Ok::<_, Infallible>(Response::new(Body::new("ok".into()))) }
                });
                let io = TokioIo::new(tcp);
                if http2 {
                    let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                    tokio::spawn(server.serve_connection(io, service));
                } else {
                    let server = hyper::server::conn::http1::Builder::new();
                    tokio::spawn(server.serve_connection(io, service));
                }
            }
        });
        let name = format!("http://{address}");
        let endpoint = Arc::new(Endpoint::from_settings(&name, 80, &Settings::default()).unwrap());
        let connector = Connector::new(endpoint.clone(), speech);
        let link = Arc::new(Link::new(endpoint, |_| connector, Tasks::default(), PINGS));
        let kept = || Err("the power has ended".to_owned());
        let gate = Gate::new(&kept);
        let outage = link.exchange(request("/change"), Again::Never(&gate)).await;
        let outage = outage.err().unwrap();
        assert!(outage.detail.contains("the power has ended"), "{outage}");
        assert!(!gate.was_passed());
        let open = || Ok(());
        let gate = Gate::new(&open);
        let head = link.exchange(request("/next"), Again::Never(&gate)).await;
        assert_eq!(head.unwrap().response.status(), 200);
        assert!(gate.was_passed());
        assert_eq!(*asked.lock().unwrap(), ["/next"]);
    }
}
