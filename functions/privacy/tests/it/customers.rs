//! `customers/redact`.

use crate::world::{
    ADDRESS, EMAIL, NAME, RETENTION_DAYS, SHOP, World, customer, customer_key, later, now, request, shop,
};
use archive::ArchiveError;
use comms::{CommunicationId, Document, Gid};
use privacy::{Outcome, State, state_key};
use serde_json::Value;
use work::PrivacyTopic::CustomerRedact;

fn noted(world: &World) -> Value {
    let key = format!("operations/{}", state_key(&shop(), &"0f".repeat(16)));
    world.aws(|aws| serde_json::from_slice(&aws.objects[&key].0).unwrap())
}

async fn offer(world: &World) -> CommunicationId {
    world.document(Document::PromotionalOffer, customer(), true).await
}

async fn receipt(world: &World) -> CommunicationId {
    world.document(Document::Receipt, Gid::new("Order", 1), false).await
}

async fn record(world: &World, id: &CommunicationId) -> Result<String, ArchiveError> {
    let archived = world.ledger.get(id).await.unwrap().unwrap().archived.unwrap();
    let (_, json) = world.archive.record_of(&archived.archive_key, &archived.record_version).await?;
    Ok(String::from_utf8(json.to_vec()).unwrap())
}

/// The canary search: before, the person is everywhere; afterwards nowhere.
#[tokio::test]
async fn after_an_erasure_nothing_of_the_person_is_found() {
    let world = World::new().await;
    let id = offer(&world).await;
    assert!(record(&world, &id).await.unwrap().contains(NAME));
    let pseudonym = customer_key().as_str().to_owned();
    world.aws(|aws| {
        assert!(!aws.find(NAME).is_empty() && !aws.find(ADDRESS).is_empty());
        // in the ledger, at the links and at the secret
        assert_eq!(aws.find(&pseudonym).len(), 3, "{:?}", aws.find(&pseudonym));
    });
    assert_eq!(world.deliver(&request(CustomerRedact)).await, 0);
    assert!(matches!(record(&world, &id).await, Err(ArchiveError::Erased { .. })));
    world.aws(|aws| {
        // the queue's message for the second time says whom it is about, until that is done
        let again = aws.messages.pop().unwrap();
        assert!(again.contains("\"again\":true") && !again.contains(EMAIL), "{again}");
        for words in [NAME, EMAIL, ADDRESS, "Quixworth", "Customer/501\""] {
            let mut found = aws.find(words);
            // what the ledger reports on is the customer's number, as in Shopify
            found.retain(|place| place != id.as_str());
            assert_eq!(found, [""; 0], "{words}");
        }
        // who wants no marketing, which is what keeps it from being sent
        assert_eq!(aws.find(&pseudonym), [format!("recipient#{SHOP}#{pseudonym}")]);
        assert!(aws.objects.keys().all(|key| !key.contains("/spool/")));
    });
    let noted = noted(&world);
    assert_eq!((&noted["outcome"], &noted["erased"]), (&"erased".into(), &1.into()));
    let suppressed = world.ledger.suppression(&shop(), &customer_key()).await.unwrap();
    assert_eq!(suppressed.as_deref(), Some("erased at the customer's request"));
}

#[tokio::test]
async fn what_has_to_be_kept_is_refused_with_its_basis_and_looked_at_when_its_retention_ends() {
    let world = World::new().await;
    let (offer, receipt) = (offer(&world).await, receipt(&world).await);
    world.deliver(&request(CustomerRedact)).await;
    assert!(matches!(record(&world, &offer).await, Err(ArchiveError::Erased { .. })));
    assert!(record(&world, &receipt).await.unwrap().contains(NAME));
    let noted = noted(&world);
    let state: State = serde_json::from_value(noted).unwrap();
    assert_eq!((state.outcome, state.erased, state.refused.len()), (Outcome::Erased, 1, 1));
    let refusal = &state.refused[0];
    assert_eq!(refusal.communication, receipt);
    assert!(refusal.legal_basis.contains("Art. 17(3)(b)"));
    assert_eq!(refusal.until, now() + jiff::SignedDuration::from_hours(24 * i64::from(RETENTION_DAYS)));
    let due = format!("operations/privacy/due/2027-02-21/{SHOP}-{}.json", "0f".repeat(16));
    world.aws(|aws| {
        assert!(aws.objects.contains_key(&due), "{:?}", aws.objects.keys());
        assert!(!String::from_utf8_lossy(&aws.objects[&due].0).contains(EMAIL));
    });
}

