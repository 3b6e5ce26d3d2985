//! Which objects of a day are sealed, and which of those were seen in the archive. A day may have a million: 17 bytes each.

use comms::CommunicationId;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// Objects by their numbers.
#[derive(Debug, Default)]
pub struct SealedDay {
    /// In order.
    ids: Vec<u128>,
    seen: Vec<bool>,
    /// What another run sealed in the meantime.
    added: BTreeSet<u128>,
}

impl SealedDay {
    pub fn of(mut ids: Vec<u128>) -> Self {
        ids.sort_unstable();
        let seen = vec![false; ids.len()];
        Self { ids, seen, added: BTreeSet::new() }
    }

    /// Takes note that an object is in the archive. Answers whether it is sealed.
    pub fn see(&mut self, id: u128) -> bool {
        let Ok(mut at) = self.ids.binary_search(&id) else { return self.added.contains(&id) };
        // one that was sealed twice is in the list twice
        while at > 0 && self.ids.get(at - 1) == Some(&id) {
            at -= 1;
        }
        while self.ids.get(at) == Some(&id) {
            if let Some(seen) = self.seen.get_mut(at) {
                *seen = true;
            }
            at += 1;
        }
        true
    }

    pub fn add(&mut self, id: u128) {
        self.added.insert(id);
    }

    /// Those that are not in the archive any more.
    pub fn unseen(&self) -> impl Iterator<Item = u128> {
        self.ids.iter().zip(&self.seen).filter(|(_, is_seen)| !**is_seen).map(|(id, _)| *id)
    }
}

/// The number of an object of a communication. That of its record is the communication's id, so that it can be told from it.
pub fn number(communication: &CommunicationId, object: Option<&str>) -> u128 {
    let Some(object) = object else {
        return u128::from_str_radix(communication.as_str(), 16).unwrap_or_default();
    };
    let digest = Sha256::digest(format!("{communication}/{object}"));
    digest.iter().take(16).fold(0, |number, byte| number << 8 | u128::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_and_was_not_seen_is_told() {
        let mut day = SealedDay::of(vec![5, 3, 9, 3]);
        assert!(day.see(3) && day.see(9));
        assert!(!day.see(4));
        day.add(4);
        assert!(day.see(4));
        assert_eq!(day.unseen().collect::<Vec<_>>(), [5]);
    }
}
