//! The promises, checked against what the stand-ins hold when the soak has ended.
//!
//! Knows what was sent and what is there, and nothing of how the functions work. Each broken promise is one line.

use super::{breach::Breach, bucket::Object, events::Due, kinds::Way, vendors::Sent};
use base64::{Engine, prelude::BASE64_STANDARD};
use fakes::dynamodb::Item;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// A process may grow by so much from its first minute to the end.
const GROWTH: f64 = 1.15;
const ARCHIVE: &str = "/archive/";
const SPOOL: &str = "/operations/spool/";

/// Everything there is to judge by.
#[derive(Default)]
pub struct Evidence {
    pub due: Vec<Due>,
    pub ledger: HashMap<String, Item>,
    pub objects: BTreeMap<String, Object>,
    pub overwritten: Vec<String>,
    /// By communication.
    pub emails: HashMap<String, Vec<Sent>>,
    /// Communications whose sender was not told what became of their e-mail.
    pub untold: HashSet<String>,
    /// Cases whose messages were in the hands of a process that died.
    pub struck: HashSet<usize>,
    /// By order, the value of its status metafield.
    pub told: HashMap<String, Value>,
    /// By queue, what was given up, and how much is not done.
    pub dead: Vec<(String, usize)>,
    pub left: Vec<(String, usize)>,
    /// Lines about what must not have happened at all.
    pub never: Vec<String>,
    /// By function: megabytes early on and at the end.
    pub memory: Vec<(String, f64, f64)>,
}

/// One communication and everything that is known of it.
struct Case<'a> {
    due: &'a Due,
    id: &'a str,
    item: &'a Item,
    evidence: &'a Evidence,
}

/// One line each.
pub fn broken(evidence: &Evidence) -> Vec<String> {
    let mut broken = evidence.never.clone();
    let mut entries: HashMap<(&str, &str), Vec<(&str, &Item)>> = HashMap::new();
    for (id, item) in &evidence.ledger {
        entries.entry((text(item, "document"), text(item, "subject"))).or_default().push((id, item));
    }
    let mut named = BTreeSet::new();
    for due in &evidence.due {
        let what = format!("{} of {}", due.document, due.subject);
        match entries.remove(&(due.document, due.subject.as_str())).as_deref() {
            Some([(id, item)]) => {
                let case = Case { due, id, item, evidence };
                broken.extend(case.broken().into_iter().map(|why| format!("{what} ({id}): {why}")));
                named.extend(case.objects());
            }
            Some(several) => broken.push(format!("{what}: {} entries in the ledger", several.len())),
            None => broken.push(format!("{what}: lost, the ledger has no entry")),
        }
    }
    broken.extend(
        entries.keys().map(|(document, subject)| format!("{document} of {subject}: nothing led to it")),
    );
    broken.extend(orphans(evidence, &named));
    broken.extend(evidence.overwritten.iter().map(|key| format!("{key}: put over what was there")));
    let due: HashSet<_> = evidence.ledger.keys().collect();
    let stray = evidence.emails.keys().filter(|id| !due.contains(id));
    broken.extend(stray.map(|id| format!("an e-mail of {id}, which the ledger does not know")));
    for (queue, count) in evidence.dead.iter().filter(|(_, count)| *count > 0) {
        broken.push(format!("{queue}: {count} messages given up"));
    }
    for (queue, count) in evidence.left.iter().filter(|(_, count)| *count > 0) {
        broken.push(format!("{queue}: {count} messages not done"));
    }
    for (function, early, late) in evidence.memory.iter().filter(|(_, early, late)| late > &(early * GROWTH))
    {
        broken.push(format!("{function}: its memory grew from {early:.1} MB to {late:.1} MB"));
    }
    broken
}

/// Whether an object is a fact beside a record that a communication answers for.
fn is_fact_of(key: &str, named: &BTreeSet<String>) -> bool {
    let name = key.strip_prefix(folder(key)).unwrap_or_default();
    name.starts_with("/fact-") && named.contains(&format!("{}/record.json", folder(key)))
}

/// What is in the archive or the spool and no ledger entry answers for.
fn orphans(evidence: &Evidence, named: &BTreeSet<String>) -> Vec<String> {
    let kept = evidence.objects.keys().filter(|key| key.starts_with(ARCHIVE) || key.starts_with(SPOOL));
    let is_named = |key: &String| named.contains(key) || is_fact_of(key, named);
    kept.filter(|key| !is_named(key)).map(|key| format!("{key}: no communication names it")).collect()
}

