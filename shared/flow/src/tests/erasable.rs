//! Documents that can be erased: encrypted in the archive, plain to whoever gets them.

use super::{
    outside::DOCUMENT,
    shop::{ARCHIVE_ONLY, Shop, ready},
};
use comms::State;

const EMAIL: &str = "channels = [\"email\"]\nretention = \"marketing\"";
const PRINT: &str = "channels = [\"print\"]\nretention = \"marketing\"";

fn state(result: &Result<crate::outcome::AttemptOutcome, work::Retry>) -> State {
    result.as_ref().unwrap().settled.as_ref().unwrap().state
}

#[tokio::test]
async fn the_channel_gets_what_the_archive_does_not_show() {
    let shop = Shop::new(PRINT).await;
    assert_eq!(state(&shop.run(ready).await), State::Accepted);
    shop.set(|outside| {
        assert!(outside.is_kept("operations/spool/", DOCUMENT), "the printer gets the document");
        for words in [DOCUMENT, "Thank you", "#1001", "Zoe"] {
            assert!(!outside.is_kept("archive/", words), "{words}");
        }
        assert_eq!(outside.secrets.items.len(), 1);
        assert_eq!(outside.secrets.asked, ["GetItem", "PutItem"]);
    });
}

/// The second attempt reads what the first one archived, and sends that.
#[tokio::test]
async fn an_encrypted_document_is_adopted_after_a_crash() {
    let shop = Shop::new(EMAIL).await;
    shop.died_in(State::Claimed, false).await;
    let sent = shop.count("send");
    shop.set(|outside| outside.compose = (200, "<html>another</html>".to_owned()));
    assert_eq!(state(&shop.run(ready).await), State::Accepted);
    assert_eq!((shop.count("compose"), shop.count("archive document.html")), (1, 1));
    assert_eq!(shop.count("send"), sent + 1);
}

/// The request came while a worker had the document in its hands, and the worker died.
#[tokio::test]
async fn what_was_erased_meanwhile_is_neither_sent_nor_composed_again() {
    let shop = Shop::new(EMAIL).await;
    shop.died_in(State::Claimed, false).await;
    let sent = shop.count("send");
    shop.set(|outside| outside.secrets.items.clear());
    assert_eq!(state(&shop.run(ready).await), State::Failed);
    assert_eq!((shop.count("compose"), shop.count("send")), (1, sent));
    shop.set(|outside| assert!(outside.secrets.items.is_empty(), "and gets no other key"));
}

/// Only what can be erased pays for it.
#[tokio::test]
async fn others_ask_for_no_secret() {
    let shop = Shop::new(ARCHIVE_ONLY).await;
    assert_eq!(state(&shop.run(ready).await), State::Archived);
    shop.set(|outside| {
        assert!(outside.is_kept("archive/", DOCUMENT));
        assert!(outside.secrets.asked.is_empty());
    });
}
