//! Pages: by themselves, and before a message that leads to them. Wherever a worker dies, there is one link.

use super::shop::{SMS, Shop, WEB, ready};
use comms::State;

const EMAIL_WITH_LINK: &str = "channels = [\"email\"]\nmessage = { en = \"{link}\" }";

#[tokio::test]
async fn a_page_is_published_after_it_is_archived_and_marked() {
    let shop = Shop::new(WEB).await;
    let settled = shop.run(ready).await.unwrap().settled.unwrap();
    assert_eq!((settled.state, settled.reason), (State::Accepted, None));
    assert_eq!(
        shop.steps(),
        [
            "claim",
            "compose",
            "archive document.html",
            "archive record.json",
            "sending",
            "publish",
            "archive fact-01.json",
            "accepted"
        ]
    );
    let pk = shop.communication().as_str().to_owned();
    shop.set(|outside| {
        assert_eq!(outside.links(), 1);
        let reference = outside.items[&pk]["reference"]["S"].as_str().unwrap().to_owned();
        let link = outside.items.keys().find_map(|pk| pk.strip_prefix("link#")).unwrap();
        assert_eq!(reference, link[..32], "the token's hash, and nothing that opens it");
        assert!(!outside.items[&pk].contains_key("check_epoch_ms"), "nobody is asked what became of it");
    });
}

/// Whether it was published can be asked, so there is never a doubt.
#[tokio::test]
async fn a_page_that_may_be_there_is_found_or_made() {
    let found = Shop::new(WEB).await;
    found.died_in(State::Sending, true).await;
    let settled = found.run(ready).await.unwrap().settled.unwrap();
    assert_eq!((settled.state, found.count("publish")), (State::Accepted, 1));

    let made = Shop::new(WEB).await;
    made.marked("web").await;
    let settled = made.run(ready).await.unwrap().settled.unwrap();
    assert_eq!((settled.state, made.count("publish")), (State::Accepted, 1));
    made.set(|outside| assert_eq!(outside.links(), 1));
}

/// The link works when the message with it arrives.
#[tokio::test]
async fn a_page_is_published_before_the_message_that_leads_to_it() {
    for settings in [EMAIL_WITH_LINK, SMS] {
        let shop = Shop::new(settings).await;
        let settled = shop.run(ready).await.unwrap().settled.unwrap();
        assert_eq!(settled.state, State::Accepted, "{:?}", settled.reason);
        assert_eq!(
            shop.steps()[4..],
            ["publish", "sending", "send", "archive fact-01.json", "accepted"],
            "{settings}"
        );
    }
}

/// Of a message that may have left with its link, neither is repeated; of one that did not, the link is the same.
#[tokio::test]
async fn after_a_crash_a_message_has_the_link_that_it_had() {
    let shop = Shop::new(SMS).await;
    shop.died_in(State::Claimed, true).await;
    let settled = shop.run(ready).await.unwrap().settled.unwrap();
    assert_eq!(settled.state, State::Accepted);
    shop.set(|outside| assert_eq!(outside.links(), 1));

    let doubt = Shop::new(SMS).await;
    doubt.died_in(State::Sending, true).await;
    let settled = doubt.run(ready).await.unwrap().settled.unwrap();
    assert_eq!((settled.state, doubt.count("send")), (State::Unknown, 1));
}
