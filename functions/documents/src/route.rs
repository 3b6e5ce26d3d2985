//! Which path leads where. What is no path of ours, and what is no token, is one thing: unknown.

use links::Token;

/// A page's path with the longest file name.
const MAX_PATH_BYTES: usize = 120;

/// Fetches large documents, where a page needs that.
pub const SCRIPT: &str = "/assets/parts.js";

/// The address that the app names for Shopify's privacy topics.
pub const PRIVACY: &str = "/privacy";

#[derive(Debug, PartialEq, Eq)]
pub enum Route<'a> {
    Page(Token),
    /// An output by its file name, which is looked up and never made into a key.
    File(Token, &'a str),
    /// Ends marketing to a customer.
    Unsubscribe(Token),
    Script,
    /// Where Shopify says that a customer or shop asks for their data or for erasure.
    Privacy,
    Unknown,
}

impl<'a> Route<'a> {
    pub fn of(path: &'a str) -> Self {
        match path {
            SCRIPT => return Self::Script,
            PRIVACY => return Self::Privacy,
            _ => {}
        }
        if let Some(Ok(token)) = path.strip_prefix("/u/").map(str::parse) {
            return Self::Unsubscribe(token);
        }
        let Some(rest) = path.strip_prefix("/d/").filter(|_| path.len() <= MAX_PATH_BYTES) else {
            return Self::Unknown;
        };
        let (token, file) = rest.split_once('/').map_or((rest, None), |(token, file)| (token, Some(file)));
        match (token.parse(), file) {
            (Ok(token), None) => Self::Page(token),
            (Ok(token), Some(file)) => Self::File(token, file),
            (Err(_), _) => Self::Unknown,
        }
    }

    /// Its name in the log, which never has the path.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Page(_) => "page",
            Self::File(..) => "document",
            Self::Unsubscribe(_) => "unsubscribe",
            Self::Script => "script",
            Self::Privacy => "privacy",
            Self::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn token() -> String {
        format!("{}A", "a".repeat(42))
    }

    #[test]
    fn leads_to_pages_and_their_documents() {
        let text = token();
        let token: Token = text.parse().unwrap();
        assert_eq!(Route::of(&format!("/d/{text}")), Route::Page(token.clone()));
        assert_eq!(Route::of(&format!("/u/{text}")), Route::Unsubscribe(token.clone()));
        for odd in [format!("/u/{text}/"), format!("/u/{text}/x"), "/u/".to_owned(), "/u/x".to_owned()] {
            assert_eq!(Route::of(&odd), Route::Unknown, "{odd}");
        }
        assert_eq!(Route::of(&format!("/d/{text}/document.pdf")), Route::File(token.clone(), "document.pdf"));
        assert_eq!(Route::of("/assets/parts.js"), Route::Script);
        // a name is compared with those of the link, so a path in it is no path
        assert_eq!(
            Route::of(&format!("/d/{text}/../record.json")),
            Route::File(token.clone(), "../record.json")
        );
        assert_eq!(Route::of(&format!("/d/{text}/")), Route::File(token, ""));
    }

    #[test]
    fn everything_else_is_unknown() {
        let text = token();
        for path in [
            "",
            "/",
            "/d",
            "/d/",
            "d/",
            "/D/x",
            "/d//",
            "/d/..",
            "/assets/parts.js/",
            "/assets/",
            "/robots.txt",
            &format!("/d/{text}a"),
            &format!("/d/%{text}"),
            &format!("//d/{text}"),
            &format!("/d/{text} "),
            &format!("/d/{text}/{}", "a".repeat(200)),
            &format!("/d/{text}?x"),
            &format!("/x/../d/{text}"),
        ] {
            assert_eq!(Route::of(path), Route::Unknown, "{path}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_leads_somewhere(path in "(/d/)?.{0,140}") {
            let _ = Route::of(&path);
        }
    }
}
