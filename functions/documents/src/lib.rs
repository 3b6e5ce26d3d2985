//! Shows customers what was published for them: the page behind a link, and the archived document itself; and lets them
//! end marketing (`unsubscribe.rs`). Takes Shopify's privacy topics (`privacy.rs`), because it is the function behind the
//! HTTP API; it queues them and can do nothing else about them.
//!
//! A link is all that is asked for, so it is all that is trusted: a token leads to its link by its hash, the link
//! names the exact versions that it shows, and nothing of a request becomes a key. The archive stays out of reach: the
//! function reads a document, checks it against the hash of its record, and shows those bytes or none.
//!
//! An opening is recorded, and the first few are queued to become evidence, before anything is shown. If that fails,
//! nothing is shown; if the process dies after it, one opening too many is on record, never one too few. The function
//! keeps nothing between requests.
//!
//! A token that nobody knows and a text that is no token get the same answer. That a link has expired or was revoked is
//! said to whoever holds its token, because to them it is no news that there was one.

// the types of nested async calls are deeper than the compiler expects
#![recursion_limit = "256"]

mod http;
mod page;
mod privacy;
mod route;
mod text;
mod unsubscribe;

pub use downloads::HttpResponse;
pub use http::HttpRequest;
pub use privacy::{AppSecrets, PrivacyRequests};
pub use unsubscribe::Unsubscribing;

use archive::{Archive, ArchiveError};
use comms::chain;
use downloads::{PART_BYTES, Part};
use jiff::Timestamp;
use links::{Link, LinkState, LinkedOutput, Links, Opened, Opening, Recorded, Token};
use page::{Notice, Page};
use route::Route;
use service::{Metric, Metrics, Service, Serving, StartError, function_name};
use std::convert::Infallible;
use text::Language;
use work::{Message, OpenedItem, OpenedKind, QueueError};

/// So many openings of the same thing are queued: the first is evidence, and whoever recorded it may have died before it was
/// queued, with nothing shown.
const QUEUED: usize = 5;

const HTML: &str = "text/html; charset=utf-8";

pub struct Documents {
    links: Links,
    archive: Archive,
    unsubscribing: Unsubscribing,
    /// Where the deployment takes Shopify's privacy topics.
    privacy: Option<PrivacyRequests>,
    function: String,
}

/// An answer, and what the log says of it.
struct Answer {
    response: HttpResponse,
    metric: Option<Metric>,
    /// What went wrong here, not with the request.
    problem: Option<String>,
}

impl Answer {
    fn of(response: HttpResponse) -> Self {
        Self { response, metric: None, problem: None }
    }

    fn counted(self, metric: Metric) -> Self {
        Self { metric: Some(metric), ..self }
    }
}

impl Documents {
    /// Reads the environment. Sends nothing.
    pub fn new(service: &Service) -> Result<Self, StartError> {
        let unsubscribing =
            Unsubscribing { ledger: service.ledger()?, write_back: service.queue("WRITE_BACK_QUEUE_URL")? };
        let documents = Self::with(service.links()?, service.archive()?, unsubscribing);
        if service::optional("PRIVACY_QUEUE_URL").is_none() {
            return Ok(documents);
        }
        let name = format!("{}/app-secrets", service::required("SECRET_PREFIX")?);
        let secrets = AppSecrets::new(aws_sdk_secretsmanager::Client::new(service.aws()), name);
        Ok(documents.taking(PrivacyRequests::new(secrets, service.queue("PRIVACY_QUEUE_URL")?)))
    }

    pub fn with(links: Links, archive: Archive, unsubscribing: Unsubscribing) -> Self {
        Self { links, archive, unsubscribing, privacy: None, function: function_name() }
    }

    /// The same, that takes privacy requests.
    #[must_use]
    pub fn taking(self, requests: PrivacyRequests) -> Self {
        Self { privacy: Some(requests), ..self }
    }

