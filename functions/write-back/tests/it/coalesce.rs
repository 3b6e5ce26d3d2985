use crate::{at, item, order, shop, shopify::FakeShopify};
use comms::{Document, Gid, ShopDomain, State};
use serde_json::json;
use shop_config::{Shopify, WriteBack};
use shopify::{AdminApi, Call};
use std::time::Duration;
use tokio::time::Instant;
use work::WriteBackItem;
use write_back::{ReportResult, Status, report};

/// A shop's side of one report.
struct Reporter {
    fake: FakeShopify,
    api: AdminApi,
    shop: ShopDomain,
}

impl Reporter {
    async fn new(resources: impl IntoIterator<Item = Gid>) -> Self {
        Self {
            fake: FakeShopify::start(resources).await,
            api: AdminApi::new(reqwest::Client::new()),
            shop: shop("acme"),
        }
    }

    async fn report(&self, items: &[WriteBackItem]) -> Vec<ReportResult> {
        let settings = Shopify { base_url: Some(self.fake.url.parse().unwrap()), ..Shopify::default() };
        let credentials = serde_json::from_value(json!({"access_token": "shpat"})).unwrap();
        let call = Call {
            shop: &self.shop,
            settings: &settings,
            credentials: &credentials,
            now: at(0),
            deadline: Instant::now() + Duration::from_secs(20),
        };
        report(&self.api, call, &WriteBack::default(), &items.iter().collect::<Vec<_>>()).await
    }

    fn confirmation(&self, resource: &Gid) -> WriteBackItem {
        item(&self.shop, resource, Document::OrderConfirmation)
    }

    fn receipt(&self, resource: &Gid) -> WriteBackItem {
        item(&self.shop, resource, Document::Receipt)
    }

    fn states(&self, resource: &Gid) -> Vec<State> {
        self.fake.status(resource).newest().iter().map(|report| report.state).collect()
    }

    fn requests(&self) -> (usize, usize) {
        let store = self.fake.store();
        (store.reads, store.writes)
    }
}

fn listing(item: &WriteBackItem) -> String {
    let mut status = Status::default();
    status.add(item.into());
    status.value().unwrap()
}

fn all_reported(results: &[ReportResult]) -> bool {
    results.iter().all(|result| *result == ReportResult::Reported)
}

#[tokio::test]
async fn many_reports_take_few_requests() {
    let reporter = Reporter::new((1..=50).map(order)).await;
    let items: Vec<_> = (1..=50)
        .map(order)
        .flat_map(|resource| [reporter.confirmation(&resource), reporter.receipt(&resource)])
        .collect();
    assert!(all_reported(&reporter.report(&items).await));
    assert_eq!(reporter.requests(), (2, 2), "one read and one write for 25 resources");
    for resource in (1..=50).map(order) {
        assert_eq!(reporter.states(&resource).len(), 2);
    }
}

#[tokio::test]
async fn a_repeated_report_is_not_written_again() {
    let reporter = Reporter::new([order(1)]).await;
    let items = [reporter.confirmation(&order(1))];
    assert!(all_reported(&reporter.report(&items).await));
    let value = reporter.fake.value(&order(1));
    assert!(all_reported(&reporter.report(&items).await));
    assert_eq!(reporter.requests(), (2, 1));
    assert_eq!(reporter.fake.value(&order(1)), value);
}

#[tokio::test]
async fn a_late_report_does_not_lower_a_state() {
    let reporter = Reporter::new([order(1)]).await;
    let early = reporter.confirmation(&order(1));
    let late = WriteBackItem { state: State::Delivered, at: at(60), ..early.clone() };
    assert!(all_reported(&reporter.report(&[late]).await));
    assert!(all_reported(&reporter.report(&[early]).await));
    assert_eq!(reporter.states(&order(1)), [State::Delivered]);
}

#[tokio::test]
async fn nothing_somebody_else_wrote_in_between_is_lost() {
    let reporter = Reporter::new([order(1), order(2)]).await;
    let others = listing(&reporter.receipt(&order(1)));
    reporter.fake.store().interference.insert(order(1).to_string(), vec![others]);
    let items = [reporter.confirmation(&order(1)), reporter.confirmation(&order(2))];
    assert!(all_reported(&reporter.report(&items).await));
    assert_eq!(reporter.states(&order(1)).len(), 2, "theirs and ours");
    assert_eq!(reporter.requests(), (2, 2));
}

