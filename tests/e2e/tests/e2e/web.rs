//! Documents behind links: what customers get from the deployed function, and the table of links as it is.

use crate::people::{Folder, ctl};
use aws_sdk_dynamodb::types::AttributeValue;
use comms::{CommunicationId, Document, Gid, Revision};
use e2e::{eventually, order_number, shop::Shop, stack::Stack};
use futures::future::{join, join_all};
use jiff::{SignedDuration, Timestamp};
use ledger::Entry;
use links::{
    Link, LinkKey, LinkState, LinkedOutput, Links, Opened, Publication, Recorded, Revocation, Revoked,
    Sender, Token,
};
use reqwest::{Method, Response, header::HOST};

/// A document that was sent, and its link as an operator gets it.
struct Published {
    stack: Stack,
    folder: Folder,
    entry: Entry,
    path: String,
}

impl Published {
    async fn new() -> Self {
        let (stack, folder) = (Stack::open().await, Folder::new());
        let shop = Shop::open_demo(&stack, str::to_owned).await;
        let entry = shop.confirmed(&stack, order_number(), |_| {}).await;
        let mut published = Self { stack, folder, entry, path: String::new() };
        let text = published.ctl(&["publish"], &[]).await;
        published.path = published.path_in(&text);
        published
    }

    /// `ctl link`, about this document.
    async fn ctl(&self, verb: &[&str], more: &[&str]) -> String {
        let id = self.entry.communication.as_str();
        ctl(&self.stack, &self.folder, &[&["link"][..], verb, &[id][..], more].concat()).await
    }

    fn path_in(&self, text: &str) -> String {
        let address = self.stack.output("DocumentsUrl");
        let line = text.lines().find_map(|line| line.strip_prefix(address));
        line.unwrap_or_else(|| panic!("no link in {text}")).to_owned()
    }

    async fn send(&self, method: Method, path: &str) -> Response {
        send(&self.stack, method, path).await
    }

    async fn get(&self, path: &str) -> (u16, String) {
        let response = self.send(Method::GET, path).await;
        (response.status().as_u16(), response.text().await.unwrap())
    }

    async fn link(&self) -> Link {
        links(&self.stack).of(&self.entry.communication).await.unwrap().unwrap()
    }
}

const DECISION: [&str; 4] = ["--actor", "ops@northwind.example", "--reason", "sent to a wrong address"];

/// The emulator knows an API by the host that is asked for.
pub async fn send(stack: &Stack, method: Method, path: &str) -> Response {
    let address = stack.output("DocumentsUrl").trim_start_matches("http://");
    let host = address.split(':').next().unwrap();
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let url = format!("{}{path}", stack.output("AwsEndpointUrl"));
    http.request(method, url).header(HOST, host).header("accept-language", "en").send().await.unwrap()
}

pub fn links(stack: &Stack) -> Links {
    Links::new(stack.dynamodb.clone(), stack.output("LinksTable").to_owned())
}

