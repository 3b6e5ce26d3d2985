//! The pages, one file each.

pub mod communication;
pub mod dead_letters;
pub mod evidence;
pub mod failures;
pub mod runs;
pub mod search;
pub mod shops;
