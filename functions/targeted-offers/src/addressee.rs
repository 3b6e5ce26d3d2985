//! The customer a document is for: what Shopify says of them now, and the document as the pipeline takes it, with the
//! consent that it needs.

use crate::{
    cause::Cause,
    consent::{Permission, permission},
};
use comms::{Class, Document};
use delivery::Recipient;
use driver::{AddressData, CustomerData, Envelope};
use flow::{Content, Gather, GatherError, Stop};
use schemars::JsonSchema;
use serde::Serialize;
use shopify::marketing::Prospect;

/// Who it is for.
#[derive(Clone, Serialize, JsonSchema)]
pub struct Addressee {
    /// The customer.
    customer: CustomerData,
    /// The customer's default postal address.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<AddressData>,
    /// The page where the customer ends offers and reminders. Absent where the shop made the document transactional,
    /// and in previews.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"https://documents.northwind.example/u/bm8tb25lLWhhcy10aGlzLXRva2VuLWl0LWlzLWEtc2E")]
    unsubscribe_url: Option<String>,
}

impl Addressee {
    pub fn new(prospect: &Prospect, unsubscribe_url: Option<&str>) -> Self {
        let customer = &prospect.customer;
        Self {
            customer: CustomerData {
                id: Some(customer.id.clone()),
                name: customer.name(),
                email: customer.email.clone(),
                phone: customer.phone.clone(),
                company_location: None,
            },
            address: prospect.address.as_ref().map(AddressData::new),
            unsubscribe_url: unsubscribe_url.map(str::to_owned),
        }
    }
}

/// A customer, and what every document says of them.
pub struct Customer {
    pub prospect: Prospect,
    pub locale: String,
    pub envelope: Envelope,
    pub addressee: Addressee,
}

impl Customer {
    /// # Errors
    /// When Shopify has no such customer (any more), or did not answer.
    pub async fn of(gather: &Gather<'_>, cause: &Cause) -> Result<Self, Stop> {
        let document = gather.plan.document;
        let balance = gather.config.marketing.loyalty.as_ref().and_then(|loyalty| loyalty.balance());
        let balance = balance.filter(|_| document == Document::LoyaltyStatement);
        let found = gather.shopify.prospect(gather.call(), &gather.plan.subject, balance).await?;
        let Some(prospect) = found else { return Err(no_customer(gather, cause).await) };
        let locale = gather.locale(&[prospect.customer.locale.as_deref()])?;
        Ok(Self {
            envelope: Envelope::new(document, gather.communication, &locale, gather.config),
            addressee: Addressee::new(&prospect, gather.unsubscribe_url),
            prospect,
            locale,
        })
    }
}

/// Soon after a customer joined, Shopify may not show them yet: the work waits. Later they are deleted.
async fn no_customer(gather: &Gather<'_>, cause: &Cause) -> Stop {
    if matches!(cause, Cause::Joined(_)) {
        let error = gather.absent("customer").await;
        if error.class != Class::Permanent {
            return error.into();
        }
    }
    Stop::suppressed("Shopify has no such customer")
}

/// The document, with the consent and the address that may be used.
pub fn content(
    gather: &Gather<'_>,
    prospect: &Prospect,
    locale: String,
    name: String,
    data: &impl Serialize,
) -> Result<Content, GatherError> {
    let document = gather.plan.document;
    let settings = gather.config.documents.get(&document);
    let class = settings.map_or(document.default_class(), |settings| settings.class(document));
    let channels = settings.map_or(&[][..], |settings| &settings.channels);
    let Permission { consent, email, phones } =
        permission(prospect, class, channels, &gather.config.marketing, gather.now);
    let recipient = Recipient { name: prospect.customer.name(), email, phones, locale };
    Ok(Content {
        name: Some(name),
        postal_address: prospect
            .address
            .as_ref()
            .map(|it| flow::postal_address(it, prospect.customer.name())),
        customer: Some(prospect.customer.id.clone()),
        consent,
        ..Content::new(gather, data, recipient)?
    })
}
