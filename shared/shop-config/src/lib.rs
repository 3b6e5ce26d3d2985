//! What one shop wants: its documents, its Exstream, its channels.
//!
//! One TOML file per shop, stored at `config/<shop>.toml` in the operations bucket with S3 versions. A shop is
//! served when its file is there. The types below are the public format (`schemas/shop-config.v1.json`);
//! [`ShopConfig::parse`] is the only way to get one, so whoever holds one holds a valid one. [`ConfigStore`]
//! reads files with a time-to-live, so that a change needs no redeployment.

mod attachments;
mod channels;
mod check;
mod delivery;
pub mod diff;
mod document;
mod exstream;
mod history;
mod language;
mod letters;
mod locale;
mod marketing;
mod mistakes;
mod model;
mod outputs;
mod placeholders;
mod print;
mod retention;
mod rewards;
mod statements;
mod store;
mod validate;

pub use attachments::{ATTACHMENT_MEDIA_TYPE, AttachmentConfig};
pub use check::Problem;
pub use delivery::*;
pub use document::*;
pub use exstream::*;
pub use history::{ConfigHistory, PutOutcome, StoredBy, StoredText, Version};
pub use language::{Texts, in_locale, text_in};
pub use letters::*;
pub use locale::{Locale, NoTranslation};
pub use marketing::{Audience, Campaign, FrequencyCap, Marketing, Offer, QuietHours, SegmentOffer};
pub use mistakes::{Mistake, mistakes_in_json, parse_for_people};
pub use model::*;
pub use outputs::{OutputConfig, Use, Uses};
pub use placeholders::Placeholders;
pub use print::*;
pub use retention::{Erasure, Expired, RetentionClass};
pub use rewards::{GiftCards, Loyalty, Purchases, Replenishment, Rounding};
pub use statements::{CUSTOMERS_PER_FILE, Compose, Statements};
pub use store::{ConfigError, ConfigStore, Loaded, config_key};
pub use validate::{InvalidConfig, MAX_RETENTION_DAYS};
