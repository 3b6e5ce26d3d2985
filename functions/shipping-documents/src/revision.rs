//! The name of a notice's issue: a fingerprint of the tracking it tells of.

use comms::Revision;
use sha2::{Digest, Sha256};
use shopify::fulfillment::Tracking;

/// `tracking-` and 12 hexadecimal digits, or `tracking-none`.
///
/// Equal for equal tracking, whichever API said it. Each part is preceded by its length and each list by its
/// own, so that no two different trackings are hashed alike.
pub fn tracking_revision(tracking: &Tracking) -> Revision {
    if tracking.is_none() {
        return Revision::named("tracking-none");
    }
    let mut hash = Sha256::new();
    hash.update(b"tracking/1");
    for parts in [&tracking.numbers, &tracking.urls] {
        hash.update((parts.len() as u64).to_be_bytes());
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
    }
    Revision::named(format!("tracking-{}", hex::encode(&hash.finalize()[..6])))
}
