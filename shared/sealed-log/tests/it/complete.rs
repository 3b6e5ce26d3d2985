//! That these are all leaves of a customer: proved, and every way to show fewer, more, others or in another order refused.

use crate::*;
use sealed_log::{
    CommitmentSecret, LabelKey, LogReader, Owned,
    completeness::{Completeness, CustomerBundle, Incomplete, Place, check},
};
use std::collections::BTreeMap;

fn record(number: u64, customer: u64) -> Vec<u8> {
    let json = serde_json::json!({
        "v": 1, "communication": id(number), "shop": shop(), "flow": "order-confirmation",
        "document": "order-confirmation", "message_class": "transactional", "subject": "gid://shopify/Order/1",
        "revision": "initial", "reported_on": "gid://shopify/Order/1", "customer": format!("{customer:032x}"),
        "trigger": {"topic": "orders/create", "webhook_id": "w"},
        "composed_at": "2026-11-27T09:00:00Z", "locale": "en",
        "template": {"communication": "c", "data_source": "d", "basis": "unavailable"},
        "driver_data": {"schema": "order-confirmation/1", "format": "json", "sha256": "00"},
        "outputs": [], "retention": {"mode": "COMPLIANCE", "until": "2036-11-27T09:00:00Z"},
        "software": {"name": "order-confirmation", "version": "0"}, "test": false,
    });
    serde_json::to_vec(&json).unwrap()
}

fn secret_of(customer: u64) -> CommitmentSecret {
    CommitmentSecret::from_bytes(&[u8::try_from(customer).unwrap() + 1; 32]).unwrap()
}

fn sealing(number: u64, customer: u64) -> Owned {
    let secret = secret_of(customer);
    let commitment = secret.salt(&id(number), None).commit(&record(number, customer));
    let entry = Entry { communication: id(number), object: None, commitment };
    Owned { entry, label_key: LabelKey::of(&secret) }
}

/// Three days of four batches each; customer 4 has one communication in each second batch, customer 9 none.
async fn log(bucket: &Bucket) -> LogStore {
    let store = store(bucket).await;
    let mut log = open(&store).await.unwrap();
    for (day, date) in ["2026-11-25", "2026-11-26", "2026-11-27"].into_iter().enumerate() {
        for batch in 0..4u64 {
            let first = (day as u64 * 4 + batch) * 10;
            let customer = |number: u64| if batch % 2 == 0 { number % 5 } else { number % 4 };
            let entries = (first..first + 10).map(|number| sealing(number, customer(number))).collect();
            log.seal(date.parse().unwrap(), entries, sign, now()).await.unwrap();
        }
    }
    store
}

async fn prove(store: &LogStore, customer: u64, from: &str, to: &str) -> CustomerBundle {
    let secret = secret_of(customer);
    let number = |entry: &Entry| u64::from_str_radix(&entry.communication.as_str()[16..], 16).unwrap();
    let salt_of = async |entry: &Entry| {
        let salt = secret.salt(&entry.communication, None);
        let is_own = salt.commit(&record(number(entry), customer)) == entry.commitment;
        Ok(is_own.then_some(salt))
    };
    let days = (from.parse().unwrap(), to.parse().unwrap());
    let reader = LogReader::new(store);
    let proof = reader.prove_customer(&shop(), &LabelKey::of(&secret), days, salt_of).await.unwrap();
    let objects = proof.completeness.leaves.iter().map(|leaf| {
        let number = u64::from_str_radix(&leaf.communication.as_str()[16..], 16).unwrap();
        (leaf.index, record(number, customer))
    });
    CustomerBundle {
        objects: objects.collect(),
        completeness: serde_json::to_vec(&proof.completeness).unwrap(),
        proof: proof.proof.to_string().into_bytes(),
        key: format!("{}\n", proof.key).into_bytes(),
    }
}

#[tokio::test]
async fn the_communications_of_a_customer_and_no_others_are_proved() {
    let bucket = Bucket::default();
    let store = log(&bucket).await;
    let bundle = prove(&store, 4, "2026-11-26", "2026-11-27").await;
    let complete = check(&bundle, Some(&key())).unwrap();
    let numbers: Vec<String> =
        complete.records.iter().map(|record| record.communication.to_string()).collect();
    let expected: Vec<String> =
        [44u64, 49, 64, 69, 84, 89, 104, 109].iter().map(|number| id(*number).to_string()).collect();
    assert_eq!(numbers, expected);
    assert_eq!(complete.checkpoint.size, 3 * 4 * 11);
    // one who has none, in the middle and at both ends of the rows
    for stranger in 9..40 {
        let none = check(&prove(&store, stranger, "2026-11-25", "2026-11-27").await, Some(&key())).unwrap();
        assert_eq!((none.records.len(), none.customer), (0, None));
    }
    let all = check(&prove(&store, 0, "2026-11-25", "2026-11-27").await, Some(&key())).unwrap();
    assert!(all.records.len() > 20);
}

