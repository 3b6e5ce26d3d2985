//! A worker dies after each step of the pipeline, and the next delivery of the message settles everything.

use comms::{Document, State};
use e2e::{
    runtime::{Worker, die_at},
    shop::Shop,
    stack::Stack,
};
use serde_json::Value;

/// What a dead worker's message meets: a fresh worker, as often as the queue would hand it out.
struct Crash {
    stack: Stack,
    shop: Shop,
    number: u64,
    item: Value,
    document: Document,
}

impl Crash {
    async fn prepare(topic: &str, change: impl FnOnce(&str) -> String) -> Self {
        let stack = Stack::open().await;
        let shop = Shop::open(&stack, change).await;
        let (number, document, item) = shop.ordered(topic).await;
        Self { stack, shop, number, item, document }
    }

    /// Lets a worker die at `point`, then delivers the message to a healthy one until it is acknowledged.
    async fn at(self, point: &str) -> Outcome {
        self.then(point, str::to_owned).await
    }

    /// The same, with a change of the configuration in between.
    async fn then(self, point: &str, change: impl FnOnce(&str) -> String) -> Outcome {
        self.crash(point).await;
        self.shop.configure(&self.stack, &change(&self.shop.config)).await;
        self.recover().await
    }

    async fn crash(&self, point: &str) {
        die_at(point, "order-confirmation", self.stack.environment(), &self.item).await;
    }

    /// Delivers the message to a healthy worker until it is acknowledged.
    async fn recover(self) -> Outcome {
        let mut worker = Worker::start("order-confirmation", &self.stack.environment()).await;
        worker.deliver(&self.item, 2).await;
        let id = self.shop.id(self.document, self.number);
        let entry = self.shop.settled(&self.stack, &id).await;
        let versions = self.stack.versions_of(&entry).await;
        let (emails, composed) = (self.shop.emails().await.len(), self.shop.outputs().await.len());
        let spooled = self.stack.ever_spooled(&self.shop.domain).await;
        Outcome { entry, versions, emails, composed, spooled }
    }
}

struct Outcome {
    entry: ledger::Entry,
    versions: usize,
    emails: usize,
    composed: usize,
    /// How often a manifest was put into the spool.
    spooled: usize,
}

/// Print can always tell, so every crash ends in one accepted document.
async fn print_survives(point: &str, compositions: usize) {
    let outcome = Crash::prepare("orders/paid", str::to_owned).await.at(point).await;
    assert_eq!(outcome.entry.state, State::Accepted, "{:?}", outcome.entry.reason);
    assert_eq!(outcome.versions, 2, "one document and one record");
    assert_eq!(outcome.composed, compositions);
    assert_eq!(outcome.spooled, 1, "printed once");
}

macro_rules! print_survives {
    ($($name:ident: $point:literal, $compositions:literal;)+) => { $(
        #[tokio::test]
        async fn $name() {
            print_survives($point, $compositions).await;
        }
    )+ };
}

print_survives! {
    after_claim: "claim", 1;
    after_gather: "gather", 1;
    after_compose: "compose", 2;
    between_document_and_record: "archive-document", 1;
    after_archive: "archive", 1;
    after_mark_sending: "mark-sending", 1;
    after_send: "send", 1;
    after_fact: "fact", 1;
    after_complete: "complete", 1;
}

/// Core Messaging cannot be asked: the message is never repeated, and the doubt is recorded.
#[tokio::test]
async fn an_email_that_may_have_gone_is_unknown_and_not_repeated() {
    for (point, emails) in [("mark-sending", 0), ("send", 1)] {
        let outcome = Crash::prepare("orders/create", str::to_owned).await.at(point).await;
        assert_eq!((outcome.entry.state, outcome.emails), (State::Unknown, emails), "{point}");
        assert!(outcome.entry.reason.unwrap().contains("may have taken it"));
        assert_eq!(outcome.versions, 2);
    }
}

/// The fact of its send is in the archive: there is no doubt, although the ledger knew nothing of it.
#[tokio::test]
async fn an_email_whose_fact_is_archived_is_accepted() {
    let outcome = Crash::prepare("orders/create", str::to_owned).await.at("fact").await;
    assert_eq!((outcome.entry.state, outcome.emails), (State::Accepted, 1), "{:?}", outcome.entry.reason);
    assert!(outcome.entry.reference.is_some());
}

