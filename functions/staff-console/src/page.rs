//! What all pages have in common. Whatever comes from a shop, a customer or another service is made one line, escaped by the
//! template, and isolated from the direction of the text around it.

use crate::{
    http::Fields,
    log_in::SignedIn,
    person::Right,
    route::PARTS_SCRIPT,
    style::{STYLE, policy},
};
use comms::{ShopDomain, State, one_line};
use downloads::HttpResponse;
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};

const HTML: &str = "text/html; charset=utf-8";

/// What a page says that shows nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    NotFound,
    NoSuchShop,
    NoRole,
    NotAllowed,
    SessionEnded,
    SignedOut,
    LogInRefused,
    LinkEnded,
    Erased,
    Unavailable,
    BadForm,
}

impl Notice {
    const fn status(self) -> u16 {
        match self {
            Self::NotFound | Self::NoSuchShop => 404,
            Self::NoRole | Self::NotAllowed | Self::LogInRefused => 403,
            Self::SessionEnded => 401,
            Self::SignedOut => 200,
            Self::LinkEnded | Self::Erased => 410,
            Self::Unavailable => 503,
            Self::BadForm => 400,
        }
    }

    const fn text(self) -> (&'static str, &'static str) {
        match self {
            Self::NotFound => ("Not found", "There is nothing at this address, or it is not yours to see."),
            Self::NoSuchShop => (
                "No such shop",
                "The shop is not served here, or it is not yours to see. Nothing was looked for.",
            ),
            Self::NoRole => (
                "You have no role here",
                "Your account was recognised. Ask for one of the roles support, operator or auditor.",
            ),
            Self::NotAllowed => ("Not allowed", "None of your roles allows this."),
            Self::SessionEnded => ("Your session has ended", "Nothing was done. Log in and try again."),
            Self::SignedOut => ("You are logged out", "Close the browser to be sure that nobody reads on."),
            Self::LogInRefused => ("The log-in did not work", "Nothing was shown. Log in again."),
            Self::LinkEnded => ("This link has ended", "Open the document again where you found it."),
            Self::Erased => (
                "Erased",
                "The document was erased, as the customer asked. That it was sent, and when, stays on record.",
            ),
            Self::Unavailable => {
                ("This does not work at the moment", "Nothing was done. Try again in a minute.")
            }
            Self::BadForm => ("The form could not be read", "Nothing was done. Go back and send it again."),
        }
    }
}

/// A page for somebody.
pub struct Page<'a> {
    pub signed_in: Option<&'a SignedIn>,
    pub title: &'a str,
    /// The page's own address, of those in the navigation.
    pub here: &'a str,
    pub content: Markup,
    pub has_script: bool,
}

impl Page<'_> {
    pub fn answer(self, status: u16) -> HttpResponse {
        let Self { signed_in, title, here, content, has_script } = self;
        let html = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="robots" content="noindex, nofollow";
                    meta name="format-detection" content="telephone=no";
                    title { (one_line(title)) " · Documents" }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    a.skip href="#main" { "To the content" }
                    header { div { (head(signed_in, here)) } }
                    main #main { (content) }
                    @if has_script { script src=(PARTS_SCRIPT) defer {} }
                }
            }
        };
        HttpResponse::new(status, HTML, &policy(has_script)).text(html.into_string())
    }
}

fn head(signed_in: Option<&SignedIn>, here: &str) -> Markup {
    let link = |address: &str, name: &str| {
        html! {
            li { a href=(address) aria-current=[(address == here).then_some("page")] { (name) } }
        }
    };
    let may = |right| signed_in.is_some_and(|it| it.person.may(right));
    html! {
        strong { "Documents" }
        @if may(Right::Look) {
            nav aria-label="Main" { ul {
                (link("/", "Search"))
                (link("/dashboard", "Dashboard"))
                (link("/failures", "Not delivered"))
                @if may(Right::Operations) {
                    (link("/runs", "Runs"))
                    (link("/dead-letters", "Dead letters"))
                    (link("/shops", "Shops"))
                }
            } }
        }
        @if let Some(it) = signed_in {
            form method="post" action="/log-out" {
                (csrf(it))
                span.note { bdi { (one_line(&it.person.name)) } }
                button.quiet { "Log out" }
            }
        }
    }
}

