//! Stand-in of an identity provider: OpenID Connect with an authorization code and PKCE, for one client and a few people
//! whose names are their roles.
//!
//! It is as strict as the specifications allow a provider to be (OpenID Connect Core 1.0, RFC 6749, RFC 7636): a parameter
//! that is missing, is there twice or has another value than it must have is refused, a code serves once, for a minute and
//! for who asked for it. Who logs in is asked by a page with a link per person.

#![allow(clippy::expect_used, reason = "a stand-in that cannot make its key is of no use")]

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use axum::{
    Json, Router,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, jwk::Jwk};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use url::form_urlencoded;

/// The one client.
pub const CLIENT: &str = "console";
/// Who can log in. `nobody` has no role.
pub const PEOPLE: [&str; 4] = ["support", "operator", "auditor", "nobody"];
/// The claim that lists roles.
pub const ROLES_CLAIM: &str = "groups";

const KEY_ID: &str = "stub-1";
const CODE_LIVES: Duration = Duration::from_secs(60);
const TOKEN_LIVES_SECONDS: u64 = 300;

/// The provider. Cheap to clone: all share its key and its codes.
#[derive(Clone)]
pub struct OidcStub(Arc<Inner>);

struct Inner {
    issuer: String,
    key: EncodingKey,
    jwk: Value,
    codes: Mutex<HashMap<String, Code>>,
    key_requests: Mutex<usize>,
}

struct Code {
    person: String,
    redirect_uri: String,
    challenge: String,
    nonce: String,
    made: Instant,
}

impl OidcStub {
    /// `issuer`: where it will be served, without a slash at the end.
    pub fn new(issuer: String) -> Self {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .expect("a key");
        let key = EncodingKey::from_ec_der(pkcs8.as_ref());
        let jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).expect("a public key");
        let mut jwk = serde_json::to_value(jwk).expect("a JWK is JSON");
        jwk["kid"] = json!(KEY_ID);
        jwk["use"] = json!("sig");
        Self(Arc::new(Inner { issuer, key, jwk, codes: Mutex::default(), key_requests: Mutex::default() }))
    }

    pub fn router(&self) -> Router {
        Router::new()
            .route("/.well-known/openid-configuration", get(configuration))
            .route("/jwks", get(keys))
            .route("/authorize", get(people))
            .route("/authorize/{person}", get(authorize))
            .route("/token", post(token))
            .with_state(self.clone())
    }

    /// Any claims, signed with the provider's key: for tests of who reads them.
    pub fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(KEY_ID.to_owned()), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, claims, &self.0.key).expect("claims are JSON")
    }

    /// The public key, as it is published.
    pub fn public_key(&self) -> &Value {
        &self.0.jwk
    }

    /// How often the keys were fetched.
    pub fn key_requests(&self) -> usize {
        *self.0.key_requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn configuration(State(stub): State<OidcStub>) -> Json<Value> {
    let issuer = &stub.0.issuer;
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
    }))
}

async fn keys(State(stub): State<OidcStub>) -> Json<Value> {
    *stub.0.key_requests.lock().unwrap_or_else(PoisonError::into_inner) += 1;
    Json(json!({"keys": [stub.0.jwk]}))
}

/// The parameters, if each is there once.
fn parameters(text: &str) -> Result<HashMap<String, String>, String> {
    let mut found = HashMap::new();
    for (name, value) in form_urlencoded::parse(text.as_bytes()).into_owned() {
        if found.insert(name.clone(), value).is_some() {
            return Err(format!("{name} is there twice"));
        }
    }
    Ok(found)
}

fn need<'a>(parameters: &'a HashMap<String, String>, name: &str) -> Result<&'a str, String> {
    parameters.get(name).map(String::as_str).filter(|it| !it.is_empty()).ok_or_else(|| format!("no {name}"))
}

fn must_be(parameters: &HashMap<String, String>, name: &str, value: &str) -> Result<(), String> {
    if need(parameters, name)? == value { Ok(()) } else { Err(format!("{name} must be {value}")) }
}