/// A pass takes what is due and nothing else.
#[tokio::test]
async fn a_pass_does_what_is_due() {
    let world = World::new().await;
    let id = offer(&world).await;
    let folder = world.ledger.get(&id).await.unwrap().unwrap().archived.unwrap().archive_key;
    let record_key = format!("archive/{}/record.json", folder.rsplit_once('/').unwrap().0);
    world.aws(|aws| aws.holds.insert(record_key));
    assert_eq!(world.deliver(&request(CustomerRedact)).await, 0);
    assert_eq!(noted(&world)["outcome"], "held");
    assert!(record(&world, &id).await.is_ok(), "a hold blocks");
    assert_eq!(world.call("{}").await["requests"], 0, "tomorrow");
    world.aws(|aws| {
        aws.holds.clear();
        let (key, object) = aws.objects.iter().find(|(key, _)| key.contains("/due/")).unwrap();
        let (today, object) = (key.replace("2026-11-23", "2026-11-22"), object.clone());
        aws.objects.insert(today, object);
    });
    assert_eq!(world.call("{}").await["requests"], 1);
    assert_eq!(noted(&world)["outcome"], "erased");
    assert!(matches!(record(&world, &id).await, Err(ArchiveError::Erased { .. })));
}

/// Whatever request is the last one that is taken, the next delivery does the rest.
#[tokio::test]
async fn an_erasure_that_dies_anywhere_is_done_by_the_next_delivery() {
    for changes in 0.. {
        let world = World::new().await;
        let id = offer(&world).await;
        receipt(&world).await;
        world.aws(|aws| aws.dies_after(changes));
        let died = world.deliver(&request(CustomerRedact)).await == 1;
        world.aws(|aws| aws.lives());
        assert_eq!(world.deliver(&request(CustomerRedact)).await, 0, "{changes}");
        assert!(matches!(record(&world, &id).await, Err(ArchiveError::Erased { .. })), "{changes}");
        let pseudonym = customer_key().as_str().to_owned();
        world.aws(|aws| {
            assert!(
                aws.find(&pseudonym).iter().all(|place| !place.contains("erasable") && place != id.as_str())
            );
            assert!(
                aws.objects.keys().all(|key| !key.contains("promotional-offer/") || !key.contains("/spool/"))
            );
        });
        if !died {
            assert!(changes > 8, "{changes}");
            return;
        }
    }
}