#[tokio::test]
async fn an_owner_that_never_rests_comes_back_without_holding_up_the_others() {
    let reporter = Reporter::new([order(1), order(2)]).await;
    let others =
        (0..50).map(|second| listing(&WriteBackItem { at: at(second), ..reporter.receipt(&order(1)) }));
    reporter.fake.store().interference.insert(order(1).to_string(), others.collect());
    let results =
        reporter.report(&[reporter.confirmation(&order(1)), reporter.confirmation(&order(2))]).await;
    assert!(
        matches!(&results[0], ReportResult::Later(retry) if retry.reason.contains("STALE_OBJECT")),
        "{results:?}"
    );
    assert_eq!(results[1], ReportResult::Reported);
    assert_eq!(reporter.states(&order(2)), [State::Accepted]);
    assert!(reporter.requests().1 < 10, "{:?}", reporter.requests());
}

#[tokio::test]
async fn a_refused_owner_does_not_block_the_others() {
    let reporter = Reporter::new((1..=5).map(order)).await;
    reporter.fake.store().refused.extend([
        (order(2).to_string(), Some("APP_NOT_AUTHORIZED")),
        (order(3).to_string(), None),
        (order(4).to_string(), Some("INTERNAL_ERROR")),
    ]);
    let items: Vec<_> = (1..=5).map(|n| reporter.confirmation(&order(n))).collect();
    let results = reporter.report(&items).await;
    assert_eq!((&results[0], &results[4]), (&ReportResult::Reported, &ReportResult::Reported));
    assert!(
        matches!(&results[1], ReportResult::Refused(reason) if reason.contains("APP_NOT_AUTHORIZED")),
        "{results:?}"
    );
    assert!(
        matches!(&results[2], ReportResult::Refused(reason) if reason.contains("no code")),
        "{results:?}"
    );
    assert!(matches!(&results[3], ReportResult::Later(_)), "{results:?}");
    assert_eq!(reporter.states(&order(5)), [State::Accepted]);
    assert_eq!(reporter.fake.value(&order(2)), None);
}

#[tokio::test]
async fn a_denied_kind_of_owner_does_not_block_the_others() {
    let location = Gid::new("CompanyLocation", 7);
    let reporter = Reporter::new((1..=9).map(order).chain([location.clone()])).await;
    reporter.fake.store().denied.insert(location.to_string());
    let mut items: Vec<_> = (1..=9).map(|n| reporter.confirmation(&order(n))).collect();
    items.push(reporter.confirmation(&location));
    let results = reporter.report(&items).await;
    assert!(all_reported(&results[..9]), "{results:?}");
    assert!(
        matches!(&results[9], ReportResult::Later(retry) if retry.reason.contains("ACCESS_DENIED")),
        "{results:?}"
    );
    assert_eq!(reporter.requests(), (2, 1), "nothing is halved to find out whom an operator must grant");
}

#[tokio::test]
async fn an_owner_that_is_gone_is_refused() {
    let reporter = Reporter::new([order(1)]).await;
    let results =
        reporter.report(&[reporter.confirmation(&order(9)), reporter.confirmation(&order(1))]).await;
    assert_eq!(results, [ReportResult::Refused("resource not found".into()), ReportResult::Reported]);
}

#[tokio::test]
async fn a_throttled_shop_gets_its_reports_when_it_says() {
    let reporter = Reporter::new((1..=30).map(order)).await;
    reporter.fake.store().throttled = Some(100);
    let items: Vec<_> = (1..=30).map(|n| reporter.confirmation(&order(n))).collect();
    for result in reporter.report(&items).await {
        let ReportResult::Later(retry) = result else { panic!("{result:?}") };
        let wait = retry.at_least.unwrap();
        assert!((Duration::from_secs(8)..Duration::from_secs(10)).contains(&wait), "{wait:?}");
    }
}

#[tokio::test]
async fn a_foreign_value_is_replaced() {
    let reporter = Reporter::new([order(1)]).await;
    reporter.fake.store().set(order(1).as_str(), "{\"hello\":1}");
    assert!(all_reported(&reporter.report(&[reporter.confirmation(&order(1))]).await));
    assert_eq!(reporter.states(&order(1)), [State::Accepted]);
}

