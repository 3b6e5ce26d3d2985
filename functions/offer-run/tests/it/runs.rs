use crate::shopify::{FakeShopify, error};
use comms::Gid;
use fakes::FakeAws;
use jiff::Timestamp;
use offer_run::{OfferRun, Tools};
use serde_json::{Value, json};
use service::{Invocation, Secrets};
use shop_config::ConfigStore;
use shopify::AdminApi;
use std::{collections::BTreeSet, time::Duration};
use work::{Backoff, Checkpoints, Inbox, Queue, RunItem, SqsEvent, WorkItem};

const CONFIG: &str = r#"
version = 1
shop = "acme.myshopify.com"
time_zone = "Europe/Paris"
default_locale = "en"
[brand]
name = "Acme"
[exstream]
adapter = "orchestration"
base_url = "https://exstream.example"
domain = "d"
token = { mode = "none" }
[marketing.offers.spring]
title = { en = "Spring" }
[marketing.campaigns.spring]
document = "promotional-offer"
schedule = "cron(0 0 * * ? *)"
audience = { query = "number_of_orders > 3" }
offer = "spring"
[marketing.campaigns.club]
document = "promotional-offer"
schedule = "cron(0 0 * * ? *)"
audience = { segment = "gid://shopify/Segment/5" }
offer = "spring"
[marketing.loyalty]
points_per_unit = "1"
[marketing.campaigns.points]
document = "loyalty-statement"
schedule = "cron(0 0 1 * ? *)"
audience = { segment = "gid://shopify/Segment/5" }
[marketing.replenishment]
days_by_sku = { SOAP = 30 }
[marketing.campaigns.refill]
document = "replenishment-reminder"
schedule = "cron(0 0 * * ? *)"
audience = { segment = "gid://shopify/Segment/5" }
[documents.promotional-offer]
communication = "6f1f3ad0"
data_source = "PromotionalOffer"
[documents.loyalty-statement]
communication = "6f1f3ad0"
data_source = "LoyaltyStatement"
[documents.replenishment-reminder]
communication = "6f1f3ad0"
data_source = "ReplenishmentReminder"
"#;

const STATE: &str = "runs/acme.myshopify.com/spring/2026-11-23.json";
const LONG: Duration = Duration::from_secs(300);

struct World {
    aws: FakeAws,
    shopify: FakeShopify,
    function: OfferRun,
}

impl World {
    async fn new(members: u64) -> Self {
        let (aws, shopify) = (FakeAws::start().await, FakeShopify::start(members).await);
        let config = format!("{CONFIG}\n[shopify]\nbase_url = \"{}\"\n", shopify.url);
        aws.account().objects.set("config/acme.myshopify.com.toml", config);
        Self::on(aws, shopify).await
    }

    /// A process that finds what another left.
    async fn on(aws: FakeAws, shopify: FakeShopify) -> Self {
        let sdk = aws.sdk().await;
        let s3 = aws_sdk_s3::config::Builder::from(&sdk).force_path_style(true).build();
        let s3 = aws_sdk_s3::Client::from_conf(s3);
        let sqs = aws_sdk_sqs::Client::new(&sdk);
        let ttl = Duration::from_secs(60);
        let function = OfferRun::with(Tools {
            configs: ConfigStore::new(s3.clone(), "operations".into(), ttl),
            secrets: Secrets::new(aws_sdk_secretsmanager::Client::new(&sdk), "prefix".into(), ttl),
            shopify: AdminApi::new(reqwest::Client::new()),
            checkpoints: Checkpoints::new(s3, "operations".into()),
            inbox: Inbox {
                queue: Queue::new(sqs.clone(), "http://queue/offer-run".into()),
                dead_letters: Queue::new(sqs.clone(), "http://queue/offer-run-dlq".into()),
                backoff: Backoff::default(),
            },
            flow: Queue::new(sqs, "http://queue/targeted-offers".into()),
            clock: Timestamp::now,
        });
        Self { aws, shopify, function }
    }

    /// Whether the message was finished.
    async fn run(&self, body: &Value, time_left: Duration) -> bool {
        let record = json!({"messageId": "m", "receiptHandle": "h", "body": body.to_string()});
        let event: SqsEvent = serde_json::from_value(json!({"Records": [record]})).unwrap();
        // what is kept back to answer in comes on top
        let deadline = Timestamp::now() + time_left + Duration::from_millis(1500);
        let invocation = Invocation { request_id: "r".into(), deadline };
        self.function.handle(event, invocation).await.unwrap().failures.is_empty()
    }