/// A backup of the tables from before: the person is back, and goes again.
#[tokio::test]
async fn an_erasure_survives_a_restore() {
    let world = World::new().await;
    let id = offer(&world).await;
    let backup = world.aws(|aws| (aws.secrets.items.clone(), aws.items.clone()));
    world.deliver(&request(CustomerRedact)).await;
    world.aws(|aws| (aws.secrets.items, aws.items) = backup);
    assert!(record(&world, &id).await.unwrap().contains(NAME), "what the restore brings back");
    let reapplied = world.call(&format!(r#"{{"reapply": "{SHOP}"}}"#)).await;
    assert_eq!(reapplied["requests"], 1);
    assert!(matches!(record(&world, &id).await, Err(ArchiveError::Erased { .. })));
    let pseudonym = customer_key().as_str().to_owned();
    world.aws(|aws| assert_eq!(aws.find(&pseudonym), [""; 0]));
    // what was erased names nobody
    world.aws(|aws| {
        let tombstones: Vec<_> =
            aws.objects.iter().filter(|(key, _)| key.contains("archive/erasure/")).collect();
        assert_eq!(tombstones.len(), 1);
        let text = String::from_utf8_lossy(&tombstones[0].1.0).into_owned();
        assert!(text.contains(id.as_str()) && !text.contains(&pseudonym) && !text.contains("501"), "{text}");
    });
}

/// A document that was being made when the request came is erased by the second time.
#[tokio::test]
async fn a_document_that_was_being_made_is_erased_the_second_time() {
    let world = World::new().await;
    world.deliver(&request(CustomerRedact)).await;
    let id = offer(&world).await;
    assert!(record(&world, &id).await.is_ok());
    let again = world.aws(|aws| aws.messages.pop().unwrap());
    let again = work::PrivacyItem::from_json(&again).unwrap();
    assert_eq!(world.deliver(&again).await, 0);
    assert!(matches!(record(&world, &id).await, Err(ArchiveError::Erased { .. })));
    world.aws(|aws| assert!(aws.messages.is_empty(), "and not a third time"));
}

/// The order belongs to another customer by now.
#[tokio::test]
async fn documents_of_another_customer_are_left_alone() {
    let world = World::new().await;
    let id = world.document(Document::PromotionalOffer, Gid::new("Order", 1), true).await;
    world.aws(|aws| {
        let item = aws.items.get_mut(id.as_str()).unwrap();
        item["customer"] = serde_json::json!({"S": "0".repeat(32)});
        let mine = format!("{SHOP}#erasable#{}", customer_key().as_str());
        let mut secret = aws.secrets.items.remove(&mine).unwrap();
        let theirs = format!("{SHOP}#erasable#{}", "0".repeat(32));
        secret["pk"] = serde_json::json!({"S": theirs});
        aws.secrets.items.insert(theirs, secret);
    });
    assert_eq!(world.deliver(&request(CustomerRedact)).await, 0);
    assert!(record(&world, &id).await.unwrap().contains(NAME));
}

/// Keys of the archive that have these words.
fn archived(world: &World, words: &str) -> Vec<String> {
    let keys = |aws: &mut crate::world::Aws| -> Vec<String> {
        aws.objects.keys().filter(|key| key.starts_with("archive/") && key.contains(words)).cloned().collect()
    };
    world.aws(keys)
}

/// The refused request is done again on the day after the retention ends, and not before.
#[tokio::test]
async fn what_had_to_be_kept_is_destroyed_with_a_certificate_when_its_retention_ends() {
    let world = World::new().await;
    let id = receipt(&world).await;
    assert_eq!(world.deliver(&request(CustomerRedact)).await, 0);
    later(i64::from(RETENTION_DAYS));
    assert_eq!(world.call("{}").await["requests"], 0, "the day before");
    assert!(record(&world, &id).await.unwrap().contains(NAME));

    later(i64::from(RETENTION_DAYS) + 1);
    assert_eq!(world.call("{}").await["requests"], 1);
    let left = archived(&world, id.as_str());
    assert_eq!(left, [""; 0], "nothing of it is left");
    let certificate = archived(&world, "/certificate-").pop().unwrap();
    world.aws(|aws| {
        let certificate: Value = serde_json::from_slice(&aws.objects[&certificate].0).unwrap();
        assert_eq!(certificate["destroyed"][0]["communication"], id.as_str());
        assert_eq!(certificate["destroyed"][0]["rule"]["legal_basis"], "the tax code");
        assert_eq!(certificate["decision"]["actor"], "privacy");
        for words in [NAME, EMAIL, ADDRESS] {
            assert_eq!(aws.find(words), [""; 0], "{words}");
        }
        // and what the ledger knew of the customer
        assert!(!aws.items[id.as_str()].contains_key("customer"), "{:?}", aws.items[id.as_str()]);
    });
    let state: State = serde_json::from_value(noted(&world)).unwrap();
    assert_eq!((state.outcome, state.erased, state.refused.len()), (Outcome::Erased, 1, 0));
    later(i64::from(RETENTION_DAYS) + 30);
    assert_eq!(world.call("{}").await["requests"], 0, "it is not looked at any more");
}

#[tokio::test]
async fn what_is_held_when_its_retention_ends_stays_until_the_hold_does() {
    let world = World::new().await;
    let id = receipt(&world).await;
    world.deliver(&request(CustomerRedact)).await;
    let held = archived(&world, "record.json").pop().unwrap();
    world.aws(|aws| aws.holds.insert(held));
    later(i64::from(RETENTION_DAYS) + 1);
    assert_eq!(world.call("{}").await["requests"], 1);
    assert!(record(&world, &id).await.unwrap().contains(NAME));
    assert_eq!(noted(&world)["refused"][0]["communication"], id.as_str());

    world.aws(|aws| aws.holds.clear());
    later(i64::from(RETENTION_DAYS) + 2);
    assert_eq!(world.call("{}").await["requests"], 1, "on the next day");
    assert_eq!(archived(&world, id.as_str()), [""; 0]);
}

/// Whatever change is the last one that is taken: the next pass does the rest, and destroys nothing without a certificate.
#[tokio::test]
async fn a_destruction_that_dies_anywhere_is_done_by_the_next_pass() {
    for changes in 0.. {
        later(0);
        let world = World::new().await;
        let id = receipt(&world).await;
        world.deliver(&request(CustomerRedact)).await;
        later(i64::from(RETENTION_DAYS) + 1);
        world.aws(|aws| aws.dies_after(changes));
        let done = world.try_call("{}").await.is_ok_and(|answer| answer["requests"] == 1);
        world.aws(|aws| aws.lives());
        later(i64::from(RETENTION_DAYS) + 2);
        world.call("{}").await;
        assert_eq!(archived(&world, id.as_str()), [""; 0], "{changes}");
        assert_eq!(archived(&world, "/plan-").len(), archived(&world, "/certificate-").len(), "{changes}");
        world.aws(|aws| assert_eq!(aws.find(ADDRESS), [""; 0], "{changes}"));
        if done {
            assert!(changes > 5, "{changes}");
            return;
        }
    }
}

/// The secret opens all of the customer's documents, so a hold on one that the request does not name blocks, too.
#[tokio::test]
async fn a_hold_on_a_document_that_the_request_does_not_name_blocks_the_erasure() {
    let world = World::new().await;
    // enough for several pages of the index
    for order in 2..7 {
        world.document(Document::PromotionalOffer, Gid::new("Order", order), true).await;
    }
    let id = world.document(Document::PromotionalOffer, Gid::new("Order", 7), true).await;
    let archived = world.ledger.get(&id).await.unwrap().unwrap().archived.unwrap();
    let record_key = format!("archive/{}", archive::record_key(&archived.archive_key));
    world.aws(|aws| aws.holds.insert(record_key));
    assert_eq!(world.deliver(&request(CustomerRedact)).await, 0);
    assert_eq!(noted(&world)["outcome"], "held");
    assert!(record(&world, &id).await.unwrap().contains(NAME), "what is held stays readable");
    world.aws(|aws| aws.holds.clear());
    assert_eq!(world.deliver(&request(CustomerRedact)).await, 0);
    assert_eq!((&noted(&world)["outcome"], &noted(&world)["erased"]), (&"erased".into(), &6.into()));
    assert!(matches!(record(&world, &id).await, Err(ArchiveError::Erased { .. })));
}

/// Nobody knows whether it is held.
#[tokio::test]
async fn an_entry_that_cannot_be_read_keeps_everything_from_being_erased() {
    let world = World::new().await;
    let (id, unread) = (offer(&world).await, receipt(&world).await);
    let document = world.aws(|aws| {
        std::mem::replace(
            &mut aws.items.get_mut(unread.as_str()).unwrap()["document"],
            serde_json::json!({"S": "a-later-document"}),
        )
    });
    assert_eq!(world.deliver(&request(CustomerRedact)).await, 1);
    assert!(record(&world, &id).await.unwrap().contains(NAME));
    world.aws(|aws| aws.items.get_mut(unread.as_str()).unwrap()["document"] = document);
    assert_eq!(world.deliver(&request(CustomerRedact)).await, 0);
    assert!(matches!(record(&world, &id).await, Err(ArchiveError::Erased { .. })));
}

/// A failure says nothing of what is configured, such as whether a document may be erased.
#[tokio::test]
async fn a_configuration_that_cannot_be_read_is_not_taken_for_none() {
    let world = World::new().await;
    let id = offer(&world).await;
    world.aws(|aws| aws.configs_fail = true);
    assert_eq!(world.deliver(&request(CustomerRedact)).await, 1);
    assert!(record(&world, &id).await.unwrap().contains(NAME));
    world.aws(|aws| aws.configs_fail = false);
    assert_eq!(world.deliver(&request(CustomerRedact)).await, 0);
    assert!(matches!(record(&world, &id).await, Err(ArchiveError::Erased { .. })));
}

/// `ctl dispose` has destroyed it. S3 refuses to read what is gone to a role that may not list the bucket.
#[tokio::test]
async fn what_was_disposed_of_holds_up_no_request() {
    let world = World::new().await;
    let (id, receipt) = (offer(&world).await, receipt(&world).await);
    world.aws(|aws| aws.objects.retain(|key, _| !key.contains(receipt.as_str())));
    assert_eq!(world.deliver(&request(CustomerRedact)).await, 0);
    assert_eq!((&noted(&world)["outcome"], &noted(&world)["erased"]), (&"erased".into(), &2.into()));
    assert!(matches!(record(&world, &id).await, Err(ArchiveError::Erased { .. })));
}
