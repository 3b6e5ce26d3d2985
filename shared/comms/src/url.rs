//! Addresses that this system connects to, or that documents show to customers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{
    borrow::Cow,
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};
use url::{Host, Url};

/// An `https://` address, or `http://` of this very machine, where the local run lives.
///
/// What a URL parser reads out of the text is what stands in it: no user name that looks like a host, no host in
/// another spelling (decimal, octal, IPv4 inside IPv6, escapes), no fragment. Never a link-local address or another
/// one where a cloud serves credentials. What a name resolves to is not looked at.
///
/// ```
/// let host = |text: &str| text.parse::<comms::HttpsUrl>().map(|url| url.host().to_owned());
/// assert_eq!(host("https://exstream.example:8443/base").unwrap(), "exstream.example");
/// assert!(host("http://127.0.0.1:80@evil.example").is_err());
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HttpsUrl {
    text: String,
    parsed: Url,
}

/// Says what is wrong and does not repeat the address, which may hold a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUrl {
    /// No URL, or with characters that one has not.
    #[error("must be a URL of at most {MAX_BYTES} ASCII characters, without spaces and backslashes")]
    Malformed,
    /// Plain HTTP to another machine, or no HTTP at all.
    #[error("must begin with https:// (http:// only for 127.0.0.1, [::1] and localhost)")]
    Scheme,
    /// What stands before an `@`.
    #[error("must not have a user name or password before the host")]
    UserInformation,
    /// What stands after a `#`.
    #[error("must not have a fragment (`#`)")]
    Fragment,
    /// The parser reads another host than stands there.
    #[error(
        "must have its host in plain spelling: a name, four decimal numbers, or the shortest form of IPv6"
    )]
    Spelling,
    /// Where a cloud keeps credentials, or what is no single machine.
    #[error("must not lead to a link-local, metadata, multicast or unspecified address")]
    Forbidden,
}

const MAX_BYTES: usize = 8192;

/// Names by which clouds reach their metadata services.
const METADATA_NAMES: [&str; 5] =
    ["metadata", "metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal"];

/// Metadata and platform services outside of the link-local range: Alibaba, Azure, Oracle.
const METADATA_V4: [Ipv4Addr; 3] =
    [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(192, 0, 0, 192)];

impl HttpsUrl {
    /// The whole address, as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host, in lower case; an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        self.parsed.host_str().unwrap_or_default()
    }

    /// The host as it was written, with the port if there is one.
    pub fn authority(&self) -> &str {
        authority(&self.text)
    }

    /// Whether it leads to this very machine.
    pub fn is_loopback(&self) -> bool {
        self.parsed.host().is_some_and(|host| is_loopback(&host))
    }

    /// Of text from outside that something will fetch: the address without its fragment, if it is fit for that and does
    /// not lead into a private network or to the machine that fetches it.
    pub fn from_outside(text: &str) -> Option<Self> {
        let text = text.split('#').next().unwrap_or_default();
        text.parse().ok().filter(|url: &Self| url.parsed.host().is_some_and(|host| is_public(&host)))
    }

    /// As the HTTP client takes it.
    pub const fn as_url(&self) -> &Url {
        &self.parsed
    }

    /// Whether there is a `?`.
    pub fn has_query(&self) -> bool {
        self.parsed.query().is_some()
    }

    /// The address with `path`, which begins with a slash, after its own.
    pub fn with_path(&self, path: &str) -> String {
        format!("{}{path}", self.text.trim_end_matches('/'))
    }
}

impl FromStr for HttpsUrl {
    type Err = InvalidUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
        if text.len() > MAX_BYTES || !text.bytes().all(plain) {
            return Err(InvalidUrl::Malformed);
        }
        let scheme = text.split_once("://").ok_or(InvalidUrl::Scheme)?.0.to_ascii_lowercase();
        if !matches!(scheme.as_str(), "https" | "http") {
            return Err(InvalidUrl::Scheme);
        }
        let parsed = Url::parse(text).map_err(|_| InvalidUrl::Malformed)?;
        if text.contains('#') {
            return Err(InvalidUrl::Fragment);
        }
        let authority = authority(text);
        if authority.contains('@') {
            return Err(InvalidUrl::UserInformation);
        }
        let host = parsed.host().ok_or(InvalidUrl::Malformed)?;
        if is_forbidden(&host) {
            return Err(InvalidUrl::Forbidden);
        }
        if !is_spelled(authority, &host) {
            return Err(InvalidUrl::Spelling);
        }
        if parsed.scheme() != "https" && !is_loopback(&host) {
            return Err(InvalidUrl::Scheme);
        }
        Ok(Self { text: text.to_owned(), parsed })
    }
}