    /// Webhook ids of the work that was queued.
    fn queued(&self) -> Vec<String> {
        let id = |item: &Value| item["trigger"]["webhook_id"].as_str().unwrap().to_owned();
        self.aws.account().queues.sent("targeted-offers").iter().map(id).collect()
    }

    fn members_reached(&self) -> usize {
        self.queued().into_iter().collect::<BTreeSet<_>>().len()
    }
}

/// Midnight in Paris, which is still the day before in UTC.
fn fired(run: &str) -> Value {
    json!({"v": 1, "shop": "acme.myshopify.com", "run": run, "scheduled_at": "2026-11-22T23:00:00Z"})
}

#[tokio::test]
async fn every_member_becomes_one_item_of_the_local_date() {
    let world = World::new(612).await;
    assert!(world.run(&fired("spring"), LONG).await);
    assert_eq!((world.queued().len(), world.members_reached()), (612, 612));
    let first =
        WorkItem::from_json(&world.aws.account().queues.sent("targeted-offers")[0].to_string()).unwrap();
    assert_eq!(first.subject, Gid::new("Customer", 9000));
    assert_eq!(first.trigger.webhook_id, "spring-2026-11-23-9000");
    assert_eq!(
        first.payload.unwrap().get(),
        r#"{"campaign":"spring","document":"promotional-offer","period":"2026-11-23"}"#
    );
    let state = world.aws.account().objects.json(STATE).unwrap();
    assert_eq!((&state["stage"], &state["members"]), (&json!("done"), &json!(612)));
    let asked = world.shopify.asked("SegmentMembers");
    assert_eq!(asked.len(), 3);
    assert_eq!(
        (&asked[0]["query"], &asked[0]["timezone"]),
        (&json!("number_of_orders > 3"), &json!("Europe/Paris"))
    );
    // fired twice: nothing more
    assert!(world.run(&fired("spring"), LONG).await);
    assert_eq!((world.queued().len(), world.shopify.asked("SegmentMembers").len()), (612, 3));
    // the next day is another firing
    let mut tomorrow = fired("spring");
    tomorrow["scheduled_at"] = "2026-11-23T23:00:00Z".into();
    assert!(world.run(&tomorrow, LONG).await);
    assert_eq!(world.members_reached(), 2 * 612);
}

/// A weekly campaign reminds of the whole week; one that is repeated, or fired again for a day gone by, of no more.
#[tokio::test]
async fn a_reminder_knows_the_firing_before_it() {
    let world = World::new(1).await;
    for (period, since) in [
        ("2026-11-09", None),
        ("2026-11-16", Some("2026-11-09")),
        ("2026-11-16", None),
        ("2026-11-23", Some("2026-11-16")),
        ("2026-11-12", Some("2026-11-11")),
        ("2026-11-30", Some("2026-11-23")),
    ] {
        let before = world.queued().len();
        let body = json!({"v": 1, "shop": "acme.myshopify.com", "run": "refill", "period": period});
        assert!(world.run(&body, LONG).await);
        let sent = world.aws.account().queues.sent("targeted-offers");
        let payloads: Vec<_> = sent[before..].iter().map(|item| item["payload"].clone()).collect();
        if since.is_none() && period == "2026-11-16" {
            assert!(payloads.is_empty(), "it was done");
            continue;
        }
        let mut payload =
            json!({"campaign": "refill", "document": "replenishment-reminder", "period": period});
        if let Some(since) = since {
            payload["since"] = since.into();
        }
        assert_eq!(payloads, [payload]);
    }
}

/// The process dies after it has noted the firing and before it has queued anything.
#[tokio::test]
async fn a_firing_that_finds_itself_goes_back_as_far() {
    let world = World::new(1).await;
    let latest = json!({"period": "2026-11-16", "since": "2026-11-09"});
    world.aws.account().objects.set("runs/acme.myshopify.com/refill.json", latest.to_string());
    let body = json!({"v": 1, "shop": "acme.myshopify.com", "run": "refill", "period": "2026-11-16"});
    assert!(world.run(&body, LONG).await);
    assert_eq!(world.aws.account().queues.sent("targeted-offers")[0]["payload"]["since"], "2026-11-09");
}