impl Case<'_> {
    fn broken(&self) -> Vec<Breach> {
        // what is not even settled has broken its promise; the others would only say so again
        match self.settled() {
            Err(why) => vec![why],
            Ok(()) => {
                [self.archived(), self.sent(), self.told()].into_iter().filter_map(Result::err).collect()
            }
        }
    }

    fn state(&self) -> &str {
        text(self.item, "state")
    }

    fn settled(&self) -> Result<(), Breach> {
        let Evidence { untold, struck, .. } = self.evidence;
        let channel = text(self.item, "channel");
        match (self.due.way, self.state(), channel) {
            (Way::Email, "accepted", "email") | (Way::Print, "accepted", "print") => Ok(()),
            (Way::ArchiveOnly, "archived", "") => Ok(()),
            (Way::Email, "unknown", _) if untold.contains(self.id) || struck.contains(&self.due.case) => {
                Ok(())
            }
            (Way::Email, "unknown", _) => Err(Breach::NotInDoubt),
            (_, state, _) => Err(Breach::State {
                state: state.to_owned(),
                channel: channel.to_owned(),
                reason: text(self.item, "reason").to_owned(),
            }),
        }
    }

    /// The objects that this communication answers for.
    fn objects(&self) -> Vec<String> {
        let document = format!("{ARCHIVE}{}", text(self.item, "archive_key"));
        let mut objects = vec![format!("{}/record.json", folder(&document)), document];
        if self.due.way == Way::Print {
            let spooled = format!("/operations/{}", text(self.item, "reference"));
            objects.extend([format!("{}.manifest.json", spooled.trim_end_matches(".pdf")), spooled]);
        }
        objects
    }

    fn object(&self, key: &str, version: &str, sha256: &str) -> Result<&Object, Breach> {
        let object = self.evidence.objects.get(key).ok_or_else(|| Breach::Missing(key.to_owned()))?;
        let is_it = (version.is_empty() || object.version == version) && object.sha256 == sha256;
        is_it.then_some(object).ok_or_else(|| Breach::Different(key.to_owned()))
    }

    /// The document and the record are there, are the ones the ledger names, and belong together.
    fn archived(&self) -> Result<(), Breach> {
        let [key, version, record_version] =
            ["archive_key", "archive_version", "record_version"].map(|name| text(self.item, name));
        let [sha256, record_sha256] = ["sha256", "record_sha256"].map(|name| digits(self.item, name));
        let (sha256, record_sha256) = (sha256.as_str(), record_sha256.as_str());
        let document = format!("{ARCHIVE}{key}");
        self.object(&document, version, sha256)?;
        let record = format!("{}/record.json", folder(&document));
        let record = self.object(&record, record_version, record_sha256)?;
        let record: Value = serde_json::from_slice(&record.bytes)?;
        let output = &record["outputs"][0];
        let said = [&output["object"], &output["version_id"], &output["sha256"], &record["communication"]];
        if said == [key, version, sha256, self.id] { Ok(()) } else { Err(Breach::OtherRecord) }
    }

    /// At most once, what is archived, and not before it was; once for sure if the ledger says so.
    fn sent(&self) -> Result<(), Breach> {
        let emails = self.evidence.emails.get(self.id).map(Vec::as_slice).unwrap_or_default();
        let sha256 = digits(self.item, "sha256");
        let sha256 = sha256.as_str();
        match (self.due.way, emails) {
            (Way::ArchiveOnly, []) => Ok(()),
            (Way::Print, []) => {
                let spooled = format!("/operations/{}", text(self.item, "reference"));
                self.object(&spooled, "", sha256)?;
                let manifest = format!("{}.manifest.json", spooled.trim_end_matches(".pdf"));
                let is_there = self.evidence.objects.contains_key(&manifest);
                if is_there { Ok(()) } else { Err(Breach::Missing(manifest)) }
            }
            (Way::Email, []) if self.state() == "unknown" => Ok(()),
            (Way::Email, [email]) => {
                let archived =
                    self.evidence.objects.get(&format!("{ARCHIVE}{}", text(self.item, "archive_key")));
                match archived {
                    Some(object) if object.sha256 == email.sha256 && object.at <= email.at => Ok(()),
                    _ => Err(Breach::NotArchived),
                }
            }
            (_, emails) => Err(Breach::Sent(emails.len())),
        }
    }

    /// Shopify shows, at the order, what the ledger says.
    fn told(&self) -> Result<(), Breach> {
        let write_back = text(self.item, "write_back");
        if write_back != "reported" {
            let reason = text(self.item, "write_back_reason").to_owned();
            return Err(Breach::Report { state: write_back.to_owned(), reason });
        }
        let status = self.evidence.told.get(&self.due.order);
        let list = status.and_then(|status| status["communications"].as_array()).into_iter().flatten();
        let shown: Vec<_> = list.filter(|shown| shown["id"] == self.id).collect();
        match shown[..] {
            [shown] if shown["state"] == self.state() && shown["document"] == self.due.document => Ok(()),
            [shown] => Err(Breach::ShownAs {
                document: Box::new(shown["document"].clone()),
                state: Box::new(shown["state"].clone()),
            }),
            _ => Err(Breach::Shown { times: shown.len(), order: self.due.order.clone() }),
        }
    }
}

fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    item.get(name).and_then(|value| value["S"].as_str()).unwrap_or_default()
}

/// A hash in hexadecimal, which the ledger stores as bytes.
fn digits(item: &Item, name: &str) -> String {
    let value = item.get(name);
    let Some(bytes) = value.and_then(|value| value["B"].as_str()) else {
        return text(item, name).to_owned();
    };
    let bytes = BASE64_STANDARD.decode(bytes).unwrap_or_default();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn folder(key: &str) -> &str {
    key.rsplit_once('/').map_or("", |(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use super::{super::bucket::Buckets, *};
    use axum::{body::Bytes, http::HeaderMap};
    use serde_json::json;
    use std::time::Instant;

    const ORDER: &str = "gid://shopify/Order/1";
    const WAYS: [(&str, &str, Way); 3] = [
        ("order-confirmation", "email", Way::Email),
        ("packing-slip", "print", Way::Print),
        ("receipt", "", Way::ArchiveOnly),
    ];

    /// A world in which one document of each way was made, sent, archived and told.
    fn world() -> Evidence {
        let mut evidence = Evidence::default();
        let mut buckets = Buckets::default();
        let put = |buckets: &mut Buckets, key: &str, bytes: String| {
            buckets.put(key, &HeaderMap::new(), Bytes::from(bytes));
            buckets.objects[key].clone()
        };
        for (document, channel, way) in WAYS {
            let key = format!("shop/2026/11/23/{document}/c-{document}/document.pdf");
            let archived = put(&mut buckets, &format!("/archive/{key}"), format!("%PDF {document}"));
            let (id, sha256) = (format!("c-{document}"), archived.sha256.clone());
            let output = json!({"object": key, "version_id": archived.version, "sha256": sha256});
            let record = json!({"communication": id, "outputs": [output]}).to_string();
            let record = put(&mut buckets, &format!("/archive/{}/record.json", folder(&key)), record);
            let spooled = format!("spool/{id}.pdf");
            if way == Way::Print {
                put(&mut buckets, &format!("/operations/{spooled}"), format!("%PDF {document}"));
                put(&mut buckets, &format!("/operations/spool/{id}.manifest.json"), "{}".to_owned());
            }
            let state = if way == Way::ArchiveOnly { "archived" } else { "accepted" };
            let fields = json!({
                "document": document, "subject": ORDER, "state": state, "channel": channel, "reference": spooled,
                "archive_key": key, "archive_version": archived.version, "sha256": sha256,
                "record_version": record.version, "record_sha256": record.sha256, "write_back": "reported",
            });
            let fields = fields.as_object().unwrap().iter();
            let item = fields.map(|(name, value)| (name.clone(), json!({"S": value}))).collect();
            evidence.ledger.insert(id.clone(), item);
            if way == Way::Email {
                evidence.emails.insert(id.clone(), vec![Sent { sha256, at: Instant::now() }]);
            }
            let told = evidence.told.entry(ORDER.to_owned()).or_insert_with(|| json!({"communications": []}));
            let shown = json!({"id": id, "document": document, "state": state});
            told["communications"].as_array_mut().unwrap().push(shown);
            let (subject, order) = (ORDER.to_owned(), ORDER.to_owned());
            evidence.due.push(Due { case: 0, document, subject, order, way, events: vec![0] });
        }
        evidence.objects = buckets.objects;
        evidence
    }

    fn set(evidence: &mut Evidence, id: &str, name: &str, value: &str) {
        evidence.ledger.get_mut(id).unwrap().insert(name.to_owned(), json!({"S": value}));
    }

    fn object(evidence: &mut Evidence, end: &str) -> String {
        evidence.objects.keys().find(|key| key.ends_with(end)).unwrap().clone()
    }

    #[test]
    fn a_world_in_order_breaks_no_promise() {
        assert_eq!(broken(&world()), [""; 0]);
    }

    /// Each line of the oracle can speak.
    #[test]
    fn each_promise_can_be_broken() {
        type Tamper = fn(&mut Evidence);
        const MAILED: &str = "c-order-confirmation";
        let tampered: [(&str, Tamper); 22] = [
            ("lost, the ledger has no entry", |it| {
                it.due.push(Due { subject: "gid://shopify/Order/2".into(), ..it.due[0].clone() })
            }),
            ("2 entries", |it| {
                let twin = it.ledger[MAILED].clone();
                it.ledger.insert("twin".into(), twin);
            }),
            ("nothing led to it", |it| {
                let stray = Item::from_iter([("document".to_owned(), json!({"S": "receipt"}))]);
                it.ledger.insert("stray".into(), stray);
            }),
            ("sent 2 times", |it| {
                let again = it.emails[MAILED][0].clone();
                it.emails.get_mut(MAILED).unwrap().push(again);
            }),
            ("sent 0 times", |it| drop(it.emails.remove(MAILED))),
            ("sent 1 times", |it| drop(it.emails.insert("c-receipt".into(), it.emails[MAILED].clone()))),
            ("which the ledger does not know", |it| drop(it.emails.insert("stranger".into(), vec![]))),
            ("not archived before", |it| it.emails.get_mut(MAILED).unwrap()[0].sha256 = "00".into()),
            ("not archived before", |it| {
                let key = object(it, "order-confirmation/document.pdf");
                it.objects.get_mut(&key).unwrap().at = Instant::now();
            }),
            ("nothing was in doubt", |it| {
                set(it, MAILED, "state", "unknown");
                it.told.get_mut(ORDER).unwrap()["communications"][0]["state"] = "unknown".into();
            }),
            ("claimed by `email`", |it| {
                set(it, MAILED, "state", "claimed");
                it.told.get_mut(ORDER).unwrap()["communications"][0]["state"] = "claimed".into();
            }),
            ("is not what the ledger says", |it| set(it, "c-receipt", "sha256", "00")),
            ("is not what the ledger says", |it| set(it, "c-receipt", "record_version", "v0")),
            ("is not there", |it| {
                let key = object(it, "receipt/record.json");
                it.objects.remove(&key);
            }),
            ("manifest.json is not there", |it| {
                drop(it.objects.remove("/operations/spool/c-packing-slip.manifest.json"))
            }),
            ("no communication names it", |it| {
                let orphan = it.objects.values().next().unwrap().clone();
                it.objects.insert("/archive/orphan/document.pdf".into(), orphan);
            }),
            ("put over what was there", |it| it.overwritten.push("/archive/x".into())),
            ("the report is pending", |it| set(it, "c-receipt", "write_back", "pending")),
            ("Shopify shows it 0 times", |it| it.told.clear()),
            ("messages given up", |it| it.dead.push(("write-back".into(), 1))),
            ("messages not done", |it| it.left.push(("write-back".into(), 1))),
            ("grew", |it| it.memory.push(("intake".into(), 20.0, 30.0))),
        ];
        for (line, tamper) in tampered {
            let mut evidence = world();
            tamper(&mut evidence);
            let broken = broken(&evidence);
            assert!(broken.iter().any(|it| it.contains(line)), "{line}: {broken:?}");
        }
        let mut loud = world();
        loud.never.push("wrote a name".into());
        assert_eq!(broken(&loud), ["wrote a name"]);
    }

    #[test]
    fn a_doubt_that_there_was_is_no_broken_promise() {
        let mut evidence = world();
        set(&mut evidence, "c-order-confirmation", "state", "unknown");
        evidence.told.get_mut(ORDER).unwrap()["communications"][0]["state"] = "unknown".into();
        evidence.untold.insert("c-order-confirmation".into());
        assert_eq!(broken(&evidence), [""; 0]);
        evidence.emails.clear();
        assert_eq!(broken(&evidence), [""; 0]);
        evidence.untold.clear();
        evidence.struck.insert(0);
        assert_eq!(broken(&evidence), [""; 0]);
    }

    #[test]
    fn a_record_of_another_document_is_seen() {
        let mut evidence = world();
        let key = object(&mut evidence, "receipt/record.json");
        let record = evidence.objects.get_mut(&key).unwrap();
        record.bytes = Bytes::from_static(b"{\"communication\": \"c-other\"}");
        assert!(broken(&evidence)[0].contains("the record is of something else"));
    }
}
