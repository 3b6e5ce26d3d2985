//! The formats against their specifications' examples, against a slow and obvious second implementation, and byte by
//! byte: whatever is changed in a proof or a note is refused.

mod notes;
mod trees;
