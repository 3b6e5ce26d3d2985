//! Replenishment reminders: one for everything that is about to run out. No purchase is reminded of twice.

use crate::{
    addressee::{Addressee, Customer, content},
    cause::{self, Cause, Firing},
    offer::{OfferData, campaign_offer},
    replenish::{self, Days, Due, HISTORY_DAYS},
};
use comms::{CommunicationId, Document, Gid, Money, chain};
use driver::Envelope;
use flow::{Content, Event, Gather, GatherError, History, LookUp, Plan, PlanError, Planned, Stop};
use jiff::{Span, Timestamp, civil::Date, tz::TimeZone};
use schemars::JsonSchema;
use serde::Serialize;
use shop_config::ShopConfig;
use shopify::{AdminApi, AdminError, Call, marketing::LineProduct};
use std::collections::HashMap;

const DOCUMENT: Document = Document::ReplenishmentReminder;

pub const TOPICS: &[&str] = &[cause::CAMPAIGN];

/// Titles in the name of a reminder.
const TITLES: usize = 3;

/// Things a customer bought are about to run out.
#[derive(Clone, Serialize, JsonSchema)]
pub struct Reminder {
    #[serde(flatten)]
    pub envelope: Envelope,
    #[serde(flatten)]
    pub addressee: Addressee,
    /// What runs out, the first to do so first.
    pub products: Vec<ProductData>,
    /// The campaign's offer, as long as it is valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offer: Option<OfferData>,
}

#[derive(Clone, Serialize, JsonSchema)]
pub struct ProductData {
    /// The variant's stock keeping unit.
    #[schemars(example = "CARE-WAX-100")]
    sku: String,
    /// As it was called in the order.
    #[schemars(example = "Beeswax for leather, 100 ml")]
    title: String,
    /// How many were bought.
    quantity: u64,
    /// The name of the order it came with.
    #[schemars(example = "#1001")]
    order: String,
    /// The day it was bought.
    #[schemars(with = "String", example = "2026-10-12")]
    bought_on: Date,
    /// The day it is expected to have run out.
    #[schemars(with = "String", example = "2026-11-26")]
    empty_on: Date,
    /// The product's page in the online store. Absent for what is not published there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "https://northwind.example/products/beeswax")]
    product_url: Option<String>,
    /// The address of a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "https://cdn.shopify.com/s/files/beeswax.jpg")]
    image_url: Option<String>,
    /// What one costs today in the customer's country, as the online store shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "as_priced"))]
    price: Option<Money>,
}

pub fn plan(event: &Event<'_>) -> Result<Planned, PlanError> {
    match Cause::read(event.item, event.payload)? {
        Cause::Campaign(firing) if firing.document == DOCUMENT => Ok(Planned::AskShopify),
        Cause::Campaign(_) | Cause::Joined(_) => Ok(Planned::none()),
    }
}

/// The reminder, if anything that the customer bought runs out.
pub async fn look_up(look_up: LookUp<'_>) -> Result<Vec<Plan>, GatherError> {
    let LookUp { item, payload, config, .. } = look_up;
    let Cause::Campaign(firing) = Cause::read(item, payload)? else {
        return Err(GatherError::permanent("an event of a segment says what it leads to"));
    };
    let due = due(look_up.shopify, look_up.call(), &item.subject, &firing, config).await?;
    let plan = look_up.event().plan(DOCUMENT);
    let wanted = plan.wanted && firing.is_configured(config);
    Ok(replenish::revision(&due).map(|revision| Plan { revision, wanted, ..plan }).into_iter().collect())
}

pub fn schema() -> serde_json::Value {
    driver::json_schema::<Reminder>(DOCUMENT)
}

