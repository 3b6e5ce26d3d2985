//! Transparency logs in public formats: what their files say, what proves what.
//!
//! Hashing is that of RFC 6962; files are those of the C2SP specifications [tlog-tiles], [tlog-checkpoint],
//! [signed-note] and [tlog-proof]. Each module is named by its specification. No I/O, no clock, no key: whoever uses
//! this reads and writes the files and has the notes signed. Nothing that is read here makes it panic, and no size that
//! a file claims is taken as the size of anything that is allocated.
//!
//! [tlog-tiles]: https://c2sp.org/tlog-tiles
//! [tlog-checkpoint]: https://c2sp.org/tlog-checkpoint
//! [signed-note]: https://c2sp.org/signed-note
//! [tlog-proof]: https://c2sp.org/tlog-proof

#![warn(missing_docs)]

mod checkpoint;
mod edge;
mod rfc6962;
mod signed_note;
mod tiles;
mod tlog_proof;

pub use checkpoint::{Checkpoint, InvalidCheckpoint, MAX_LEAVES};
pub use edge::{Edge, InvalidEdge};
pub use rfc6962::{
    Hash, Unproven, consistency, inclusion, leaf_hash, node_hash, verify_consistency, verify_inclusion,
};
pub use signed_note::{InvalidNote, KeyName, NoteError, SignedNote, VerifierKey};
pub use tiles::{
    Absent, Bundle, InvalidBundle, TILE_WIDTH, Tile, Tiles, bundle_path, bundle_tile, tiles_for,
};
pub use tlog_proof::{InvalidProof, TlogProof};
