//! What S3 says of a missing key, and of one that must not be read.

#![allow(clippy::unwrap_used, reason = "a helper that fails, fails its test")]

use aws_sdk_s3::Client;
use axum::{
    Router,
    extract::Request,
    http::{Method, StatusCode},
};
use objects::is_missing;

/// What the reads answer, and what a listing does.
#[derive(Clone, Copy)]
struct S3 {
    read: (u16, &'static str),
    listing: Result<&'static str, u16>,
}

impl S3 {
    async fn start(self) -> Client {
        let app = Router::new().fallback(move |request: Request| async move { self.answer(&request) });
        let url = fakes::serve(app).await;
        let config = aws_sdk_s3::config::Builder::from(&fakes::aws(&url).await).force_path_style(true);
        Client::from_conf(config.build())
    }

    fn answer(self, request: &Request) -> (StatusCode, String) {
        let error = |(status, code): (u16, &str)| {
            let body = if *request.method() == Method::HEAD {
                String::new()
            } else {
                format!("<Error><Code>{code}</Code></Error>")
            };
            (StatusCode::from_u16(status).unwrap(), body)
        };
        if request.uri().query().is_none_or(|query| !query.contains("list-type=2")) {
            return error(self.read);
        }
        assert!(request.uri().query().unwrap().contains("prefix=config%2Fa.toml"), "{}", request.uri());
        match self.listing {
            Err(status) => error((status, "AccessDenied")),
            Ok(key) => {
                let contents = format!("<Contents><Key>{key}</Key></Contents>");
                let contents = if key.is_empty() { String::new() } else { contents };
                (StatusCode::OK, format!("<ListBucketResult>{contents}</ListBucketResult>"))
            }
        }
    }
}

#[tokio::test]
async fn a_refusal_is_believed_only_of_what_is_there() {
    let key = "config/a.toml";
    for (read, listing, missing) in [
        ((404, "NoSuchKey"), Err(403), true),
        ((404, "NoSuchVersion"), Err(403), true),
        ((405, "MethodNotAllowed"), Err(403), true),
        ((404, "NoSuchBucket"), Ok(""), false),
        ((500, "InternalError"), Ok(""), false),
        ((403, "AccessDenied"), Ok(""), true),
        ((403, "AccessDenied"), Ok("config/a.toml.old"), true),
        ((403, "AccessDenied"), Ok("config/a.toml"), false),
        ((403, "AccessDenied"), Err(403), false),
        ((403, "AccessDenied"), Err(503), false),
    ] {
        let s3 = S3 { read, listing }.start().await;
        let error = s3.get_object().bucket("b").key(key).send().await.unwrap_err();
        assert_eq!(is_missing(&s3, "b", key, &error).await, missing, "GET {read:?}, listing {listing:?}");
        // a HEAD says nothing but its status, so a missing bucket is a missing object to it
        let error = s3.head_object().bucket("b").key(key).send().await.unwrap_err();
        let missing = missing || read.0 == 404;
        assert_eq!(is_missing(&s3, "b", key, &error).await, missing, "HEAD {read:?}, listing {listing:?}");
    }
}