/// A preview has no history, and shows what the first reminder would say.
pub async fn gather(gather: &Gather<'_>) -> Result<Content, Stop> {
    let (cause, firing) = cause::campaign(gather)?;
    let customer = Customer::of(gather, &cause).await?;
    if gather.config.marketing.replenishment.is_none() {
        return Err(Stop::suppressed("the shop reminds of nothing any more"));
    }
    let due = due(gather.shopify, gather.call(), &gather.plan.subject, &firing, gather.config).await?;
    let mut due = replenish::of_revision(due, &gather.plan.revision);
    if let Some(history) = gather.history {
        due = not_reminded(gather, history, due).await?;
    }
    let (pointless, due): (Vec<_>, Vec<_>) = due.into_iter().partition(|due| due.pointless.is_some());
    if due.is_empty() {
        let why = pointless.first().and_then(|due| due.pointless);
        return Err(why.map_or(Stop::not_due("nothing runs out yet"), Stop::suppressed));
    }
    let address = customer.prospect.address.as_ref();
    let country = address.and_then(|address| address.country_code.as_deref());
    let mut products = products(gather, &due, country).await?;
    let data = Reminder {
        envelope: customer.envelope,
        addressee: customer.addressee,
        products: due
            .iter()
            .map(|due| {
                let (product, price) = products.remove(&due.line).unzip();
                ProductData::new(due, product, price.flatten())
            })
            .collect(),
        offer: campaign_offer(gather, &firing, &customer.locale),
    };
    let titles: Vec<_> = due.iter().take(TITLES).map(|due| due.title.as_str()).collect();
    let more = if due.len() > TITLES { ", …" } else { "" };
    let name = format!("{}{more}", titles.join(", "));
    Ok(content(gather, &customer.prospect, customer.locale, name, &data)?)
}

/// What a firing has to remind a customer of.
async fn due(
    shopify: &AdminApi,
    call: Call<'_>,
    customer: &Gid,
    firing: &Firing,
    config: &ShopConfig,
) -> Result<Vec<Due>, GatherError> {
    if config.marketing.replenishment.is_none() {
        return Ok(vec![]);
    }
    let since = history_begins(firing.period, &config.time_zone);
    let purchases = shopify.purchases(call, customer, since, usize::MAX).await?;
    let days = Days { last: firing.period, after: firing.since };
    Ok(replenish::due(&purchases, &config.marketing, days, &config.time_zone))
}

fn history_begins(day: Date, zone: &TimeZone) -> Timestamp {
    let first = day.checked_sub(Span::new().days(HISTORY_DAYS)).ok();
    let first = first.and_then(|day| day.to_zoned(zone.clone()).ok());
    first.map_or(Timestamp::UNIX_EPOCH, |first| first.timestamp())
}

/// Without what an earlier message reminded of: each covers its last day and all days before. A firing knows the one
/// before it, but not what else was fired, such as a day that a person names.
async fn not_reminded(
    gather: &Gather<'_>,
    history: History<'_>,
    due: Vec<Due>,
) -> Result<Vec<Due>, GatherError> {
    for day in replenish::earlier_days(&due) {
        let Plan { document, subject, .. } = gather.plan;
        let earlier =
            CommunicationId::derive(&gather.item.shop, *document, subject, &replenish::revision_of(day));
        if history.entry(&earlier).await?.is_some() {
            return Ok(due.into_iter().filter(|due| due.remind > day).collect());
        }
    }
    Ok(due)
}

/// Pages, pictures and prices of what runs out. A reminder does without what the app may not see.
async fn products(
    gather: &Gather<'_>,
    due: &[Due],
    country: Option<&str>,
) -> Result<HashMap<Gid, (LineProduct, Option<Money>)>, GatherError> {
    let lines: Vec<_> = due.iter().map(|due| due.line.clone()).collect();
    let products = optional(gather.shopify.line_products(gather.call(), &lines).await)?;
    let variants: Vec<_> = products.values().filter_map(|product| product.variant.clone()).collect();
    let mut prices = HashMap::new();
    if !variants.is_empty() {
        prices = optional(gather.shopify.variant_prices(gather.call(), &variants, country).await)?;
    }
    let price = |product: &LineProduct| prices.get(product.variant.as_ref()?).copied();
    Ok(products.into_iter().map(|(line, product)| (line, (product.clone(), price(&product)))).collect())
}

fn optional<T: Default>(answer: Result<T, AdminError>) -> Result<T, GatherError> {
    match answer {
        Err(error) if error.is_denied() => {
            let error = chain(&error);
            tracing::warn!(
                error,
                "a reminder has no pages, pictures or prices: they need the scope read_products"
            );
            Ok(T::default())
        }
        answer => Ok(answer?),
    }
}

impl ProductData {
    pub fn new(due: &Due, product: Option<LineProduct>, price: Option<Money>) -> Self {
        let LineProduct { url, image_url, .. } = product.unwrap_or_default();
        Self {
            sku: due.sku.clone(),
            title: due.title.clone(),
            quantity: due.quantity,
            order: due.order_name.clone(),
            bought_on: due.bought,
            empty_on: due.empty,
            product_url: url,
            image_url,
            price,
        }
    }
}