#[tokio::test]
async fn points_are_not_counted_from_a_part_of_the_orders() {
    let world = World::new(1).await;
    let first = json!({"v": 1, "shop": "acme.myshopify.com", "run": "points", "period": "2026-11-01"});
    world.shopify.audience().scopes = vec!["read_orders"];
    assert!(!world.run(&first, LONG).await);
    assert!(world.queued().is_empty());
    world.shopify.audience().scopes = vec!["read_orders", "read_all_orders"];
    assert!(world.run(&first, LONG).await);
    assert_eq!(world.queued().len(), 1);
}

#[tokio::test]
async fn a_segment_is_asked_for_by_its_id_and_may_be_empty() {
    let world = World::new(0).await;
    assert!(world.run(&fired("club"), LONG).await);
    assert_eq!(world.shopify.asked("SegmentMembers")[0]["segment"], "gid://shopify/Segment/5");
    assert!(world.queued().is_empty());
    assert_eq!(world.aws.account().objects.json(&STATE.replace("spring", "club")).unwrap()["stage"], "done");
}

#[tokio::test]
async fn a_member_that_cannot_be_read_keeps_no_other_from_the_campaign() {
    let world = World::new(260).await;
    let node = |id: Value| json!({"node": {"id": id}});
    world.shopify.audience().instead = [json!({"data": {"customerSegmentMembers": {
        "pageInfo": {"hasNextPage": true, "endCursor": "250"},
        "edges": [
            node("gid://shopify/CustomerSegmentMember/1".into()), node(Value::Null), json!({"node": null}),
            node("gid://shopify/CustomerSegmentMember/91e8c96a-41d1".into()),
            node("gid://shopify/CustomerSegmentMember/2".into()),
        ],
    }}})]
    .into();
    assert!(world.run(&fired("club"), LONG).await);
    assert_eq!(world.members_reached(), 2 + 10);
    assert_eq!(world.aws.account().objects.json(&STATE.replace("spring", "club")).unwrap()["stage"], "done");
}

#[tokio::test]
async fn a_page_that_was_not_queued_whole_is_queued_again_and_no_other() {
    let world = World::new(612).await;
    world.aws.account().queues.batches_until_failure = Some(30);
    assert!(
        !world.run(&fired("spring"), LONG).await,
        "25 sends of the first page, and the sixth of the second"
    );
    assert_eq!(world.aws.account().objects.json(STATE).unwrap()["after"], "250");
    assert!(world.run(&fired("spring"), LONG).await);
    let asked: Vec<_> = world.shopify.asked("SegmentMembers").iter().map(|it| it["after"].clone()).collect();
    assert_eq!(asked, [Value::Null, json!("250"), json!("250"), json!("500")]);
    assert_eq!(world.members_reached(), 612);
    assert!(world.queued().len() <= 612 + 250, "{}", world.queued().len());
}

#[tokio::test]
async fn a_run_whose_time_ends_goes_on_with_a_message_of_its_own() {
    let world = World::new(612).await;
    // enough for a page when it begins, and not afterwards
    let pause = json!({"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
        "extensions": {"cost": {"requestedQueryCost": 100, "throttleStatus":
            {"maximumAvailable": 2000.0, "currentlyAvailable": 0.0, "restoreRate": 2.0}}}});
    world.shopify.audience().instead = [Value::Null, pause].into();
    assert!(world.run(&fired("spring"), Duration::from_secs(40)).await);
    let [next] = &world.aws.account().queues.sent("offer-run")[..] else { panic!() };
    let item = RunItem::from_json(&next.to_string()).unwrap();
    assert_eq!((item.period.as_deref(), item.run.as_str()), (Some("2026-11-23"), "spring"));
    assert_eq!(world.queued().len(), 250);
    // another process, with a budget of its own
    let world = World::on(world.aws, world.shopify).await;
    assert!(world.run(next, LONG).await);
    assert_eq!((world.queued().len(), world.members_reached()), (612, 612));
}

#[tokio::test]
async fn a_message_that_gets_nowhere_comes_back() {
    let world = World::new(612).await;
    assert!(!world.run(&fired("spring"), Duration::from_secs(10)).await);
    assert!(world.queued().is_empty() && world.aws.account().queues.sent("offer-run").is_empty());
}

/// Two deliveries of one message: the slower one learns of the other and comes back to find the work done.
#[tokio::test]
async fn of_two_workers_one_gives_way() {
    let world = World::new(612).await;
    world.aws.account().objects.overtaken = 1;
    assert!(!world.run(&fired("spring"), LONG).await);
    assert_eq!(world.queued().len(), 250);
}

