//! What the log says of requests: which document and what came of it, and nothing that opens one.

use crate::world::World;
use bytes::Bytes;
use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};
use tracing::{Dispatch, subscriber::NoSubscriber};
use tracing_subscriber::filter::LevelFilter;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Five answers, one of them that the document cannot be shown; the token that was used, and one that was guessed.
async fn ask_in_every_way() -> (String, String) {
    let world = World::new(Bytes::from_static(b"%PDF-1.7")).await;
    let guess = format!("{}Q", &world.token[..42]);
    for path in [world.page(), world.pdf(), format!("/d/{guess}"), format!("{}/other.pdf", world.page())] {
        world.get(&path).await;
    }
    world.change(|store| store.objects.clear());
    world.get(&world.pdf()).await;
    world.change(|store| store.table_fails = true);
    world.get(&world.page()).await;
    (world.token.clone(), guess)
}

/// At every level, those of the AWS clients included: they get the token's hash at most.
#[tokio::test]
async fn no_line_has_a_token_or_says_who_asked() {
    let log = Log::default();
    // with one subscriber alone, a line that another test's thread is the first to write is lost for all: that thread is asked
    // who wants it, and it has none
    let _second = Dispatch::new(NoSubscriber::new());
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let (token, guess) = ask_in_every_way().await;
    drop(guard);
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert_eq!(text.matches("answered").count(), 5);
    assert_eq!(text.matches("document not shown").count(), 1);
    assert!(text.contains("c4809f9b199959867b344883a5f958d0"), "the communication is named");
    // the address and the browser that `World::send` says
    for secret in [&token[..20], &guess[..20], "192.0.2.7", "tester"] {
        assert!(!text.contains(secret), "{secret}");
    }
}
