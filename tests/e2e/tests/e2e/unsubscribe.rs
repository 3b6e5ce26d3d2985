//! From the link in an offer to a campaign that leaves its reader alone.

use crate::web::send;
use comms::{CustomerKey, Document, State};
use e2e::{eventually, shop::Shop, stack::Stack};
use futures::future::join_all;
use ledger::Entry;
use reqwest::Method;
use serde_json::json;

/// A customer who got an offer, with the link in it.
struct Offered {
    stack: Stack,
    shop: Shop,
    entry: Entry,
    path: String,
}

impl Offered {
    async fn new() -> Self {
        let stack = Stack::open().await;
        let shop = Shop::open_demo(&stack, str::to_owned).await;
        shop.register_samples("targeted-offers").await;
        let joined = shop.sample("targeted-offers/customer-joined-segment.json");
        let customer = joined["detail"]["payload"]["customer_id"].as_str().unwrap().to_owned();
        stack.put(&joined).await;
        let entry = eventually("the offer is sent", || async {
            shop.about(&stack, &customer).await.into_iter().find(|entry| entry.state == State::Accepted)
        })
        .await;
        let (_, record) = stack.record(&entry).await;
        let url = record["driver_data"]["data"]["unsubscribe_url"].as_str().unwrap();
        let at = url.find("/u/").unwrap();
        assert!(url.starts_with("https://"), "{url}");
        let path = url[at..].to_owned();
        Self { stack, shop, entry, path }
    }

    fn customer(&self) -> CustomerKey {
        self.entry.customer.as_deref().unwrap().parse().unwrap()
    }

    async fn suppression(&self) -> Option<String> {
        self.stack.ledger.suppression(&self.shop.domain, &self.customer()).await.unwrap()
    }

    async fn ask(&self, method: Method, path: &str) -> (u16, String) {
        let response = send(&self.stack, method, path).await;
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// Of a campaign's documents, this customer's.
    async fn campaign(&self, period: &str) -> Entry {
        let firing = json!({"v": 1, "shop": self.shop.domain, "run": "club-points", "period": period});
        self.stack.send_batch("QueueUrlOfferRun", &[firing.to_string()]).await;
        let is_its = |entry: &Entry| {
            entry.document == Document::LoyaltyStatement
                && entry.revision.as_str().ends_with(period)
                && !entry.state.is_open()
        };
        eventually("the campaign has reached the customer", || async {
            let of_customer = self.shop.about(&self.stack, self.entry.subject.as_str()).await;
            of_customer.into_iter().find(is_its)
        })
        .await
    }
}

#[tokio::test]
async fn an_opt_out_by_link_holds_before_the_next_campaign_and_reaches_shopify() {
    let it = Offered::new().await;
    let (status, page) = it.ask(Method::GET, &it.path).await;
    assert!(status == 200 && page.contains("<form method=\"post\""), "{page}");
    assert_eq!(it.suppression().await, None, "looking changes nothing");

    let (status, _) = it.ask(Method::POST, &it.path).await;
    assert_eq!(status, 200);
    assert_eq!(it.suppression().await.as_deref(), Some("unsubscribed by link"), "before the page answers");
    let suppressed = it.campaign("2026-11-01").await;
    assert_eq!(suppressed.state, State::Suppressed);

    eventually("Shopify has it", || async {
        let told = it.shop.requests(it.shop.shopify, "MarketingUnsubscribe").await;
        (told >= 1).then_some(())
    })
    .await;
    // without the list, Shopify's own consent keeps the next campaign away
    it.stack.ledger.lift(&it.shop.domain, &it.customer()).await.unwrap();
    let refused = it.campaign("2026-12-01").await;
    assert_eq!(refused.state, State::Suppressed);
    assert!(refused.reason.as_deref().unwrap_or_default().contains("unsubscribed"), "{:?}", refused.reason);
}

#[tokio::test]
async fn twenty_posts_at_once_and_guesses_do_no_more_than_one() {
    let it = Offered::new().await;
    let (guessed, _) = it.ask(Method::POST, &format!("/u/{}", "A".repeat(43))).await;
    let (as_document, _) = it.ask(Method::GET, &it.path.replacen("/u/", "/d/", 1)).await;
    assert_eq!((guessed, as_document, it.suppression().await), (404, 404, None));
    let answers = join_all((0..20).map(|_| it.ask(Method::POST, &it.path))).await;
    assert!(answers.iter().all(|answer| *answer == answers[0] && answer.0 == 200));
    eventually("Shopify has it", || async {
        let told = it.shop.requests(it.shop.shopify, "MarketingUnsubscribe").await;
        (told >= 1).then_some(())
    })
    .await;
}
