//! Which path leads where. What is no path of ours is one thing: unknown.

use comms::{CommunicationId, ShopDomain};

const MAX_PATH_BYTES: usize = 2048;

pub const CALLBACK: &str = "/callback";
/// Below the app's address, as its extension `flow-send-document` says.
pub const FLOW_ACTION: &str = "/flow/send-document";
pub const PARTS_SCRIPT: &str = "/assets/parts.js";

#[derive(Debug, PartialEq, Eq)]
pub enum Route<'a> {
    Search,
    Communication(CommunicationId),
    Document(CommunicationId, usize),
    Evidence(CommunicationId),
    Resend(CommunicationId),
    Settle(CommunicationId),
    Hold(CommunicationId),
    Release(CommunicationId),
    Dashboard,
    Failures,
    Runs,
    DeadLetters,
    /// Those of one queue.
    DeadLettersOf(&'a str),
    Redrive(&'a str),
    Discard(&'a str),
    Shops,
    Shop(ShopDomain),
    LogIn,
    Callback,
    LogOut,
    SignedOut,
    Script,
    /// A document that a ticket opens.
    Open(&'a str),
    Api(ApiRoute),
    /// Where workflows of Shopify Flow ask for a document.
    FlowAction,
    Unknown,
}

/// The extensions' interface.
#[derive(Debug, PartialEq, Eq)]
pub enum ApiRoute {
    Documents,
    Document(CommunicationId),
    Why(CommunicationId),
    WhyOfResource,
    Open(CommunicationId),
    Resend(CommunicationId),
    Holds(CommunicationId),
    Hold(CommunicationId),
    Release(CommunicationId),
    Print,
    /// What a customer has of an order.
    Account,
    Unknown,
}

impl<'a> Route<'a> {
    pub fn of(path: &'a str) -> Self {
        if path.len() > MAX_PATH_BYTES {
            return Self::Unknown;
        }
        if let Some(rest) = path.strip_prefix("/api/") {
            return Self::Api(ApiRoute::of(rest));
        }
        if let Some(ticket) = path.strip_prefix("/open/").filter(|ticket| !ticket.contains('/')) {
            return Self::Open(ticket);
        }
        if let Some(rest) = path.strip_prefix("/c/") {
            return Self::of_communication(rest).unwrap_or(Self::Unknown);
        }
        if let Some(rest) = path.strip_prefix("/dead-letters/") {
            return Self::of_dead_letters(rest);
        }
        if let Some(Ok(shop)) = path.strip_prefix("/shops/").map(str::parse) {
            return Self::Shop(shop);
        }
        match path {
            "/" => Self::Search,
            "/dashboard" => Self::Dashboard,
            "/failures" => Self::Failures,
            "/runs" => Self::Runs,
            "/dead-letters" => Self::DeadLetters,
            "/shops" => Self::Shops,
            "/log-in" => Self::LogIn,
            CALLBACK => Self::Callback,
            "/log-out" => Self::LogOut,
            "/signed-out" => Self::SignedOut,
            PARTS_SCRIPT => Self::Script,
            FLOW_ACTION => Self::FlowAction,
            _ => Self::Unknown,
        }
    }

    fn of_communication(rest: &str) -> Option<Self> {
        let (id, rest) = rest.split_once('/').map_or((rest, None), |(id, rest)| (id, Some(rest)));
        let id = id.parse().ok()?;
        Some(match rest {
            None => Self::Communication(id),
            Some("evidence") => Self::Evidence(id),
            Some("resend") => Self::Resend(id),
            Some("settle") => Self::Settle(id),
            Some("hold") => Self::Hold(id),
            Some("release") => Self::Release(id),
            Some(rest) => Self::Document(id, number(rest.strip_prefix("document/")?)?),
        })
    }

    fn of_dead_letters(rest: &'a str) -> Self {
        match rest.split_once('/') {
            None => Self::DeadLettersOf(rest),
            Some((queue, "redrive")) => Self::Redrive(queue),
            Some((queue, "discard")) => Self::Discard(queue),
            Some(_) => Self::Unknown,
        }
    }

    /// Its name in the log, which never has the path.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Search => "search",
            Self::Communication(_) => "communication",
            Self::Document(..) => "document",
            Self::Evidence(_) => "evidence",
            Self::Resend(_) => "resend",
            Self::Settle(_) => "settle",
            Self::Hold(_) => "hold",
            Self::Release(_) => "release",
            Self::Dashboard => "dashboard",
            Self::Failures => "failures",
            Self::Runs => "runs",
            Self::DeadLetters => "dead-letters",
            Self::DeadLettersOf(_) => "dead-letters-of",
            Self::Redrive(_) => "redrive",
            Self::Discard(_) => "discard",
            Self::Shops => "shops",
            Self::Shop(_) => "shop",
            Self::LogIn => "log-in",
            Self::Callback => "callback",
            Self::LogOut => "log-out",
            Self::SignedOut => "signed-out",
            Self::Script => "script",
            Self::Open(_) => "open",
            Self::Api(route) => route.name(),
            Self::FlowAction => "flow-action",
            Self::Unknown => "unknown",
        }
    }

    /// Whether it changes something: only by `POST`, and only with the session's own form.
    pub const fn changes(&self) -> bool {
        matches!(
            self,
            Self::Resend(_)
                | Self::Settle(_)
                | Self::Hold(_)
                | Self::Release(_)
                | Self::Redrive(_)
                | Self::Discard(_)
                | Self::LogOut
        )
    }
}

impl ApiRoute {
    fn of(path: &str) -> Self {
        let parts: Vec<&str> = path.split('/').collect();
        let id = |text: &str| text.parse::<CommunicationId>().ok();
        match parts[..] {
            ["v1", "documents"] => Self::Documents,
            ["v1", "documents", communication] => id(communication).map_or(Self::Unknown, Self::Document),
            ["v1", "documents", communication, what] => match (id(communication), what) {
                (Some(id), "why") => Self::Why(id),
                (Some(id), "open") => Self::Open(id),
                (Some(id), "resend") => Self::Resend(id),
                (Some(id), "holds") => Self::Holds(id),
                (Some(id), "hold") => Self::Hold(id),
                (Some(id), "release") => Self::Release(id),
                _ => Self::Unknown,
            },
            ["v1", "why"] => Self::WhyOfResource,
            ["v1", "print"] => Self::Print,
            ["v1", "account", "documents"] => Self::Account,
            _ => Self::Unknown,
        }
    }

    pub const fn name(&self) -> &'static str {
        match self {
            Self::Documents => "api-documents",
            Self::Document(_) => "api-document",
            Self::Why(_) => "api-why",
            Self::WhyOfResource => "api-why-resource",
            Self::Open(_) => "api-open",
            Self::Resend(_) => "api-resend",
            Self::Holds(_) => "api-holds",
            Self::Hold(_) => "api-hold",
            Self::Release(_) => "api-release",
            Self::Print => "api-print",
            Self::Account => "api-account",
            Self::Unknown => "api-unknown",
        }
    }

    pub const fn method(&self) -> &'static str {
        match self {
            Self::Open(_) | Self::Resend(_) | Self::Hold(_) | Self::Release(_) | Self::Print => "POST",
            _ => "GET",
        }
    }
}

