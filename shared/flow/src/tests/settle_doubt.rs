//! What is known of an earlier send, for each mark and each thing the channel can say.

use super::shop::{EMAIL, EMAIL_TWICE, EXSTREAM, EXSTREAM_TWICE, PRINT, Shop};
use crate::{doubt::Doubt, halt::Halt, settle_doubt::settle_doubt};
use comms::State;

/// What an earlier worker has left.
#[derive(Debug, Clone, Copy)]
enum Left {
    Nothing,
    /// A mark, and the certainty that the send did not happen.
    Withdrawn(&'static str),
    /// A mark.
    Marked(&'static str),
    /// A mark, and a channel that has the document.
    Sent,
    /// The same, but the channel does not answer.
    Unanswered,
}

async fn settled(settings: &str, left: Left) -> &'static str {
    let shop = Shop::new(settings).await;
    match left {
        Left::Nothing => {}
        Left::Withdrawn(channel) => shop.withdrawn(channel).await,
        Left::Marked(channel) => shop.marked(channel).await,
        Left::Sent => shop.died_in(State::Sending, settings == PRINT).await,
        Left::Unanswered => {
            shop.died_in(State::Sending, true).await;
            shop.set(|outside| outside.is_spool_down = true);
        }
    }
    let lease = shop.lease("this", 0).await;
    match shop.attempt(async |attempt| settle_doubt(attempt, &lease).await).await {
        Ok(Doubt::None) => "none",
        Ok(Doubt::Open) => "open",
        Ok(Doubt::Sent { reference }) if reference.starts_with("spool/") => "sent",
        Ok(Doubt::SentByExstream) => "sent by Exstream",
        Err(Halt::Unknown(_)) => "unknown",
        Err(Halt::Retry { unsent: false, .. }) => "again",
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_mark_is_settled_by_the_channel_or_by_the_shop() {
    for (settings, left, expected) in [
        (EMAIL, Left::Nothing, "none"),
        (EMAIL, Left::Withdrawn("email"), "none"),
        (EMAIL, Left::Marked("email"), "unknown"),
        (EMAIL_TWICE, Left::Marked("email"), "open"),
        (EXSTREAM, Left::Withdrawn("exstream"), "none"),
        (EXSTREAM, Left::Marked("exstream"), "unknown"),
        (EXSTREAM_TWICE, Left::Marked("exstream"), "open"),
        (EXSTREAM, Left::Sent, "sent by Exstream"),
        (EXSTREAM_TWICE, Left::Sent, "sent by Exstream"),
        (PRINT, Left::Sent, "sent"),
        (PRINT, Left::Unanswered, "again"),
        // the mark says which channel is asked, not the configuration of today
        (EMAIL, Left::Marked("exstream"), "unknown"),
        (EMAIL, Left::Marked("pigeon"), "unknown"),
        (EMAIL_TWICE, Left::Marked("pigeon"), "open"),
    ] {
        assert_eq!(settled(settings, left).await, expected, "{settings} {left:?}");
    }
}

/// A document of which the spool knows nothing was not sent.
#[tokio::test]
async fn what_is_not_in_the_spool_was_not_sent() {
    let shop = Shop::new(PRINT).await;
    shop.died_in(State::Sending, true).await;
    shop.set(|outside| outside.empty_spool());
    let lease = shop.lease("this", 0).await;
    let doubt = shop.attempt(async |attempt| settle_doubt(attempt, &lease).await).await;
    assert_eq!(doubt, Ok(Doubt::None));
}