#[tokio::test]
async fn an_email_is_sent_once_after_a_crash_before_its_send() {
    for point in ["compose", "archive"] {
        let outcome = Crash::prepare("orders/create", str::to_owned).await.at(point).await;
        assert_eq!(
            (outcome.entry.state, outcome.emails, outcome.versions),
            (State::Accepted, 1, 2),
            "{point}"
        );
    }
}

/// The shop has decided that a second copy of a transactional document does less harm than none.
#[tokio::test]
async fn a_shop_may_choose_to_send_again() {
    let resend = |text: &str| {
        text.replace("channels = [\"email\", \"print\"]", "channels = [\"email\"]\non_unknown = \"resend\"")
    };
    let outcome = Crash::prepare("orders/create", resend).await.at("mark-sending").await;
    assert_eq!((outcome.entry.state, outcome.emails, outcome.versions), (State::Accepted, 1, 2));
}

fn exstream_sends(text: &str) -> String {
    text.replace("channels = [\"print\"]", "channels = [\"exstream\"]")
}

/// Exstream sends while it composes: once its answer is archived, the send is a fact.
#[tokio::test]
async fn where_exstream_sends_its_archived_answer_proves_the_send() {
    let outcome = Crash::prepare("orders/paid", exstream_sends).await.at("archive").await;
    assert_eq!((outcome.entry.state, outcome.composed, outcome.versions), (State::Accepted, 1, 2));
}

#[tokio::test]
async fn where_exstream_sends_a_crash_without_an_answer_is_unknown() {
    for (point, composed) in [("mark-sending", 0), ("compose", 1)] {
        let outcome = Crash::prepare("orders/paid", exstream_sends).await.at(point).await;
        assert_eq!(
            (outcome.entry.state, outcome.composed, outcome.versions),
            (State::Unknown, composed, 0),
            "{point}"
        );
    }
}

/// Between the crash and the next delivery the world moves on: the doubt is settled first all the same.
#[tokio::test]
async fn neither_the_order_nor_the_configuration_turns_a_doubt_into_a_no() {
    let switched_off = |text: &str| {
        text.replace("[documents.order-confirmation]", "[documents.order-confirmation]\nenabled = false")
    };
    let dry = |text: &str| {
        text.replace("[documents.order-confirmation]", "[documents.order-confirmation]\ndry_run = true")
    };
    for change in [switched_off as fn(&str) -> String, dry] {
        let crash = Crash::prepare("orders/create", str::to_owned).await;
        let outcome = crash.then("send", change).await;
        assert_eq!((outcome.entry.state, outcome.emails), (State::Unknown, 1), "{:?}", outcome.entry.reason);
    }
}

/// Print can be asked whatever the configuration says by then.
#[tokio::test]
async fn a_spooled_document_is_found_after_it_was_switched_off() {
    let off = |text: &str| text.replace("[documents.receipt]", "[documents.receipt]\nenabled = false");
    let outcome = Crash::prepare("orders/paid", str::to_owned).await.then("send", off).await;
    assert_eq!((outcome.entry.state, outcome.versions), (State::Accepted, 2));
}

/// A provider deletes what it has collected, which must not read as "not sent".
#[tokio::test]
async fn a_spooled_document_is_found_after_the_provider_has_emptied_the_spool() {
    let crash = Crash::prepare("orders/paid", str::to_owned).await;
    crash.crash("send").await;
    crash.stack.empty_spool(&crash.shop.domain).await;
    assert_eq!(crash.stack.spooled(&crash.shop.domain).await, 0);
    let outcome = crash.recover().await;
    assert_eq!(outcome.entry.state, State::Accepted, "{:?}", outcome.entry.reason);
    assert_eq!((outcome.spooled, outcome.composed, outcome.versions), (1, 1, 2), "printed once");
}

/// Nothing was sent yet: switching off ends it, and says so.
#[tokio::test]
async fn what_was_begun_and_switched_off_is_suppressed() {
    let off = |text: &str| text.replace("[documents.receipt]", "[documents.receipt]\nenabled = false");
    let outcome = Crash::prepare("orders/paid", str::to_owned).await.then("archive", off).await;
    assert_eq!(outcome.entry.state, State::Suppressed);
}