fn number(text: &str) -> Option<usize> {
    let is_plain = text.len() <= 3 && !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    is_plain.then(|| text.parse().ok()).flatten()
}

/// Whether it is the address of a page here, and leads nowhere else.
pub fn is_page(address: &str) -> bool {
    let path = address.split('?').next().unwrap_or_default();
    // two slashes begin another host, and browsers take a backslash for one
    let stays = address.starts_with('/') && !address.starts_with("//") && !address.contains('\\');
    let is_plain = address.bytes().all(|b| b.is_ascii_graphic());
    stays
        && is_plain
        && matches!(
            Route::of(path),
            Route::Search
                | Route::Communication(_)
                | Route::Document(..)
                | Route::Evidence(_)
                | Route::Dashboard
                | Route::Failures
                | Route::Runs
                | Route::DeadLetters
                | Route::DeadLettersOf(_)
                | Route::Shops
                | Route::Shop(_)
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: &str = "c4809f9b199959867b344883a5f958d0";

    #[test]
    fn leads_to_pages() {
        let id: CommunicationId = ID.parse().unwrap();
        let of = |path: &str| Route::of(&path.replace("ID", ID)).name();
        assert_eq!(Route::of(&format!("/c/{ID}/document/1")), Route::Document(id, 1));
        assert_eq!((of("/c/ID"), of("/c/ID/evidence")), ("communication", "evidence"));
        assert_eq!((of("/api/v1/documents/ID/why"), of("/api/v1/print")), ("api-why", "api-print"));
        for odd in [
            "/c/",
            "/c/x",
            "/c/ID/",
            "/c/ID/document/",
            "/c/ID/document/-1",
            "/c/ID/document/1000",
            "//",
            "/open/a/b",
        ] {
            assert_eq!(of(odd), "unknown", "{odd}");
        }
        assert_eq!(of("/api/v2/documents"), "api-unknown");
        assert_eq!((of("/dead-letters/a"), of("/dead-letters/a/discard")), ("dead-letters-of", "discard"));
        assert_eq!(of("/dead-letters/a/b"), "unknown");
    }

    #[test]
    fn a_log_in_leads_to_a_page_of_the_console_and_nowhere_else() {
        for page in ["/", "/?q=%231001", "/failures", &format!("/c/{ID}")] {
            assert!(is_page(page), "{page}");
        }
        for elsewhere in [
            "",
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "/log-out",
            "/callback?code=x",
            "/c/x",
            "/ /",
            "/?\r\nx",
            "/api/v1/print",
        ] {
            assert!(!is_page(elsewhere), "{elsewhere}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_leads_somewhere(path in "(/c/|/api/|/shops/)?.{0,140}") {
            let _ = Route::of(&path).name();
            let _ = is_page(&path);
        }
    }
}
