//! Servers that ask for a client certificate, called as Exstream is: what they are shown, and what a refusal means.

use crate::{
    start::{http_client, identified_client},
    trust::Trust,
};
use exstream::{Budget, CallError, Credentials, ExchangeError, Outgoing, TokenCall, TokenError, TokenSource};
use jiff::Timestamp;
use reqwest::{Method, header::HeaderMap};
use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivatePkcs8KeyDer, UnixTime, pem::PemObject},
    server::WebPkiClientVerifier,
    time_provider::TimeProvider,
};
use shop_config::Token;
use std::{
    fs,
    io::{Read, Write},
    net::{Shutdown, TcpListener},
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::{Duration, SystemTime},
};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
const DAY: Duration = Duration::from_secs(24 * 3600);

const CONFIG: &str = "[req]\ndistinguished_name = dn\n[dn]\n[ca]\nbasicConstraints = critical,CA:TRUE\n\
                      [client]\nbasicConstraints = critical,CA:FALSE\nextendedKeyUsage = clientAuth\n";

/// An authority that certifies clients.
struct Authority(PathBuf);

impl Authority {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("mutual-tls-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("config"), CONFIG).unwrap();
        let authority = Self(folder);
        authority.certify("ca", 30, &[]);
        authority
    }

    /// A new key and its certificate, good from now on for so many days.
    fn certify(&self, kind: &str, days: u32, by: &[&str]) {
        let mut command = Command::new("openssl");
        command.current_dir(&self.0).args(["req", "-x509", "-config", "config", "-extensions", kind]);
        command.args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=test"]);
        command.args(["-keyout", &format!("{kind}.key"), "-out", &format!("{kind}.pem")]);
        let made = command.args(["-days", &days.to_string()]).args(by).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }

    /// What a shop's secret has of a client: chain and key.
    fn client(&self) -> Credentials {
        self.certify("client", 2, &["-CA", "ca.pem", "-CAkey", "ca.key"]);
        let read = |file: &str| fs::read_to_string(self.0.join(file)).unwrap();
        let pem = format!("{}{}", read("client.pem"), read("client.key"));
        Credentials::Certificate { client_certificate: pem.into() }
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.0.join("ca.pem")).unwrap()).unwrap();
        roots
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A clock that is so far ahead.
#[derive(Debug)]
struct Ahead(Duration);

impl TimeProvider for Ahead {
    fn current_time(&self) -> Option<UnixTime> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?;
        Some(UnixTime::since_unix_epoch(now + self.0))
    }
}

/// The port of a server that takes clients of this authority, and answers one request.
fn serve(clients: &Authority, ahead: Duration) -> u16 {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(clients.roots().into(), Arc::clone(&provider));
    let pem = Path::new(FOLDER).join("server.pem");
    let chain = CertificateDer::pem_file_iter(pem).unwrap().collect::<Result<Vec<_>, _>>().unwrap();
    let key = PrivatePkcs8KeyDer::from(fs::read(format!("{FOLDER}/server.key.der")).unwrap());
    let config = ServerConfig::builder_with_details(provider, Arc::new(Ahead(ahead)))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(chain, key.into())
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (socket, _) = listener.accept().unwrap();
        let mut stream = StreamOwned::new(ServerConnection::new(Arc::new(config)).unwrap(), socket);
        if stream.read(&mut [0; 4096]).is_ok_and(|bytes| bytes > 0) {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
        // so that what was said last arrives
        let _ = stream.sock.shutdown(Shutdown::Write);
        let _ = stream.sock.read_to_end(&mut Vec::new());
    });
    port
}

/// As a function has them.
struct Client {
    tokens: TokenSource,
    http: reqwest::Client,
}

impl Client {
    fn new() -> Self {
        let trust = || Trust::load(Some(&format!("{FOLDER}/authority.pem"))).unwrap();
        let http = http_client(&trust()).unwrap().build().unwrap();
        let trusted = trust();
        let make = Arc::new(move |pem: &_| identified_client(&trusted, pem).ok());
        Self { tokens: TokenSource::new(http.clone()).identified_by(make), http }
    }

    async fn call(&self, port: u16, credentials: &Credentials) -> Result<u16, CallError> {
        let call = TokenCall {
            shop: &"acme.myshopify.com".parse().unwrap(),
            token: &Token::None,
            credentials,
            now: Timestamp::now(),
            budget: Budget::new(Duration::from_secs(20)),
        };
        let outgoing = Outgoing {
            method: Method::POST,
            url: format!("https://localhost:{port}/").parse().unwrap(),
            headers: HeaderMap::new(),
            body: "{}".into(),
            limit: 1000,
        };
        let reply = self.tokens.exchange(&self.http, call, &outgoing, |_| false).await;
        reply.map(|reply| reply.status)
    }
}

/// With TLS 1.3 a server refuses after the client has begun to send. Where it says why, and that arrives, nothing is in doubt.
fn is_refused(result: &Result<u16, CallError>) -> bool {
    use ExchangeError::{NotSent, Unanswered};
    matches!(result, Err(CallError::Exchange(NotSent { .. } | Unanswered { .. })))
}

#[tokio::test]
async fn a_server_takes_the_right_certificate_and_no_other_one() {
    let (authority, other) = (Authority::new("right"), Authority::new("other"));
    let client = Client::new();
    let (right, wrong) = (authority.client(), other.client());
    assert_eq!(client.call(serve(&authority, Duration::ZERO), &right).await.unwrap(), 200);
    for (credentials, ahead, what) in [
        (&Credentials::None, Duration::ZERO, "none"),
        (&wrong, Duration::ZERO, "of another authority"),
        (&right, DAY * 3, "expired"),
    ] {
        let refused = client.call(serve(&authority, ahead), credentials).await;
        assert!(is_refused(&refused), "{what}: {refused:?}");
    }
}

/// The secret is read again while the process lives.
#[tokio::test]
async fn a_changed_certificate_is_shown_from_the_next_request_on() {
    let (before, after) = (Authority::new("before"), Authority::new("after"));
    let client = Client::new();
    let (old, renewed) = (before.client(), after.client());
    assert_eq!(client.call(serve(&before, Duration::ZERO), &old).await.unwrap(), 200);
    assert!(is_refused(&client.call(serve(&after, Duration::ZERO), &old).await));
    assert_eq!(client.call(serve(&after, Duration::ZERO), &renewed).await.unwrap(), 200);
}

#[tokio::test]
async fn what_is_no_certificate_is_named_and_not_quoted() {
    let client = Client::new();
    let credentials = Credentials::Certificate { client_certificate: "no PEM at all".to_owned().into() };
    let error = client.call(1, &credentials).await.unwrap_err();
    assert!(matches!(error, CallError::Token(TokenError::Certificate)), "{error:?}");
    assert!(!comms::chain(&error).contains("at all"));
}
