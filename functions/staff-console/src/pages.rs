//! The pages, one file each.

pub mod communication;
pub mod dashboard;
pub mod dead_letters;
pub mod dead_letters_of;
pub mod evidence;
pub mod failures;
pub mod hold;
pub mod runs;
pub mod search;
pub mod shops;
