//! Evidence as an outsider gets it: sealed by the real function and proved by the real command. That tools of others accept
//! a bundle is tested in `shared/sealed-log/tests/it/tools.rs`.

use crate::people::{Folder, ctl};
use comms::State;
use e2e::{
    order_number,
    runtime::{Ended, Worker, repository},
    shop::Shop,
    stack::Stack,
};
use ledger::Entry;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};
use tlog::TlogProof;

const TIME: Duration = Duration::from_secs(60);

fn environment(stack: &Stack) -> HashMap<String, String> {
    let mut environment = stack.environment();
    environment.insert("LOG_KEY_ID".to_owned(), stack.output("LogKey").to_owned());
    environment.insert("COMMITMENTS_TABLE_NAME".to_owned(), stack.output("CommitmentsTable").to_owned());
    environment.insert("TIME_STAMP_URL".to_owned(), stack.output("TimeStampUrl").to_owned());
    let roots = std::fs::read_to_string(stack.output("TimeStampRoots")).unwrap();
    environment.insert("TIME_STAMP_ROOTS".to_owned(), roots);
    environment
}

pub async fn seal(stack: &Stack, shop: &Shop) -> Value {
    pass(stack, &json!({"shop": shop.domain}), TIME).await
}

async fn pass(stack: &Stack, request: &Value, time: Duration) -> Value {
    let mut worker = Worker::start("archive-seal", &environment(stack)).await;
    match worker.invoke(request, time).await {
        Ended::Response(pass) => pass,
        other => panic!("archive-seal: {other:?}"),
    }
}

async fn confirmed(stack: &Stack, shop: &Shop) -> Entry {
    let entry = shop.confirmed(stack, order_number(), |_| {}).await;
    assert_eq!(entry.state, State::Accepted);
    entry
}

/// The bundle of a communication, unpacked.
pub async fn prove(stack: &Stack, folder: &Folder, entry: &Entry) -> (PathBuf, PathBuf) {
    let id = entry.communication.as_str();
    ctl(stack, folder, &["proof", id]).await;
    let file = folder.path().join(format!("order-confirmation-{id}.proof.zip"));
    let parts = folder.path().join(id);
    _ = std::fs::remove_dir_all(&parts);
    let unpack = Command::new("python3").args(["-m", "zipfile", "-e"]).arg(&file).arg(&parts).status();
    assert!(unpack.unwrap().success());
    (file, parts)
}

fn proof(parts: &Path) -> TlogProof {
    std::fs::read_to_string(parts.join("record.tlog-proof")).unwrap().parse().unwrap()
}

fn size(proof: &TlogProof) -> u64 {
    proof.checkpoint.unverified_text().lines().nth(1).unwrap().parse().unwrap()
}

/// How many batches the shop's log has.
async fn batches(stack: &Stack, shop: &Shop) -> u64 {
    let list = stack.s3.list_objects_v2().bucket(stack.output("ArchiveBucket"));
    let list = list.prefix(format!("log/{}/batch/", shop.domain)).send().await.unwrap();
    assert_eq!(list.is_truncated(), Some(false));
    list.contents().len() as u64
}

pub fn verify(file: &Path, key: Option<&str>) -> Result<String, String> {
    let mut command = Command::new(repository().join("target/debug/ctl"));
    command.arg("verify").arg(file).args(key.map(|key| format!("--key={key}")));
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

#[tokio::test]
async fn a_sealed_record_is_proved_and_a_changed_bundle_is_not() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, str::to_owned).await;
    let entry = confirmed(&stack, &shop).await;
    let folder = Folder::new();
    seal(&stack, &shop).await;
    let (file, parts) = prove(&stack, &folder, &entry).await;

    let key = std::fs::read_to_string(parts.join("log-key.txt")).unwrap();
    let said = verify(&file, Some(key.trim_end())).unwrap();
    assert!(said.contains(entry.communication.as_str()), "{said}");
    assert!(
        said.contains("by a time-stamp renewed 0 times") && said.contains("The channel email took it"),
        "{said}"
    );
    let page = std::fs::read_to_string(parts.join("README.txt")).unwrap();
    assert!(page.contains("fact-01.json") && page.contains("The channel email took it"), "{page}");
    let other = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    assert!(verify(&file, Some(other)).unwrap_err().contains("log-key.txt"));

    let mut bytes = std::fs::read(&file).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let refused = verify(&file, None).unwrap_err();
    assert!(
        [".pdf", ".json", ".txt", ".pem", ".tst", ".ers", ".salt", ".tlog-proof"]
            .iter()
            .any(|it| refused.contains(it)),
        "it names the part: {refused}"
    );
}

