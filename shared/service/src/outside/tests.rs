use super::*;
use axum::{body::Body, response::Response as Answer};
use comms::chain;
use fakes::Server;

const LIMIT: usize = 64;
const SECOND: Duration = Duration::from_secs(1);

/// Only this machine may be asked, as in the local run.
fn local(text: &str) -> Option<HttpsUrl> {
    text.parse().ok().filter(HttpsUrl::is_loopback)
}

async fn fetch(url: &str) -> Result<Bytes, FileError> {
    OutsideFiles::default().fetch(url.parse().unwrap(), local, LIMIT, SECOND).await
}

fn answer(status: u16, location: &str, body: impl Into<Body>) -> Answer {
    Answer::builder().status(status).header("location", location).body(body.into()).unwrap()
}

/// A host with a file, an address that leads to it in as many steps as it says, and others that lead astray.
async fn host() -> Server {
    Server::start(|seen| {
        let path = seen.target.trim_start_matches("GET ").split('?').next().unwrap();
        match path {
            "/file" => answer(200, "", "%PDF-label"),
            "/large" => answer(200, "", vec![b'a'; LIMIT + 1]),
            "/endless" => {
                let chunks =
                    futures::stream::repeat_with(|| Ok::<_, io::Error>(Bytes::from_static(&[b'a'; 16])));
                answer(200, "", Body::from_stream(chunks))
            }
            "/silent" => answer(200, "", Body::from_stream(futures::stream::pending::<io::Result<Bytes>>())),
            "/steps/1" => answer(307, "/file", ""),
            "/steps/2" => answer(302, "1", ""),
            "/inwards" => answer(302, "http://169.254.169.254/latest/meta-data/", ""),
            "/elsewhere" => answer(302, "https://evil.example/", ""),
            "/nowhere" => answer(302, "http://[", ""),
            "/for-ever" => answer(302, "/for-ever", ""),
            _ => answer(404, "", "no"),
        }
    })
    .await
}

#[tokio::test]
async fn a_file_is_had_also_where_its_address_redirects() {
    let host = host().await;
    for path in ["/file", "/steps/1", "/steps/2"] {
        assert_eq!(fetch(&format!("{}{path}", host.base)).await.unwrap(), "%PDF-label");
    }
    let seen = host.seen();
    assert!(seen.iter().all(|it| it.header("cookie").is_none() && it.header("authorization").is_none()));
}

#[tokio::test]
async fn what_goes_wrong_is_named_without_the_address() {
    let host = host().await;
    for (path, problem) in [
        ("/gone", "status 404"),
        ("/large", "more than the 64 bytes"),
        ("/endless", "more than the 64 bytes"),
        ("/silent", "did not arrive within 1 s"),
        ("/inwards", "of no host that the configuration allows"),
        ("/elsewhere", "of no host that the configuration allows"),
        ("/nowhere", "of no host that the configuration allows"),
        ("/for-ever", "redirects more than 3 times"),
    ] {
        let error = fetch(&format!("{}{path}?signature=hidden", host.base)).await.unwrap_err();
        let text = chain(&error);
        assert!(text.contains(problem), "{path}: {text}");
        assert!(!text.contains("hidden") && !text.contains(&host.base), "{text}");
        assert!(matches!(error.class(), Class::Transient { .. }));
    }
    assert_eq!(host.count("/for-ever"), 4, "the address and three redirects");
}

/// Whatever a name is, it may resolve to a machine of this network.
#[tokio::test]
async fn no_name_leads_into_this_network() {
    let host = host().await;
    let port = host.base.rsplit_once(':').unwrap().1;
    let error = fetch(&format!("http://localhost:{port}/file")).await.unwrap_err();
    assert!(chain(&error).contains("no public address"), "{}", chain(&error));
    assert!(host.seen().is_empty());
}