    /// Answers one request. The log has one line of it, without its path.
    pub async fn handle(&self, request: &HttpRequest, now: Timestamp) -> HttpResponse {
        let route = Route::of(request.path());
        let name = route.name();
        let mut link = None;
        let answer = match (request.method(), &route) {
            ("GET" | "HEAD", Route::Page(_) | Route::File(..) | Route::Script | Route::Unknown)
            | ("GET" | "HEAD" | "POST", Route::Unsubscribe(_)) => {
                self.answer(route, request, now, &mut link).await
            }
            (method, Route::Privacy) => match &self.privacy {
                Some(requests) if method == "POST" => requests.answer(request, now).await,
                _ => unknown(request),
            },
            (_, route) => {
                let allowed =
                    if matches!(route, Route::Unsubscribe(_)) { "GET, HEAD, POST" } else { "GET, HEAD" };
                let response = shown(405, page::notice(Notice::Unknown, accepted(request), None));
                Answer::of(response.header("allow", allowed))
            }
        };
        let status = answer.response.status_code;
        let mut metrics = Metrics::default();
        if let Some(metric) = answer.metric {
            metrics.count(metric, 1);
        }
        let (shop, communication) =
            link.as_ref().map(|it: &Link| (it.shop.as_str(), it.communication.as_str())).unzip();
        if let Some(error) = answer.problem {
            metrics.count(Metric::NotShown, 1);
            tracing::error!(shop, communication, route = name, status, error, "document not shown");
        } else {
            tracing::info!(shop, communication, route = name, status, "answered");
        }
        metrics.emit(&self.function, now);
        if request.method() == "HEAD" { answer.response.without_body() } else { answer.response }
    }

    async fn answer(
        &self,
        route: Route<'_>,
        request: &HttpRequest,
        now: Timestamp,
        found: &mut Option<Link>,
    ) -> Answer {
        let (token, file) = match route {
            Route::Script => return Answer::of(HttpResponse::parts_script()),
            Route::Privacy | Route::Unknown => return unknown(request),
            Route::Unsubscribe(token) => {
                return unsubscribe::answer(&self.unsubscribing, &self.links, &token, request, now).await;
            }
            Route::Page(token) => (token, None),
            Route::File(token, file) => (token, Some(file)),
        };
        let link = match self.links.find(&token.hash()).await {
            Ok(Some(link)) => found.insert(link),
            Ok(None) => return unknown(request),
            Err(error) => return unavailable(accepted(request), None, chain(&error)),
        };
        match link.state(now) {
            LinkState::Live => {}
            state => return ended(link, state),
        }
        match file {
            None => self.page(link, &token, request, now).await,
            Some(file) => match link.output(file) {
                Some(output) => self.file(link, output, &token, request, now).await,
                None => unknown(request),
            },
        }
    }

    async fn page(&self, link: &Link, token: &Token, request: &HttpRequest, now: Timestamp) -> Answer {
        match self.record(link, token, Opened::Page, request, now).await {
            Ok(()) => Answer::of(shown(200, page::document(link, &token.expose()))).counted(Metric::Opened),
            Err(answer) => answer,
        }
    }

