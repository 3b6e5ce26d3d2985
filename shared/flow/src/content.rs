//! A document before it is composed: its driver data, and what the pipeline needs to know beside it.

use crate::{gather::Gather, gather_error::GatherError};
use archive::Previous;
use bytes::Bytes;
use comms::{CustomerKey, Document, Flow, Gid, PostalAddress};
use delivery::{Phone, Recipient};
use serde::{Deserialize, Serialize};
use shopify::{Address, Customer, Order};
use std::borrow::Cow;

/// A document before it is composed.
pub struct Content {
    /// The driver data's schema, such as `order-confirmation/1`.
    pub schema: String,
    /// The driver data, as JSON.
    pub driver: Bytes,
    /// Whom it is for, and in which locale.
    pub recipient: Recipient,
    /// Where a letter goes.
    pub postal_address: Option<PostalAddress>,
    /// What a person calls the order, or whatever the document is about, for a subject line.
    pub name: Option<String>,
    /// Whose document it is.
    pub customer: Option<Gid>,
    /// The customer's keyed hash, where the customer's id is not at hand.
    pub known_customer: Option<CustomerKey>,
    /// The order, customer or company location that is told about it, where the plan could not name it.
    pub reported_on: Option<Gid>,
    /// Whether the customer agreed to marketing. Looked at for that class only.
    pub consent: Consent,
    /// The issue that came before this one.
    pub previous: PreviousIssue,
    /// What a batch job composed.
    pub composed: Option<BatchOutput>,
    /// Compose and archive under `test/`, never deliver.
    pub test: bool,
}

impl Content {
    /// The planned document with this driver data; everything that not every document has is absent.
    ///
    /// # Errors
    /// When the data cannot be written as JSON.
    pub fn new(
        gather: &Gather<'_>,
        data: &impl Serialize,
        recipient: Recipient,
    ) -> Result<Self, GatherError> {
        let schema = driver::schema_name(gather.plan.document);
        let data = serde_json::to_vec(data).map_err(GatherError::unusable)?;
        Ok(Self { driver: data.into(), ..Self::empty(schema, recipient) })
    }

    /// The same for the buyer of an order, on which it is reported.
    ///
    /// # Errors
    /// When the data cannot be written as JSON.
    pub fn about_order(
        gather: &Gather<'_>,
        order: &Order,
        locale: String,
        data: &impl Serialize,
    ) -> Result<Self, GatherError> {
        Ok(Self {
            name: Some(order.name.clone()),
            postal_address: order_address(gather.plan.document, order),
            customer: order.customer.as_ref().map(|customer| customer.id.clone()),
            reported_on: (gather.plan.reported_on != order.id).then(|| order.id.clone()),
            test: order.test,
            ..Self::new(gather, data, buyer(order, locale))?
        })
    }

    pub(crate) fn empty(schema: impl Into<String>, recipient: Recipient) -> Self {
        Self {
            schema: schema.into(),
            driver: Bytes::new(),
            recipient,
            postal_address: None,
            name: None,
            customer: None,
            known_customer: None,
            reported_on: None,
            consent: Consent::NotAsked,
            previous: PreviousIssue::AskLedger,
            composed: None,
            test: false,
        }
    }
}

/// Whether the customer agreed to marketing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consent {
    /// The document needs none.
    NotAsked,
    /// The customer agreed, as was found.
    Given(archive::Consent),
    /// Says why not.
    Refused(Cow<'static, str>),
}

/// The issue of the same document that came before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PreviousIssue {
    /// The one that the ledger shows.
    AskLedger,
    /// The flow has looked already.
    Known(Option<Previous>),
}

/// One customer's output of a batch job, fetched and stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchOutput {
    /// Of an [`exstream::Output`], among the payloads.
    pub output_key: String,
    /// Of the driver data that was handed in: another one's output is not this document.
    pub driver_sha256: String,
}

/// Where a letter about an order goes: a document of its shipment where the parcel goes, any other where the bill does.
fn order_address(document: Document, order: &Order) -> Option<PostalAddress> {
    let (shipping, billing) = (order.shipping_address.as_ref(), order.billing_address.as_ref());
    let (first, second) =
        if document.flow() == Flow::ShippingDocuments { (shipping, billing) } else { (billing, shipping) };
    let usable = |address: Option<&Address>| {
        let address = address.map(|it| postal_address(it, driver::recipient_name(order)));
        address.filter(PostalAddress::is_usable)
    };
    usable(first).or_else(|| usable(second))
}

/// An address of Shopify's as a letter needs it, with a name for it where it has none.
pub fn postal_address(address: &Address, name: Option<String>) -> PostalAddress {
    PostalAddress {
        name: address.name().or(name),
        company: address.company.clone(),
        line1: address.address1.clone(),
        line2: address.address2.clone(),
        postal_code: address.zip.clone(),
        city: address.city.clone(),
        region: address.province_code.clone().or_else(|| address.province.clone()),
        country: address.country.clone(),
        country_code: address.country_code.clone(),
    }
}

/// Who placed an order, to be written to in `locale`.
pub fn buyer(order: &Order, locale: String) -> Recipient {
    Recipient {
        name: driver::recipient_name(order),
        email: driver::email(order),
        phones: phones(order.phone.as_deref(), order.customer.as_ref(), order.shipping_address.as_ref()),
        locale,
    }
}

/// The numbers to try: the order's own, the customer's, and that of where it goes, which is read as the address's country
/// writes it.
pub fn phones(order: Option<&str>, customer: Option<&Customer>, address: Option<&Address>) -> Vec<Phone> {
    let country = address.and_then(|address| address.country_code.clone());
    let numbers = [
        order,
        customer.and_then(|customer| customer.phone.as_deref()),
        address.and_then(|address| address.phone.as_deref()),
    ];
    let phone = |number: &str| Phone { number: number.to_owned(), country: country.clone() };
    numbers.into_iter().flatten().map(phone).collect()
}