/// What proves that a form is one of this session's pages.
pub fn csrf(signed_in: &SignedIn) -> Markup {
    html! { input type="hidden" name="csrf" value=(signed_in.csrf); }
}

fn notice_of(signed_in: Option<&SignedIn>, notice: Notice) -> HttpResponse {
    let (title, advice) = notice.text();
    let logs_in = signed_in.is_none() && notice != Notice::LinkEnded && notice != Notice::NotFound;
    let content = html! {
        h1 { (title) }
        p { (advice) }
        @if logs_in { p { a.button href="/log-in" { "Log in" } } }
    };
    let page = Page { signed_in, title, here: "", content, has_script: false };
    let answer = page.answer(notice.status());
    if notice == Notice::Unavailable { answer.header("retry-after", "60") } else { answer }
}

/// To whoever it is.
pub fn notice(notice: Notice) -> HttpResponse {
    notice_of(None, notice)
}

/// To somebody who has logged in.
pub fn of_person(signed_in: &SignedIn, notice: Notice) -> HttpResponse {
    notice_of(Some(signed_in), notice)
}

/// What went wrong here, for the log; the person learns that nothing was done.
pub fn unavailable(signed_in: &SignedIn, error: &dyn std::error::Error) -> HttpResponse {
    tracing::error!(error = %comms::chain(error), "page not shown");
    of_person(signed_in, Notice::Unavailable)
}

/// The shop that a request names, of those that somebody may see. One that is not among them is never taken for none: what is
/// shown would be of another shop.
pub fn named_shop(fields: &Fields, shops: &[ShopDomain]) -> Result<Option<ShopDomain>, Notice> {
    let Some(text) = fields.get("shop") else { return Ok(None) };
    let shop = text.parse().ok().filter(|shop| shops.contains(shop));
    shop.map(Some).ok_or(Notice::NoSuchShop)
}

/// The same, and where none is named the first of them.
pub fn chosen_shop(fields: &Fields, shops: &[ShopDomain]) -> Result<Option<ShopDomain>, Notice> {
    Ok(named_shop(fields, shops)?.or_else(|| shops.first().cloned()))
}

/// The field that names the shop.
pub fn shop_field(shops: &[ShopDomain], chosen: Option<&ShopDomain>) -> Markup {
    html! {
        label { "Shop" br; select name="shop" {
            @for it in shops { option value=(it) selected[chosen == Some(it)] { (it) } }
        } }
    }
}

/// Text from outside.
pub fn text(text: &str) -> Markup {
    html! { bdi { (one_line(text)) } }
}

/// A moment, for people and for machines.
pub fn moment(epoch_ms: i64) -> Markup {
    let at = Timestamp::from_millisecond(epoch_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    html! { time datetime=(at.strftime("%Y-%m-%dT%H:%M:%SZ")) { (at.strftime("%-d %b %Y, %H:%M:%S UTC")) } }
}

/// A state in words that say what it means, and whether that is good.
pub fn state(state: State) -> Markup {
    let (words, kind) = match state {
        State::Claimed => ("being made", "wait"),
        State::Archived => ("archived only", ""),
        State::Sending => ("being sent", "wait"),
        State::Accepted => ("sent", "good"),
        State::Delivered => ("delivered", "good"),
        State::Bounced => ("came back", "bad"),
        State::Failed => ("failed", "bad"),
        State::Suppressed => ("not sent on purpose", ""),
        State::Unknown => ("unknown whether sent", "bad"),
    };
    html! { span class={ "state " (kind) } { (words) } }
}
