//! Which issue of the instructions a return's labels call for.

use comms::Revision;
use sha2::{Digest, Sha256};
use shopify::returns::Label;

/// The first issue without a label, else one named after all of them. Whatever a customer would use another
/// parcel label for counts: the label's file and the tracking number. What Shopify may fill in or sign anew
/// by itself does not: the carrier's name, an address made from the number, the query of a file's address.
pub fn revision(labels: &[Label]) -> Revision {
    if labels.is_empty() {
        return Revision::Initial;
    }
    let mut hash = Sha256::new();
    for label in labels {
        let file = label.file_url.as_deref().map(|url| url.split('?').next().unwrap_or(url));
        let tracking = label.tracking_number.as_deref().or(label.tracking_url.as_deref());
        for part in [Some(label.delivery.as_str()), tracking, file] {
            let part = part.unwrap_or_default();
            // preceded by its length, so that no two different labels look the same
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
    }
    Revision::named(format!("label-{}", hex::encode(&hash.finalize()[..8])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use comms::Gid;

    fn label() -> Label {
        Label {
            delivery: Gid::new("ReverseDelivery", 1),
            carrier: None,
            tracking_number: Some("1Z".to_owned()),
            tracking_url: None,
            file_url: Some("https://cdn.example/label.pdf?v=1".to_owned()),
        }
    }

    #[test]
    fn another_label_is_another_issue_and_the_same_one_is_not() {
        let with = |change: fn(&mut Label)| {
            let mut label = label();
            change(&mut label);
            revision(&[label])
        };
        let first = with(|_| ());
        assert_eq!(revision(&[]), Revision::Initial);
        assert_eq!(with(|it| it.carrier = Some("UPS".to_owned())), first);
        assert_eq!(with(|it| it.tracking_url = Some("https://ups.example/1Z".to_owned())), first);
        assert_eq!(with(|it| it.file_url = Some("https://cdn.example/label.pdf?v=2".to_owned())), first);
        assert_ne!(with(|it| it.file_url = Some("https://cdn.example/other.pdf".to_owned())), first);
        assert_ne!(with(|it| it.file_url = None), first);
        assert_ne!(with(|it| it.tracking_number = Some("1Y".to_owned())), first);
        assert_ne!(with(|it| it.delivery = Gid::new("ReverseDelivery", 2)), first);
        assert_ne!(revision(&[label(), label()]), first);
        // a public contract: another name would send all instructions once more
        assert_eq!(first.as_str(), "label-1628b47ed973778a");
    }
}