/// So that whoever reads the metafield need not know two versions for long.
#[tokio::test]
async fn a_value_of_the_version_before_is_written_again_even_if_it_says_all_of_it() {
    let reporter = Reporter::new([order(1)]).await;
    let item = reporter.confirmation(&order(1));
    let before = listing(&item).replace(r#"{"v":2,"#, r#"{"v":1,"#);
    reporter.fake.store().set(order(1).as_str(), &before);
    assert!(all_reported(&reporter.report(std::slice::from_ref(&item)).await));
    assert_eq!(reporter.fake.value(&order(1)), Some(listing(&item)));
    assert!(all_reported(&reporter.report(&[item]).await));
    assert_eq!(reporter.requests(), (2, 1), "and then no more");
}

#[tokio::test]
async fn tags_are_added_once_an_owner_and_fail_alone() {
    let reporter = Reporter::new([order(1), order(2)]).await;
    reporter.fake.store().untaggable.insert(order(2).to_string());
    let tagged = |item: WriteBackItem, tag: &str| WriteBackItem { tags: vec![tag.into()], ..item };
    let items = [
        tagged(reporter.confirmation(&order(1)), "confirmed"),
        tagged(reporter.receipt(&order(1)), "receipted"),
        tagged(reporter.confirmation(&order(2)), "x"),
        reporter.receipt(&order(2)),
    ];
    let results = reporter.report(&items).await;
    assert_eq!(
        (&results[0], &results[1], &results[3]),
        (&ReportResult::Reported, &ReportResult::Reported, &ReportResult::Reported)
    );
    assert!(
        matches!(&results[2], ReportResult::Refused(reason) if reason.starts_with("TagsAdd was refused")),
        "{results:?}"
    );
    let store = reporter.fake.store();
    assert_eq!(
        store.tags[order(1).as_str()].iter().map(String::as_str).collect::<Vec<_>>(),
        ["confirmed", "receipted"]
    );
}

/// A frozen shop, a time-out and a gateway's page are no resource's matter: everything comes back, and a Shopify in
/// trouble is asked once and not once for each half.
#[tokio::test]
async fn what_is_the_shops_or_the_moments_matter_brings_everything_back() {
    let coded = |code: &str| format!(r#"{{"errors":[{{"message":"m","extensions":{{"code":"{code}"}}}}]}}"#);
    for instead in [coded("SHOP_INACTIVE"), coded("TIMEOUT"), "<html>Maintenance</html>".to_owned()] {
        let reporter = Reporter::new((1..=20).map(order)).await;
        reporter.fake.store().instead = Some(instead.clone());
        let items: Vec<_> = (1..=20).map(|n| reporter.confirmation(&order(n))).collect();
        for result in reporter.report(&items).await {
            assert!(matches!(result, ReportResult::Later(_)), "{instead}: {result:?}");
        }
        assert_eq!(reporter.requests().0, 1, "{instead}");
        reporter.fake.store().instead = None;
        assert!(all_reported(&reporter.report(&items).await), "nothing is lost by the wait");
    }
}

/// It comes back, as another release may read it; the others' reports do not wait for it.
#[tokio::test]
async fn an_answer_that_cannot_be_read_is_its_owners_matter() {
    let orders: Vec<_> = (1..=40).map(order).collect();
    let reporter = Reporter::new(orders.clone()).await;
    for number in [7, 30] {
        reporter.fake.store().garbled.insert(order(number).to_string());
    }
    let items: Vec<_> = orders.iter().map(|order| reporter.confirmation(order)).collect();
    let results = reporter.report(&items).await;
    for (index, result) in results.iter().enumerate() {
        let garbled = matches!(index + 1, 7 | 30);
        assert_eq!(matches!(result, ReportResult::Later(_)), garbled, "{}: {result:?}", index + 1);
        assert_eq!(matches!(result, ReportResult::Reported), !garbled, "{}: {result:?}", index + 1);
    }
    let ReportResult::Later(retry) = &results[6] else { panic!() };
    assert!(retry.reason.starts_with("StatusRead: the answer's `nodes["), "{}", retry.reason);
}
