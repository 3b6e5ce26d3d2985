//! An offer of the shop's configuration, in a document: alone, or beside a statement or a reminder.

use crate::cause::Firing;
use flow::Gather;
use jiff::{Span, Timestamp, civil::Date};
use schemars::JsonSchema;
use serde::Serialize;
use shop_config::{Offer, ShopConfig, text_in};

#[derive(Clone, Serialize, JsonSchema)]
pub struct OfferData {
    /// The name in the shop's configuration.
    #[schemars(example = &"winter")]
    name: String,
    /// The headline, in the document's language.
    #[schemars(example = "Winter is here: free shipping")]
    title: String,
    /// The text below the headline.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "Until Sunday, on every order.")]
    text: Option<String>,
    /// The discount code that redeems it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"WINTER")]
    code: Option<String>,
    /// The page of the offer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "https://northwind.example/winter")]
    url: Option<String>,
    /// The last day.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", example = "2026-12-06")]
    valid_until: Option<Date>,
}

impl OfferData {
    /// An offer made on a day.
    pub fn new(name: &str, offer: &Offer, locale: &str, config: &ShopConfig, made: Date) -> Self {
        let text = |texts| text_in(texts, locale, &config.default_locale).map(str::to_owned);
        let until = |days: u16| made.checked_add(Span::new().days(i64::from(days))).ok();
        Self {
            name: name.to_owned(),
            title: text(&offer.title).unwrap_or_default(),
            text: text(&offer.text),
            code: offer.code.clone(),
            url: offer.url.as_ref().map(ToString::to_string),
            valid_until: offer.valid_days.and_then(until),
        }
    }

    pub fn title(&self) -> &str {
        &self.title
    }

    pub fn has_expired(&self, today: Date) -> bool {
        self.valid_until.is_some_and(|until| until < today)
    }
}

/// The offer of this name, made on a day; `None` if the configuration has no such offer.
pub fn offer(gather: &Gather<'_>, name: &str, locale: &str, made: Date) -> Option<OfferData> {
    let offer = gather.config.marketing.offers.get(name)?;
    Some(OfferData::new(name, offer, locale, gather.config, made))
}

/// The campaign's offer, as long as it is valid.
pub fn campaign_offer(gather: &Gather<'_>, firing: &Firing, locale: &str) -> Option<OfferData> {
    let name = gather.config.marketing.campaigns.get(&firing.campaign)?.offer.as_deref()?;
    let offer = offer(gather, name, locale, firing.period)?;
    (!offer.has_expired(day_in_shop(gather, gather.now))).then_some(offer)
}

/// The day of a moment in the shop's time zone.
pub fn day_in_shop(gather: &Gather<'_>, at: Timestamp) -> Date {
    at.to_zoned(gather.config.time_zone.clone()).date()
}