type Change = fn(&mut Completeness, &mut BTreeMap<u64, Vec<u8>>);

#[tokio::test]
async fn what_is_removed_added_replaced_or_reordered_is_refused() {
    let bucket = Bucket::default();
    let store = log(&bucket).await;
    let whole = prove(&store, 4, "2026-11-25", "2026-11-27").await;
    let others = prove(&store, 3, "2026-11-25", "2026-11-27").await;
    check(&whole, Some(&key())).unwrap();
    let changes: [(&str, Change); 10] = [
        ("no days", |it, objects| {
            (it.from, it.to) = (it.to, it.from);
            it.leaves.clear();
            objects.clear();
        }),
        ("a communication removed", |it, objects| {
            objects.remove(&it.leaves.remove(2).index);
        }),
        ("all of a batch removed", |it, objects| {
            for leaf in it.leaves.split_off(10) {
                objects.remove(&leaf.index);
            }
        }),
        ("two swapped", |it, _| it.leaves.swap(0, 1)),
        ("two at each other's places", |it, objects| {
            let (one, other) = (it.leaves[0].index, it.leaves[1].index);
            it.leaves.swap(0, 1);
            (it.leaves[0].index, it.leaves[1].index) = (one, other);
            let (first, second) = (objects[&one].clone(), objects[&other].clone());
            objects.insert(one, second);
            objects.insert(other, first);
        }),
        ("one shown twice", |it, _| it.leaves.insert(1, it.leaves[0].clone())),
        ("a batch left out", |it, _| {
            it.batches.remove(1);
        }),
        ("a batch said to be of another day", |it, _| it.batches[0].date = "2026-11-20".parse().unwrap()),
        ("a batch that shows nothing", |it, _| it.batches[0].place = None),
        ("a batch in which the customer is said not to be", |it, objects| {
            let absent = it.batches.iter().find(|batch| matches!(batch.place, Some(Place::Absent { .. })));
            it.batches[0].place = absent.unwrap().place.clone();
            for leaf in it.leaves.drain(..2) {
                objects.remove(&leaf.index);
            }
        }),
    ];
    for (name, change) in changes {
        let mut shown: Completeness = serde_json::from_slice(&whole.completeness).unwrap();
        let mut changed = whole.clone();
        change(&mut shown, &mut changed.objects);
        changed.completeness = serde_json::to_vec(&shown).unwrap();
        assert!(check(&changed, Some(&key())).is_err(), "{name}");
    }
    // another customer's added, with its right salt and place
    let mut shown: Completeness = serde_json::from_slice(&whole.completeness).unwrap();
    let foreign: Completeness = serde_json::from_slice(&others.completeness).unwrap();
    let mut changed = whole.clone();
    let leaf = foreign.leaves[0].clone();
    changed.objects.insert(leaf.index, others.objects[&leaf.index].clone());
    shown.leaves.push(leaf);
    shown.leaves.sort_by_key(|leaf| leaf.index);
    changed.completeness = serde_json::to_vec(&shown).unwrap();
    assert!(matches!(check(&changed, Some(&key())), Err(Incomplete::Rows(..) | Incomplete::NotShown(_))));
    // an answer for another customer, whose label it is in all batches, has not this customer's records
    shown = serde_json::from_slice(&whole.completeness).unwrap();
    shown.label_key = hex::encode(LabelKey([9; 32]).0);
    changed = CustomerBundle { completeness: serde_json::to_vec(&shown).unwrap(), ..whole };
    assert!(check(&changed, Some(&key())).is_err());
}

#[tokio::test]
async fn a_changed_byte_of_the_proof_never_shows_other_communications() {
    let bucket = Bucket::default();
    let store = log(&bucket).await;
    let whole = prove(&store, 4, "2026-11-27", "2026-11-27").await;
    let shown: Completeness = serde_json::from_slice(&whole.completeness).unwrap();
    for at in 0..whole.completeness.len() {
        let mut changed = whole.clone();
        changed.completeness[at] ^= 1 << (at % 7);
        // what is left is white space, and days on which the log has nothing, of which the proof says so
        if check(&changed, Some(&key())).is_ok() {
            let read: Completeness = serde_json::from_slice(&changed.completeness).unwrap();
            assert_eq!(Completeness { from: shown.from, to: shown.to, ..read }, shown, "byte {at}");
        }
    }
    for at in 0..whole.proof.len() {
        let mut changed = whole.clone();
        changed.proof[at] ^= 1 << (at % 8);
        assert!(check(&changed, Some(&key())).is_err(), "byte {at} of the log's proof");
    }
}
