//! The console as it is deployed: a log-in through the identity provider, a search by the indexes of the real table, a
//! document, and another issue. And the same searches with `ctl`.

use crate::people::{Folder, ctl};
use comms::State;
use e2e::{order_number, shop::Shop, stack::Stack};
use reqwest::{
    Method, RequestBuilder, Response,
    header::{CONTENT_TYPE, COOKIE, HOST, LOCATION, SET_COOKIE},
};
use std::time::Instant;

/// A browser that has logged in.
struct Browser<'a> {
    stack: &'a Stack,
    cookie: String,
}

impl<'a> Browser<'a> {
    async fn log_in(stack: &'a Stack, person: &str) -> Self {
        let mut it = Self { stack, cookie: String::new() };
        let begun = it.request(Method::GET, "/").send().await.unwrap();
        assert_eq!(begun.status(), 303);
        it.keep(&begun);
        let provider = location(&begun).replace("/authorize?", &format!("/authorize/{person}?"));
        let back = client().get(provider).send().await.unwrap();
        let (_, path) =
            location(&back).split_once("/callback").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        let finished = it.request(Method::GET, &format!("/callback{path}")).send().await.unwrap();
        assert_eq!(finished.status(), 303, "{}", finished.text().await.unwrap());
        it.keep(&finished);
        it
    }

    fn keep(&mut self, answer: &Response) {
        let set = answer.headers()[SET_COOKIE].to_str().unwrap();
        self.cookie = set.split(';').next().unwrap().to_owned();
    }

    /// The emulator knows an API by the host that is asked for.
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let host = self.stack.output("ConsoleUrl").trim_start_matches("http://").to_owned();
        let url = format!("{}{path}", self.stack.output("AwsEndpointUrl"));
        client().request(method, url).header(HOST, host).header(COOKIE, &self.cookie)
    }

    async fn page(&self, path: &str) -> String {
        let answer = self.request(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.text().await.unwrap()
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

fn location(answer: &Response) -> String {
    answer.headers()[LOCATION].to_str().unwrap().to_owned()
}

/// A hidden field of the form that leads to `action`.
fn hidden(html: &str, action: &str, name: &str) -> String {
    let form = html.split(&format!("action=\"{action}\"")).nth(1).unwrap();
    let value = form.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap();
    value.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_document_is_found_opened_and_sent_again_by_what_people_know() {
    let (stack, folder) = (Stack::open().await, Folder::new());
    let shop = Shop::open_demo(&stack, str::to_owned).await;
    let entry = shop.confirmed(&stack, order_number(), |_| {}).await;
    let (id, domain) = (entry.communication.as_str(), shop.domain.as_str());
    ctl(&stack, &folder, &["show", id, "--out", "shown"]).await;
    let record = folder.0.join("shown").join(format!("order-confirmation-{id}.record.json"));
    let record: serde_json::Value = serde_json::from_slice(&std::fs::read(record).unwrap()).unwrap();
    let name = record["name"].as_str().unwrap();
    let email = record["recipient"]["email"].as_str().unwrap();

    let find = ["find", "--json", "--shop", domain];
    for by in [["--name", name], ["--email", email], ["--state", "accepted"]] {
        let by = if by[0] == "--state" { vec!["--name", name, "--state", "accepted"] } else { by.to_vec() };
        let text = ctl(&stack, &folder, &[&find[..], &by].concat()).await;
        assert!(text.contains(id), "{by:?}: {text}");
    }
    let text = ctl(&stack, &folder, &["why", id]).await;
    assert!(text.contains("Email took it on"), "{text}");

    let browser = Browser::log_in(&stack, "support").await;
    let query = format!("/?shop={domain}&q={}", name.replace('#', "%23"));
    let results = browser.page(&query).await;
    assert!(results.contains(&format!("href=\"/c/{id}\"")), "{results}");
    let answer = browser.request(Method::GET, &format!("/c/{id}/document/0")).send().await.unwrap();
    let bytes = answer.bytes().await.unwrap();
    assert_eq!(archive::sha256_hex(&bytes), entry.archived.unwrap().sha256);

    let page = format!("/c/{id}");
    let html = browser.page(&page).await;
    let action = format!("/c/{id}/resend");
    let [csrf, request] = ["csrf", "request"].map(|name| hidden(&html, &action, name));
    let form = format!("csrf={csrf}&request={request}&reason=asked&to=right%40example.com");
    for _ in 0..2 {
        let sent =
            browser.request(Method::POST, &action).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = sent.body(form.clone()).send().await.unwrap();
        assert_eq!(location(&answer), format!("{page}?done=resend"));
    }
    let order = entry.reported_on.clone();
    let issue = loop {
        let found = stack.ledger.of_resource(&shop.domain, &order).await.unwrap().entries;
        if let Some(issue) =
            found.into_iter().find(|it| it.communication != entry.communication && !it.state.is_open())
        {
            break issue;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    };
    assert_eq!(issue.state, State::Accepted, "{:?}", issue.reason);
    assert_eq!(shop.emails().await.len(), 2, "pressed twice, sent once");

    let mut times = Vec::new();
    for path in [query.as_str(), page.as_str()].iter().cycle().take(10) {
        let begun = Instant::now();
        let html = browser.page(path).await;
        times.push(begun.elapsed());
        assert!(html.len() <= 50_000, "{path}: {} bytes", html.len());
    }
    times.sort();
    println!("warm pages: {times:?}");
}

#[tokio::test]
async fn a_person_without_a_role_sees_nothing_of_what_is_deployed() {
    let stack = Stack::open().await;
    let browser = Browser::log_in(&stack, "nobody").await;
    let answer = browser.request(Method::GET, "/").send().await.unwrap();
    assert_eq!(answer.status(), 403);
}
