//! Customers as the audience of offers: whether they want any, who they are, what they bought and paid.
//!
//! Consent is read here and nowhere else, and only as Shopify states it: whoever is not subscribed has not
//! agreed. Nothing is kept between calls, so what is answered is what Shopify says at that moment.

mod audience;
mod consent;
mod page;
mod payments;
mod purchases;

#[cfg(test)]
pub(crate) use {
    audience::MEMBERS,
    payments::ORDERS as PAYMENTS_ORDERS,
    purchases::{LINES as PURCHASES_LINES, MORE_LINES, ORDERS as PURCHASES_ORDERS},
};

pub use audience::{AudiencePage, Source};
pub use consent::ConsentEnd;
pub use payments::{CustomerPayments, Method, MoneyMovement, OrderParts, PaidOrder, Parts};
pub use purchases::{BoughtLine, LineProduct, Purchase};

use crate::{
    Address, AdminApi, AdminError, Call, Customer,
    admin::Operation,
    decode::{list, text},
};
use comms::Gid;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use std::fmt;

const CUSTOMER: Operation =
    Operation { name: "CustomerForOffers", text: include_str!("../graphql/customer_for_offers.graphql") };
const MEMBERSHIP: Operation =
    Operation { name: "SegmentMembership", text: include_str!("../graphql/segment_membership.graphql") };

/// Somebody an offer could go to.
#[derive(Clone, PartialEq, Eq)]
pub struct Prospect {
    pub customer: Customer,
    pub subscription: Subscription,
    /// Whether the customer subscribed to marketing by text message.
    pub sms_subscription: Subscription,
    /// How and when the customer subscribed to e-mail.
    pub email_consent: ConsentDetails,
    /// The same of text messages.
    pub sms_consent: ConsentDetails,
    pub tags: Vec<String>,
    pub address: Option<Address>,
    /// The text of the metafield that was asked for, if the customer has it.
    pub balance: Option<String>,
}

/// What Shopify knows of a consent beside its state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsentDetails {
    /// Shopify's word, such as `CONFIRMED_OPT_IN`.
    #[serde(default)]
    pub marketing_opt_in_level: Option<String>,
    #[serde(default)]
    pub marketing_updated_at: Option<Timestamp>,
    /// Shopify's word. It says so of text messages only; of e-mail it names a location, which needs a scope of its own.
    #[serde(default)]
    pub marketing_collected_from: Option<String>,
}

/// Names whom it is about and nothing else.
impl fmt::Debug for Prospect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prospect")
            .field("customer", &self.customer.id)
            .field("subscription", &self.subscription)
            .finish_non_exhaustive()
    }
}

/// Whether a customer subscribed to marketing by e-mail or by text message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Subscription {
    Subscribed,
    /// The customer asked to be, and has not confirmed it.
    Pending,
    NotSubscribed,
    Unsubscribed,
    Invalid,
    /// There is no address or number that could be subscribed.
    #[serde(skip_deserializing)]
    NoAddress,
    /// A state this version does not know, which is not a yes.
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Found {
    customer: Option<Wire>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    id: Gid,
    #[serde(default, deserialize_with = "text")]
    first_name: Option<String>,
    #[serde(default, deserialize_with = "text")]
    last_name: Option<String>,
    #[serde(default, deserialize_with = "text")]
    locale: Option<String>,
    #[serde(default, deserialize_with = "list")]
    tags: Vec<String>,
    default_email_address: Option<Email>,
    default_phone_number: Option<Phone>,
    default_address: Option<Address>,
    metafield: Option<Metafield>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Email {
    email_address: String,
    marketing_state: Subscription,
    #[serde(flatten)]
    consent: ConsentDetails,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Phone {
    phone_number: String,
    marketing_state: Subscription,
    #[serde(flatten)]
    consent: ConsentDetails,
}

#[derive(Deserialize)]
struct Metafield {
    value: String,
}

impl From<Wire> for Prospect {
    fn from(wire: Wire) -> Self {
        let (email, phone) = (wire.default_email_address, wire.default_phone_number);
        Self {
            subscription: email.as_ref().map_or(Subscription::NoAddress, |email| email.marketing_state),
            sms_subscription: phone.as_ref().map_or(Subscription::NoAddress, |phone| phone.marketing_state),
            email_consent: email.as_ref().map(|email| email.consent.clone()).unwrap_or_default(),
            sms_consent: phone.as_ref().map(|phone| phone.consent.clone()).unwrap_or_default(),
            customer: Customer {
                id: wire.id,
                first_name: wire.first_name,
                last_name: wire.last_name,
                email: email.map(|email| email.email_address),
                phone: phone.map(|phone| phone.phone_number),
                locale: wire.locale,
            },
            tags: wire.tags,
            address: wire.default_address,
            balance: wire.metafield.map(|metafield| metafield.value),
        }
    }
}

impl AdminApi {
    /// A customer, or nothing if Shopify has none of this id. `balance` names a metafield as `namespace` and
    /// `key`.
    pub async fn prospect(
        &self,
        call: Call<'_>,
        customer: &Gid,
        balance: Option<(&str, &str)>,
    ) -> Result<Option<Prospect>, AdminError> {
        let (namespace, key) = balance.unzip();
        let variables = json!({
            "id": customer,
            "namespace": namespace,
            "key": key.unwrap_or_default(),
            "withBalance": balance.is_some(),
        });
        let data = self.execute(call, CUSTOMER, variables).await?;
        Ok(data.read::<Found>()?.customer.map(Prospect::from))
    }

    /// Whether a customer is in a segment now. Not, if Shopify has no such segment.
    pub async fn is_member(&self, call: Call<'_>, customer: &Gid, segment: &Gid) -> Result<bool, AdminError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Answer {
            customer_segment_membership: Memberships,
        }
        #[derive(Deserialize)]
        struct Memberships {
            memberships: Vec<Membership>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Membership {
            segment_id: Gid,
            is_member: bool,
        }
        let variables = json!({"customer": customer, "segment": segment});
        let data = self.execute(call, MEMBERSHIP, variables).await?;
        let memberships = data.read::<Answer>()?.customer_segment_membership.memberships;
        Ok(memberships.iter().any(|membership| membership.segment_id == *segment && membership.is_member))
    }
}