/// What every request for a code must say.
fn check(query: &str) -> Result<HashMap<String, String>, String> {
    let asked = parameters(query)?;
    must_be(&asked, "response_type", "code")?;
    must_be(&asked, "client_id", CLIENT)?;
    must_be(&asked, "code_challenge_method", "S256")?;
    let scope = need(&asked, "scope")?;
    if !scope.split(' ').any(|scope| scope == "openid") {
        return Err("scope must have openid".to_owned());
    }
    for name in ["state", "nonce"] {
        need(&asked, name)?;
    }
    let challenge = BASE64_URL_SAFE_NO_PAD.decode(need(&asked, "code_challenge")?);
    if challenge.map_or(0, |it| it.len()) != 32 {
        return Err("code_challenge is no SHA-256".to_owned());
    }
    let redirect = need(&asked, "redirect_uri")?;
    let url = url::Url::parse(redirect).map_err(|_| "redirect_uri is no URL")?;
    let host = url.host_str().unwrap_or_default();
    let local = host == "127.0.0.1" || host == "localhost" || host.ends_with(".localhost");
    if !local || url.path() != "/callback" || url.query().is_some() {
        return Err("redirect_uri is not registered".to_owned());
    }
    Ok(asked)
}

async fn people(RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    if let Err(why) = check(&query) {
        return refused(&why);
    }
    let query = query.replace('&', "&amp;").replace('"', "%22").replace('<', "%3C");
    let links = PEOPLE.map(|it| format!("<p><a id=\"{it}\" href=\"/authorize/{it}?{query}\">{it}</a></p>"));
    let page = format!(
        "<!doctype html><html lang=\"en\"><title>Log in</title><h1>Log in for a test as</h1>{}</html>",
        links.concat()
    );
    Html(page).into_response()
}

async fn authorize(
    State(stub): State<OidcStub>,
    Path(person): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let asked = match check(&query.unwrap_or_default()) {
        Ok(asked) if PEOPLE.contains(&&*person) => asked,
        Ok(_) => return refused("nobody of that name"),
        Err(why) => return refused(&why),
    };
    let code = uuid::Uuid::new_v4().to_string();
    let of = |name: &str| asked[name].clone();
    let (redirect_uri, challenge, nonce) = (of("redirect_uri"), of("code_challenge"), of("nonce"));
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("code", &code)
        .append_pair("state", &asked["state"])
        .finish();
    let location = format!("{redirect_uri}?{query}");
    let made = Code { person, redirect_uri, challenge, nonce, made: Instant::now() };
    stub.0.codes.lock().unwrap_or_else(PoisonError::into_inner).insert(code, made);
    (StatusCode::FOUND, [(header::LOCATION, location)]).into_response()
}

async fn token(State(stub): State<OidcStub>, headers: HeaderMap, body: String) -> Response {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
    if kind != Some("application/x-www-form-urlencoded") {
        return invalid("invalid_request");
    }
    match issue(&stub, &body) {
        Ok(answer) => Json(answer).into_response(),
        Err(error) => invalid(error),
    }
}

fn issue(stub: &OidcStub, body: &str) -> Result<Value, &'static str> {
    let asked = parameters(body).map_err(|_| "invalid_request")?;
    must_be(&asked, "grant_type", "authorization_code").map_err(|_| "unsupported_grant_type")?;
    must_be(&asked, "client_id", CLIENT).map_err(|_| "invalid_client")?;
    let code = need(&asked, "code").map_err(|_| "invalid_request")?;
    // it is used up, whatever becomes of the rest
    let code = stub.0.codes.lock().unwrap_or_else(PoisonError::into_inner).remove(code);
    let code = code.filter(|code| code.made.elapsed() < CODE_LIVES).ok_or("invalid_grant")?;
    let verifier = need(&asked, "code_verifier").map_err(|_| "invalid_grant")?;
    let is_asker = (43..=128).contains(&verifier.len())
        && BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) == code.challenge
        && asked.get("redirect_uri") == Some(&code.redirect_uri);
    if !is_asker {
        return Err("invalid_grant");
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let roles: Vec<&str> = if code.person == "nobody" { Vec::new() } else { vec![&code.person] };
    let claims = json!({
        "iss": stub.0.issuer, "aud": CLIENT, "sub": format!("stub|{}", code.person), "iat": now,
        "exp": now + TOKEN_LIVES_SECONDS, "nonce": code.nonce,
        "email": format!("{}@example.com", code.person), ROLES_CLAIM: roles,
    });
    Ok(json!({"token_type": "Bearer", "expires_in": TOKEN_LIVES_SECONDS, "id_token": stub.sign(&claims)}))
}

fn refused(why: &str) -> Response {
    (StatusCode::BAD_REQUEST, format!("refused: {why}")).into_response()
}

fn invalid(error: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"error": error}))).into_response()
}
