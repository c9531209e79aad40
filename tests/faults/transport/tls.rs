//! Servers with untrusted certificates, and the real program.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::support::peer::{Peer, Step, answer, bars};
use crate::support::program::{CANARY, Desk, Done, holds};

/// What a peer that speaks TLS 1.1 at most says to a newer hello: `protocol_version`.
const TOO_NEW: &[u8] = &[21, 3, 2, 0, 2, 2, 70];

/// An authority that the program is told to trust, for this test alone.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A server's certificate; without an authority it is self-signed.
    fn certificate(authority: Option<&Self>, name: &str, expired: bool) -> ServerConfig {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        if expired {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        }
        let key = KeyPair::generate().unwrap();
        let certificate = match authority {
            Some(Self(issuer)) => params.signed_by(&key, issuer).unwrap(),
            None => params.self_signed(&key).unwrap(),
        };
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap()
    }
}

/// What a server received on each of its connections; empty if no handshake was completed.
struct TlsPeer {
    port: u16,
    read: mpsc::Receiver<Vec<u8>>,
}

impl TlsPeer {
    /// Answers with bars to any client that trusts it.
    async fn start(config: ServerConfig) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let (tell, read) = mpsc::channel(100);
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let mut request = Vec::new();
                if let Ok(mut stream) = acceptor.accept(socket).await {
                    while !request.ends_with(b"\r\n\r\n") {
                        if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
                            break;
                        }
                    }
                    if !request.is_empty() {
                        let _ = stream.write_all(&answer(200, "", &bars("IBM", 50))).await;
                        let _ = stream.shutdown().await;
                    }
                }
                tell.send(request).await.unwrap();
            }
        });
        Self { port, read }
    }
}

/// A desk whose program trusts only this authority.
fn desk(authority: &Authority, port: u16) -> Desk {
    let desk = Desk::new();
    let file = desk.folder().join("authority.pem");
    std::fs::write(&file, authority.0.pem()).unwrap();
    desk.with("SSL_CERT_FILE", file.to_str().unwrap()).with(
        "ALPHA_VANTAGE_BASE_URL",
        &format!("https://localhost:{port}/query"),
    )
}

fn fetch(desk: &Desk) -> Done {
    tokio::task::block_in_place(|| desk.run(&["fetch", "--symbols", "IBM", "--interval", "5min"]))
}

fn assert_refused(desk: &Desk, done: &Done) {
    assert_eq!(done.code, 3, "{done:?}");
    assert!(
        done.stdout
            .contains("problem with the certificate of localhost"),
        "{done:?}"
    );
    assert_eq!(
        desk.sql("SELECT state FROM requests"),
        ["not_sent"],
        "not retried, and nothing is spent: {done:?}"
    );
    assert!(!holds(&desk.everything_written(), CANARY));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_not_to_be_trusted_ends_the_series_and_hears_nothing() {
    let authority = Authority::new();
    for (config, trusted) in [
        (
            Authority::certificate(Some(&authority), "localhost", false),
            true,
        ),
        (Authority::certificate(None, "localhost", false), false),
        (
            Authority::certificate(Some(&authority), "localhost", true),
            false,
        ),
        (
            Authority::certificate(Some(&authority), "elsewhere.example", false),
            false,
        ),
        (
            Authority::certificate(Some(&Authority::new()), "localhost", false),
            false,
        ),
    ] {
        let mut peer = TlsPeer::start(config).await;
        let desk = desk(&authority, peer.port);
        let done = fetch(&desk);
        if trusted {
            assert_eq!(done.code, 0, "{done:?}");
            let heard = peer.read.recv().await.unwrap();
            assert!(holds(&heard, CANARY), "the key reaches a trusted server");
        } else {
            assert_refused(&desk, &done);
            assert_eq!(
                peer.read.recv().await,
                Some(vec![]),
                "one handshake, nothing in it"
            );
        }
        assert_eq!(peer.read.try_recv().ok(), None, "one connection");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_speaks_only_an_old_tls_or_none_is_refused() {
    let authority = Authority::new();
    for said in [TOO_NEW, b"HTTP/1.1 400 Bad Request\r\n\r\n"] {
        let peer = Peer::greeting(vec![Step::Send(said.to_vec())]).await;
        let desk = desk(&authority, peer.port());
        let done = fetch(&desk);
        assert_refused(&desk, &done);
        assert_eq!(peer.connections(), 1);
    }
}
