//! The renewal of offline tokens, against a token service with Shopify's rules and Secrets Manager with its own, in
//! virtual time, with everything going wrong in between.

use crate::shopify::{FakeShopify, SHOP};
use fakes::{FakeAws, SecretWrite};
use jiff::Timestamp;
use ledger::Ledger;
use proptest::prelude::*;
use reconcile::{PassResult, Reconciliation, Tools};
use serde_json::{Value, json};
use service::{Invocation, Secrets};
use shop_config::ConfigStore;
use shopify::AdminApi;
use std::{cell::Cell, collections::HashMap, time::Duration};
use stub_shopify::OfflineTokens;

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(1_795_000_000) };
}

const QUARTER: u64 = 15 * 60;
const DAY: u64 = 24 * 3600;

fn clock() -> Timestamp {
    Timestamp::from_second(NOW.get().try_into().unwrap()).unwrap()
}

struct World {
    aws: FakeAws,
    shopify: FakeShopify,
    function: Reconciliation,
}

impl World {
    /// A shop whose operator has just put the answer of the authorization into the secret.
    async fn new() -> Self {
        let (aws, shopify) = (FakeAws::start().await, FakeShopify::start(vec![]).await);
        let config = include_str!("../../../../infra/local/config/demo-shop.toml")
            .replace("http://127.0.0.1:4602/shops/northwind-demo.myshopify.com", &shopify.url);
        let config = format!("{config}\n[reconcile]\nsince = \"2026-01-01T00:00:00Z\"\n");
        let mut tokens = OfflineTokens::default();
        {
            let mut account = aws.account();
            account.objects.set(format!("config/{SHOP}.toml"), config);
            account.secrets.shop =
                Some(json!({"shopify": {"client_id": "app", "client_secret": "s", "token": "offline"}}));
            account
                .secrets
                .token_versions
                .push(("first".into(), tokens.install(SHOP, NOW.get()).to_string()));
        }
        (shopify.store().offline, shopify.store().now) = (Some(tokens), NOW.get());
        let function = Self::function(&aws).await;
        Self { aws, shopify, function }
    }

    /// Another sandbox of the function, with nothing in its memory.
    async fn function(aws: &FakeAws) -> Reconciliation {
        let sdk = aws.sdk().await;
        let s3 = aws_sdk_s3::config::Builder::from(&sdk).force_path_style(true).build();
        Reconciliation::with(Tools {
            configs: ConfigStore::new(aws_sdk_s3::Client::from_conf(s3), "o".into(), Duration::from_secs(60)),
            secrets: Secrets::new(
                aws_sdk_secretsmanager::Client::new(&sdk),
                "p".into(),
                Duration::from_secs(300),
            ),
            ledger: Ledger::new(aws_sdk_dynamodb::Client::new(&sdk), "table".into()),
            shopify: AdminApi::new(reqwest::Client::new()),
            queues: HashMap::new(),
            clock,
        })
    }

    fn advance(&self, seconds: u64) {
        NOW.set(NOW.get() + seconds);
        self.shopify.store().now = NOW.get();
    }

    async fn pass(&self) -> PassResult {
        let deadline = clock() + Duration::from_secs(30);
        self.function.pass(&Invocation { request_id: "r".into(), deadline }).await.unwrap()
    }

    fn stored(&self) -> Value {
        serde_json::from_str(&self.aws.account().secrets.token_versions.last().unwrap().1).unwrap()
    }

    /// Whether the functions have a token that Shopify accepts.
    fn works(&self) -> bool {
        let stored = self.stored();
        let store = self.shopify.store();
        store.offline.as_ref().unwrap().is_good(SHOP, stored["access_token"].as_str().unwrap(), store.now)
    }

    fn renewals(&self) -> usize {
        self.shopify.store().asked.iter().filter(|asked| *asked == "token").count()
    }
}

#[tokio::test]
async fn a_token_is_renewed_at_once_when_it_was_put_and_then_before_it_ends() {
    let world = World::new().await;
    let first = world.stored();
    assert_eq!((world.pass().await.renewed, world.works()), (1, true));
    let stored = world.stored();
    assert_eq!(stored["previous_refresh_token"], first["refresh_token"]);
    assert_eq!(stored["expires_at"], json!(clock() + Duration::from_secs(3600)));
    for (renewed, renewals) in [(0, 1), (1, 2), (0, 2), (1, 3)] {
        world.advance(QUARTER);
        let pass = world.pass().await;
        assert_eq!((pass.renewed, pass.failed_shops, world.renewals()), (renewed, 0, renewals));
        assert!(world.works());
    }
}