/// Whether text from outside is a link that a customer can follow: to a web page, plain HTTP included, and to no
/// script or file.
pub fn is_web_link(text: &str) -> bool {
    let plain = !text.chars().any(|c| c.is_control() || c.is_whitespace());
    plain
        && Url::parse(text).is_ok_and(|url| {
            matches!(url.scheme(), "https" | "http") && url.username().is_empty() && url.password().is_none()
        })
}

/// What stands between the slashes after the scheme and the path.
fn authority(text: &str) -> &str {
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// Whether the host was written as the parser understood it, with at most a port behind it.
fn is_spelled(authority: &str, host: &Host<&str>) -> bool {
    let host = host.to_string();
    let Some(written) = authority.get(..host.len()) else { return false };
    let port = &authority[host.len()..];
    written.eq_ignore_ascii_case(&host)
        && !host.ends_with('.')
        && (port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok()))
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => *address == Ipv4Addr::LOCALHOST,
        Host::Ipv6(address) => *address == Ipv6Addr::LOCALHOST,
    }
}

fn is_public(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => name.contains('.') && !name.ends_with(".internal") && !name.ends_with(".local"),
        Host::Ipv4(address) => is_public_v4(*address),
        Host::Ipv6(address) => is_public_v6(*address),
    }
}

/// Whether an address that a name resolved to is fit for what [`HttpsUrl::from_outside`] lets through: no private
/// network, not this machine, no service of the cloud it runs in.
pub fn is_public_address(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !is_forbidden_v4(address) && is_public_v4(address),
        IpAddr::V6(address) => !is_forbidden_v6(address) && is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    !(address.is_private() || address.is_loopback() || (first == 100 && second & 0xc0 == 64))
}

const fn is_public_v6(address: Ipv6Addr) -> bool {
    !address.is_loopback() && address.segments()[0] & 0xfe00 != 0xfc00
}

fn is_forbidden(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => {
            let name = name.trim_end_matches('.');
            METADATA_NAMES.contains(&name) || name.ends_with(".localhost")
        }
        Host::Ipv4(address) => is_forbidden_v4(*address),
        Host::Ipv6(address) => is_forbidden_v6(*address),
    }
}

fn is_forbidden_v4(address: Ipv4Addr) -> bool {
    address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || address.octets()[0] == 0
        || (address.is_loopback() && address != Ipv4Addr::LOCALHOST)
        || METADATA_V4.contains(&address)
}

fn is_forbidden_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let carries_v4 = matches!(
        segments,
        // mapped, translated (RFC 2765), NAT64 (RFC 6052, RFC 8215), 6to4, and the compatible form that nobody uses
        [0, 0, 0, 0, 0, 0xffff, ..]
            | [0, 0, 0, 0, 0xffff, 0, ..]
            | [0x64, 0xff9b, ..]
            | [0x2002, ..]
            | [0, 0, 0, 0, 0, 0, ..]
    );
    let link_local = segments[0] & 0xffc0 == 0xfe80;
    let site_local = segments[0] & 0xffc0 == 0xfec0;
    // AWS's services on an instance, and Google's metadata server
    let metadata = matches!(segments, [0xfd00, 0xec2, ..] | [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254]);
    let itself = address == Ipv6Addr::LOCALHOST;
    !itself && (carries_v4 || link_local || site_local || metadata || address.is_multicast())
}

impl TryFrom<String> for HttpsUrl {
    type Error = InvalidUrl;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<HttpsUrl> for String {
    fn from(url: HttpsUrl) -> Self {
        url.text
    }
}

impl fmt::Display for HttpsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for HttpsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // the path and the query may be a signature
        write!(f, "{}://{}…", self.parsed.scheme(), self.host())
    }
}

impl JsonSchema for HttpsUrl {
    fn schema_name() -> Cow<'static, str> {
        "HttpsUrl".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "An address that begins with https://, or with http:// and this machine's host. Without user name, fragment and hosts of metadata services.",
            "format": "uri",
            "pattern": "^(https://|http://(127\\.0\\.0\\.1|localhost|\\[::1\\])([:/?]|$))",
            "maxLength": MAX_BYTES,
        })
    }
}

#[cfg(test)]
mod tests;