    /// A document, or the part of it that is asked for. Nothing leaves before the whole was checked.
    async fn file(
        &self,
        link: &Link,
        output: &LinkedOutput,
        token: &Token,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Answer {
        // no answer has a validator, so a conditional range is always of something else
        let header = request.header("range").filter(|_| request.header("if-range").is_none());
        let part = Part::of(header, output.bytes);
        // what does not fit into an answer is fetched in parts, by the page
        if part == Part::Whole && output.bytes > PART_BYTES {
            return Answer::of(HttpResponse::redirect(&links::path(token)));
        }
        let (name, extension) = (page::saved_as(link, output), page::extension(output));
        let response = HttpResponse::of_part(&part, output.bytes, &output.media_type, &name, extension);
        if part == Part::Unsatisfiable || request.method() == "HEAD" {
            return Answer::of(response);
        }
        let bytes = match self.archive.read_exactly(&output.object, &output.version_id, &output.sha256).await
        {
            Ok(bytes) => bytes,
            Err(error) => return not_read(link, &error),
        };
        // the rest of what was opened at its beginning is no further opening
        let continues = matches!(&part, Part::Bytes(range) if range.start > 0) && link.document_opens > 0;
        if !continues {
            let opened = Opened::File(output.file().to_owned());
            if let Err(answer) = self.record(link, token, opened, request, now).await {
                return answer;
            }
        }
        let answer = Answer::of(response.bytes(&part.cut(&bytes)));
        if continues { answer } else { answer.counted(Metric::Opened) }
    }

    /// Records an opening. `HEAD` opens nothing.
    async fn record(
        &self,
        link: &Link,
        token: &Token,
        what: Opened,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<(), Answer> {
        if request.method() == "HEAD" {
            return Ok(());
        }
        match self.links.record_opening(&token.hash(), &what, now).await {
            Ok(Recorded::Yes) => self
                .queue(link, &what, now)
                .await
                .map_err(|error| unavailable(Language::of(&link.locale), Some(link), chain(&error))),
            Ok(Recorded::Ended(state)) => Err(ended(link, state)),
            Ok(Recorded::Absent) => Err(unknown(request)),
            Err(error) => Err(unavailable(Language::of(&link.locale), Some(link), chain(&error))),
        }
    }

    /// Tells of an opening whoever writes evidence.
    async fn queue(&self, link: &Link, what: &Opened, now: Timestamp) -> Result<(), QueueError> {
        let earlier: Vec<_> = link.openings.iter().filter(|it| it.what == *what).collect();
        let Some(object) = link.outputs.first().filter(|_| earlier.len() < QUEUED) else { return Ok(()) };
        let at = |opening: &&Opening| Timestamp::from_millisecond(opening.at_epoch_ms).ok();
        let item = OpenedItem {
            v: OpenedItem::VERSION,
            kind: OpenedKind::Opened,
            shop: link.shop.clone(),
            communication: link.communication.clone(),
            object: object.object.clone(),
            what: match what {
                Opened::Page => "page".to_owned(),
                Opened::File(file) => file.clone(),
            },
            at: earlier.first().and_then(at).unwrap_or(now),
        };
        self.unsubscribing.write_back.send(&Message::of(&item)?).await
    }
}

fn accepted(request: &HttpRequest) -> Language {
    Language::accepted(request.header("accept-language"))
}

fn shown(status: u16, page: Page) -> HttpResponse {
    HttpResponse::new(status, HTML, &page.policy).text(page.html)
}

/// The one answer to whatever leads to no link.
fn unknown(request: &HttpRequest) -> Answer {
    Answer::of(shown(404, page::notice(Notice::Unknown, accepted(request), None))).counted(Metric::NotFound)
}

fn ended(link: &Link, state: LinkState) -> Answer {
    let notice = match state {
        LinkState::Revoked => Notice::Revoked,
        LinkState::Expired | LinkState::Live => Notice::Expired,
    };
    let page = page::notice(notice, Language::of(&link.locale), Some(&link.sender));
    Answer::of(shown(410, page)).counted(Metric::LinkEnded)
}

fn unavailable(language: Language, link: Option<&Link>, problem: String) -> Answer {
    let page = page::notice(Notice::Unavailable, language, link.map(|link| &link.sender));
    let response = shown(503, page).header("retry-after", "120");
    Answer { response, metric: None, problem: Some(problem) }
}

/// What is not in the archive any more, or was erased, has ended; whatever else keeps it from being read is a problem.
fn not_read(link: &Link, error: &ArchiveError) -> Answer {
    match error {
        ArchiveError::Absent { .. } => ended(link, LinkState::Expired),
        ArchiveError::Erased { .. } => ended(link, LinkState::Revoked),
        _ => unavailable(Language::of(&link.locale), Some(link), chain(error)),
    }
}

/// Starts the function and serves its invocations until Lambda ends the process.
pub fn serve() -> Serving {
    Box::pin(async {
        let service = Service::start().await?;
        let documents = Documents::new(&service)?;
        service::run(async |request: HttpRequest, _| {
            Ok::<_, Infallible>(documents.handle(&request, Timestamp::now()).await)
        })
        .await
    })
}