#[tokio::test]
async fn no_answer_lost_and_no_write_that_fails_locks_the_shop_out() {
    for (lost_grants, writes) in [
        (1, vec![]),
        (2, vec![]),
        (0, vec![SecretWrite::Fails]),
        (0, vec![SecretWrite::Lost]),
        (1, vec![SecretWrite::Fails]),
    ] {
        let world = World::new().await;
        world.pass().await;
        world.advance(2 * QUARTER);
        world.shopify.store().lost_grants = lost_grants;
        world.aws.account().secrets.writes = writes.clone().into();
        let mut passes = 0;
        while world.pass().await.failed_shops > 0 {
            passes += 1;
            assert!(passes <= 2, "{lost_grants} {writes:?}");
            world.advance(QUARTER);
        }
        assert!(world.works(), "{lost_grants} {writes:?}");
    }
}

/// The secret is what it was; Shopify takes its refresh token for a month after the first try.
#[tokio::test]
async fn a_store_that_fails_for_weeks_is_recovered_from() {
    let world = World::new().await;
    world.pass().await;
    for _ in 0..29 {
        world.advance(DAY);
        world.aws.account().secrets.writes = [SecretWrite::Fails].into();
        assert_eq!((world.pass().await.failed_shops, world.works()), (1, false));
    }
    world.aws.account().secrets.writes.clear();
    assert_eq!((world.pass().await.renewed, world.works()), (1, true));
}

#[tokio::test]
async fn two_rounds_at_once_store_one_pair_and_the_next_round_mends_what_they_did() {
    for _ in 0..8 {
        let world = World::new().await;
        let other = World::function(&world.aws).await;
        let invocation = Invocation { request_id: "r".into(), deadline: clock() + Duration::from_secs(30) };
        // one may find its token ended by what the other was granted
        let (one, two) = tokio::join!(world.function.pass(&invocation), other.pass(&invocation));
        one.and(two).unwrap();
        assert_eq!(world.aws.account().secrets.token_versions.len(), 2, "one successor");
        world.advance(QUARTER);
        world.pass().await;
        assert!(world.works());
    }
}

/// A refused token is no reason to give the shop up: an operator puts another pair.
#[tokio::test]
async fn a_shop_that_was_away_too_long_waits_for_a_new_authorization() {
    let world = World::new().await;
    world.pass().await;
    world.advance(91 * DAY);
    let before = world.stored();
    assert_eq!((world.pass().await.failed_shops, world.stored()), (1, before));
    let granted = world.shopify.store().offline.as_mut().unwrap().install(SHOP, NOW.get());
    world.aws.account().secrets.token_versions.push(("by hand".into(), granted.to_string()));
    assert_eq!((world.pass().await.renewed, world.works()), (1, true));
}

#[derive(Debug, Clone, Copy)]
enum Mishap {
    None,
    LostGrant,
    Write(SecretWrite),
    TwoAtOnce,
    /// No pass at all.
    Outage(u64),
}

fn mishaps() -> impl Strategy<Value = Vec<Mishap>> {
    let one = prop_oneof![
        3 => Just(Mishap::None),
        2 => Just(Mishap::LostGrant),
        1 => Just(Mishap::Write(SecretWrite::Fails)),
        1 => Just(Mishap::Write(SecretWrite::Lost)),
        2 => Just(Mishap::TwoAtOnce),
        1 => (1..20u64).prop_map(|days| Mishap::Outage(days * DAY)),
    ];
    prop::collection::vec(one, 1..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Whatever happened, two quiet passes later the functions have a token that works.
    #[test]
    fn the_shop_is_never_locked_out(mishaps in mishaps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let world = World::new().await;
            let other = World::function(&world.aws).await;
            for mishap in mishaps {
                let invocation =
                    Invocation { request_id: "r".into(), deadline: clock() + Duration::from_secs(30) };
                match mishap {
                    Mishap::None => {}
                    Mishap::LostGrant => world.shopify.store().lost_grants = 1,
                    Mishap::Write(write) => world.aws.account().secrets.writes = [write].into(),
                    Mishap::TwoAtOnce => {
                        let _ = tokio::join!(world.function.pass(&invocation), other.pass(&invocation));
                    }
                    Mishap::Outage(seconds) => world.advance(seconds.min(20 * DAY)),
                }
                world.pass().await;
                world.advance(QUARTER);
            }
            world.shopify.store().lost_grants = 0;
            world.aws.account().secrets.writes.clear();
            for _ in 0..2 {
                world.pass().await;
                world.advance(QUARTER);
            }
            assert!(world.works(), "{:?}", world.stored());
        });
    }
}