/// As the schedule asks for it. There are too many shops for the time, which is no failure.
#[tokio::test]
async fn a_pass_over_all_shops_ends_in_its_time() {
    let stack = Stack::open().await;
    let _shop = Shop::open(&stack, str::to_owned).await;
    let pass = pass(&stack, &json!({}), Duration::from_secs(20)).await;
    assert!(pass["shops"].as_u64().unwrap() >= 1, "{pass}");
}

#[tokio::test]
async fn a_late_record_is_in_the_next_seal_and_runs_that_die_or_meet_seal_each_once() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, str::to_owned).await;
    let folder = Folder::new();
    let first = confirmed(&stack, &shop).await;
    seal(&stack, &shop).await;
    let (_, parts) = prove(&stack, &folder, &first).await;
    let before = proof(&parts);
    // the batch's own entry, the record, and the fact that the channel took it
    assert_eq!((size(&before), batches(&stack, &shop).await), (3, 1));

    let mut later = Vec::new();
    for _ in 0..3 {
        later.push(confirmed(&stack, &shop).await);
        // a run that is killed at some moment, and two at the same time
        let mut killed = Worker::start("archive-seal", &environment(&stack)).await;
        killed.begin(&json!({"shop": shop.domain}), TIME).await;
        tokio::time::sleep(Duration::from_millis(150 * later.len() as u64)).await;
        drop(killed);
        tokio::join!(seal(&stack, &shop), seal(&stack, &shop));
    }
    seal(&stack, &shop).await;
    // each batch's own entry, a record and a fact of each communication, and that the first proof was read
    let all = batches(&stack, &shop).await + 2 * (1 + later.len() as u64) + 1;
    let mut indexes = vec![before.index];
    for entry in &later {
        let (file, parts) = prove(&stack, &folder, entry).await;
        verify(&file, None).unwrap();
        assert_eq!(size(&proof(&parts)), all, "nothing is sealed twice and nothing is left out");
        indexes.push(proof(&parts).index);
    }
    indexes.sort_unstable();
    indexes.dedup();
    assert_eq!(indexes.len(), 4, "each has a place of its own");
}

#[tokio::test]
async fn what_was_overwritten_or_deleted_is_reported_and_holds_up_nothing() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, str::to_owned).await;
    let folder = Folder::new();
    let entry = confirmed(&stack, &shop).await;
    let archived = entry.archived.clone().unwrap();
    let put = stack.s3.put_object().bucket(stack.output("ArchiveBucket")).key(&archived.archive_key);
    put.body(aws_sdk_s3::primitives::ByteStream::from_static(b"other")).send().await.unwrap();
    let whole = confirmed(&stack, &shop).await;
    let pass = seal(&stack, &shop).await;
    assert!(pass["altered"].as_u64().unwrap() >= 1, "{pass}");
    for entry in [&entry, &whole] {
        let (file, _) = prove(&stack, &folder, entry).await;
        verify(&file, None).unwrap();
    }

    let key = archived.archive_key.replace("document.pdf", "record.json");
    stack.s3.delete_object().bucket(stack.output("ArchiveBucket")).key(&key).send().await.unwrap();
    let pass = seal(&stack, &shop).await;
    assert!(pass["altered"].as_u64().unwrap() >= 1, "{pass}");
    let (file, _) = prove(&stack, &folder, &entry).await;
    verify(&file, None).unwrap();
}

#[tokio::test]
async fn all_communications_of_a_customer_are_proved() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, str::to_owned).await;
    let folder = Folder::new();
    let (first, second) = (confirmed(&stack, &shop).await, confirmed(&stack, &shop).await);
    let customer = first.customer.clone().unwrap();
    assert_eq!(second.customer.as_ref(), Some(&customer));
    seal(&stack, &shop).await;
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let (from, to) = (today.yesterday().unwrap().to_string(), today.tomorrow().unwrap().to_string());
    let shop = shop.domain.to_string();
    ctl(&stack, &folder, &["proof", "--customer", &customer, "--shop", &shop, "--from", &from, "--to", &to])
        .await;
    let file = folder.path().join(format!("{customer}-{from}-{to}.proof.zip"));
    let said = verify(&file, None).unwrap();
    assert!(said.starts_with("2 communications"), "{said}");
    for entry in [&first, &second] {
        assert!(said.contains(entry.communication.as_str()), "{said}");
    }
}