#[tokio::test]
async fn a_customer_opens_the_page_and_the_archived_document() {
    let it = Published::new().await;
    assert_eq!(it.path_in(&it.ctl(&["publish"], &[]).await), it.path, "a second try makes no second link");
    let head = it.send(Method::HEAD, &it.path).await;
    assert_eq!(head.status(), 200);
    let page = it.send(Method::GET, &it.path).await;
    assert_eq!(page.status(), 200);
    for (name, expected) in [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-store, private"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("x-robots-tag", "noindex, nofollow, noarchive, nosnippet"),
    ] {
        assert_eq!(page.headers()[name], expected, "{name}");
    }
    assert!(page.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    assert!(page.headers().get("set-cookie").is_none());
    let html = page.text().await.unwrap();
    assert!(html.contains("Confirmation de commande") && html.contains("Northwind Outfitters"), "{html}");

    let document = it.send(Method::GET, &format!("{}/document.pdf", it.path)).await;
    assert_eq!(document.headers()["content-type"], "application/pdf");
    let bytes = document.bytes().await.unwrap();
    let archived = it.entry.archived.clone().unwrap();
    assert_eq!(archive::sha256_hex(&bytes), archived.sha256);
    assert_eq!(bytes, it.stack.object(&archived.archive_key).await.0);

    let link = it.link().await;
    assert_eq!((link.page_opens, link.document_opens), (1, 1));
    let what: Vec<_> = link.openings.iter().map(|opening| opening.what.clone()).collect();
    assert_eq!(what, [Opened::Page, Opened::File("document.pdf".to_owned())]);
    // told by the function that everybody can reach, written by another
    let opened = eventually("the first openings are facts", || async {
        let facts = it.stack.facts(&it.entry).await;
        let opened: Vec<_> = facts.iter().filter_map(|it| it["opened"].as_str().map(str::to_owned)).collect();
        (opened.len() == 2).then_some(opened)
    });
    let mut opened = opened.await;
    opened.sort();
    assert_eq!(opened, ["document.pdf", "page"]);
    let shown = it.ctl(&["show"], &[]).await;
    assert!(shown.contains("page 1 times, documents 1 times") && shown.contains("document.pdf"), "{shown}");
}

#[tokio::test]
async fn a_revoked_link_says_so_and_a_replacement_opens_the_document() {
    let it = Published::new().await;
    it.ctl(&["revoke"], &DECISION).await;
    let (status, html) = it.get(&it.path).await;
    assert_eq!(status, 410);
    assert!(html.contains("a été retiré") && !html.contains("wrong address"), "{html}");
    assert_eq!(it.get(&format!("{}/document.pdf", it.path)).await.0, 410);
    assert!(it.link().await.openings.is_empty());

    let next = it.path_in(&it.ctl(&["replace"], &DECISION).await);
    assert_ne!(next, it.path);
    assert_eq!((it.get(&next).await.0, it.get(&it.path).await.0), (200, 410));
    // what is replaced is taken back with it
    let third = it.path_in(&it.ctl(&["replace"], &DECISION).await);
    assert_eq!((it.get(&third).await.0, it.get(&next).await.0), (200, 410));
}

#[tokio::test]
async fn an_expired_link_says_so() {
    let it = Published::new().await;
    let link = it.link().await;
    let update = it.stack.dynamodb.update_item().table_name(it.stack.output("LinksTable"));
    update
        .key("pk", AttributeValue::S(format!("link#{}", link.token_sha256)))
        .update_expression("SET valid_until_epoch_ms = :now")
        .expression_attribute_values(":now", AttributeValue::N(Timestamp::now().as_millisecond().to_string()))
        .send()
        .await
        .unwrap();
    let (status, html) = it.get(&it.path).await;
    assert_eq!(status, 410);
    assert!(html.contains("a expiré") && html.contains("service@northwind.example"), "{html}");
}

#[tokio::test]
async fn whoever_guesses_gets_one_answer() {
    let it = Published::new().await;
    let link = it.link().await;
    let expected = it.get("/d/x").await;
    assert_eq!(expected.0, 404);
    let id = it.entry.communication.as_str();
    let key = it.entry.archived.as_ref().unwrap().archive_key.clone();
    for path in [
        "/".to_owned(),
        format!("/d/{}", "A".repeat(43)),
        format!("/d/{}", &link.token_sha256.as_str()[..43]),
        format!("/d/{id}"),
        format!("/d/{}", it.path.trim_start_matches("/d/").to_ascii_lowercase()),
        format!("{}/record.json", it.path),
        format!("{}/..%2frecord.json", it.path),
        format!("/{key}"),
    ] {
        assert_eq!(it.get(&path).await, expected, "{path}");
    }
    let post = it.send(Method::POST, &it.path).await;
    assert_eq!(post.status(), 405);
    assert!(it.link().await.openings.is_empty());
}

/// A communication of the table's own tests.
struct Case {
    stack: Stack,
    links: Links,
    key: LinkKey,
    id: CommunicationId,
    now: Timestamp,
}

impl Case {
    async fn new() -> Self {
        let stack = Stack::open().await;
        let order = Gid::new("Order", order_number());
        let shop = "links-test.myshopify.com".parse().unwrap();
        let id = CommunicationId::derive(&shop, Document::Receipt, &order, &Revision::Initial);
        let key = LinkKey::new("k".repeat(64).into()).unwrap();
        Self { links: links(&stack), stack, key, id, now: Timestamp::now() }
    }

    async fn publish(&self) -> links::Published {
        let outputs = [LinkedOutput {
            object: "links-test.myshopify.com/2026/11/27/receipt/x/document.pdf".to_owned(),
            version_id: "v".to_owned(),
            media_type: "application/pdf".to_owned(),
            bytes: 1,
            sha256: "0".repeat(64),
        }];
        let publication = Publication {
            communication: &self.id,
            shop: &"links-test.myshopify.com".parse().unwrap(),
            document: Document::Receipt,
            locale: "en",
            name: None,
            sender: &Sender::default(),
            outputs: &outputs,
            valid_days: 1,
        };
        self.links.publish(&self.key, &publication, self.now).await.unwrap()
    }

    fn token(&self) -> Token {
        Token::derive(&self.key, &self.id, 0)
    }

    async fn open(&self, after_ms: i64) -> Recorded {
        let now = self.now + SignedDuration::from_millis(after_ms);
        self.links.record_opening(&self.token().hash(), &Opened::Page, now).await.unwrap()
    }

    async fn link(&self) -> Link {
        self.links.of(&self.id).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn of_twenty_attempts_at_once_one_publishes_and_all_have_its_link() {
    let case = Case::new().await;
    let all = join_all((0..20).map(|_| case.publish())).await;
    assert_eq!(all.iter().filter(|it| !it.adopted).count(), 1);
    assert!(
        all.iter()
            .all(|it| it.token == case.token() && it.link.created_epoch_ms == case.now.as_millisecond())
    );
}

#[tokio::test]
async fn openings_at_once_are_all_counted_and_bounded() {
    let case = Case::new().await;
    case.publish().await;
    let recorded = join_all((0..70).map(|at| case.open(at))).await;
    assert!(recorded.iter().all(|it| *it == Recorded::Yes));
    let link = case.link().await;
    assert_eq!((link.page_opens, link.openings.len()), (70, links::MAX_OPENINGS));
}

#[tokio::test]
async fn a_repeated_opening_is_counted_once() {
    let case = Case::new().await;
    case.publish().await;
    for _ in 0..3 {
        assert_eq!(case.open(5).await, Recorded::Yes);
    }
    assert_eq!((case.link().await.page_opens, case.link().await.openings.len()), (1, 1));
}

#[tokio::test]
async fn nothing_is_opened_after_a_revocation_has_answered() {
    let case = Case::new().await;
    case.publish().await;
    let revocation = |at| Revocation {
        at_epoch_ms: at,
        actor: "ops@northwind.example".to_owned(),
        reason: "a test".to_owned(),
    };
    let (first, second) = (revocation(1), revocation(2));
    let opening = join_all((0..10).map(|at| case.open(at)));
    let (_, revoked) = join(opening, case.links.revoke(&case.id, &first)).await;
    assert!(matches!(revoked.unwrap(), Revoked::Link(_)));
    let counted = case.link().await.page_opens;
    for at in 20..25 {
        assert_eq!(case.open(at).await, Recorded::Ended(LinkState::Revoked));
    }
    let Revoked::Link(link) = case.links.revoke(&case.id, &second).await.unwrap() else { panic!("no link") };
    assert_eq!((link.page_opens, link.revoked), (counted, Some(first)));
    // the end of its time ends it as well
    let later = Case::new().await;
    later.publish().await;
    assert_eq!(later.open(86_400_000).await, Recorded::Ended(LinkState::Expired));
    drop(case.stack);
}