#[tokio::test]
async fn an_audience_that_shopify_cannot_answer_at_once_is_prepared() {
    let world = World::new(300).await;
    {
        let mut audience = world.shopify.audience();
        audience.instead = [error("INTERNAL_SERVER_ERROR")].into();
        audience.prepared = Some(false);
    }
    assert!(!world.run(&fired("spring"), LONG).await, "Shopify still looks it up");
    assert_eq!(
        world.shopify.asked("SegmentMembersPrepare")[0]["input"],
        json!({"query": "number_of_orders > 3"})
    );
    world.shopify.audience().prepared = Some(true);
    assert!(world.run(&fired("spring"), LONG).await);
    assert_eq!(world.members_reached(), 300);
    let last = world.shopify.asked("SegmentMembers").pop().unwrap();
    assert_eq!(
        (&last["prepared"], last.get("query")),
        (&json!("gid://shopify/CustomerSegmentMembersQuery/91e8c96a-41d1"), None)
    );
    assert_eq!(world.shopify.asked("SegmentMembersPrepare").len(), 1);
}

#[tokio::test]
async fn a_look_up_that_shopify_forgot_is_begun_again() {
    let world = World::new(300).await;
    let state = json!({"v": 1, "at": "2026-11-22T23:00:00Z", "after": "250", "members": 250,
        "prepared": "gid://shopify/CustomerSegmentMembersQuery/0", "stage": "members"});
    world.aws.account().objects.set(STATE, state.to_string());
    assert!(world.run(&fired("spring"), LONG).await);
    assert_eq!(
        (world.members_reached(), world.aws.account().objects.json(STATE).unwrap()["members"].clone()),
        (300, json!(300))
    );
}

/// Shopify would answer with every customer of the shop.
#[tokio::test]
async fn a_search_that_was_ignored_reaches_nobody() {
    let world = World::new(300).await;
    let ignored = json!({"data": {"customerSegmentMembers": {"pageInfo": {"hasNextPage": false, "endCursor": null},
        "edges": [{"node": {"id": "gid://shopify/CustomerSegmentMember/1"}}]}},
        "extensions": {"search": [{"path": ["customerSegmentMembers"], "warnings": [{"field": "x"}]}]}});
    world.shopify.audience().instead = [ignored].into();
    assert!(!world.run(&fired("spring"), LONG).await);
    assert!(world.queued().is_empty());
    assert_eq!(world.aws.account().objects.json(STATE), None);
}

/// The message is delivered again, and once access is granted or the shop is open again, everybody is reached.
#[tokio::test]
async fn missing_access_and_a_closed_shop_are_no_reason_to_prepare_anything() {
    for code in ["ACCESS_DENIED", "SHOP_INACTIVE"] {
        let world = World::new(300).await;
        world.shopify.audience().instead = [error(code)].into();
        assert!(!world.run(&fired("spring"), LONG).await);
        assert!(world.shopify.asked("SegmentMembersPrepare").is_empty(), "{code}");
        assert!(world.run(&fired("spring"), LONG).await);
        assert_eq!(world.members_reached(), 300, "{code}");
    }
}

/// Codes that nobody knows are treated as a question that was too much: it costs one more request.
#[tokio::test]
async fn a_time_out_and_an_unknown_code_lead_to_a_prepared_audience() {
    for code in ["TIMEOUT", "SOMETHING_NOBODY_KNOWS"] {
        let world = World::new(300).await;
        {
            let mut audience = world.shopify.audience();
            audience.instead = [error(code)].into();
            audience.prepared = Some(true);
        }
        assert!(world.run(&fired("spring"), LONG).await, "{code}");
        assert_eq!(world.members_reached(), 300, "{code}");
    }
}

#[tokio::test]
async fn what_is_not_configured_is_not_run_and_what_is_not_understood_comes_back() {
    let world = World::new(300).await;
    assert!(world.run(&fired("autumn"), LONG).await, "a schedule that outlived its campaign");
    let mut item = fired("spring");
    item["period"] = "November".into();
    assert!(!world.run(&item, LONG).await);
    item = fired("spring");
    item["v"] = 2.into();
    assert!(!world.run(&item, LONG).await);
    item = fired("spring");
    item["shop"] = "stranger.myshopify.com".into();
    assert!(!world.run(&item, LONG).await);
    assert!(world.shopify.audience().asked.is_empty() && world.queued().is_empty());
    let delays: Vec<_> = world.aws.account().queues.delays.iter().map(|(_, seconds)| *seconds).collect();
    assert_eq!(delays, [10, 10, 10]);
}
