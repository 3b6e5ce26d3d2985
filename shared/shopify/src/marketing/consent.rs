//! Ending a customer's consent to marketing by e-mail. What they said later than the moment that is to be recorded
//! stays: a message that comes late undoes no newer consent.

use crate::{
    AdminApi, AdminError, Call,
    admin::{Operation, Payload, accepted},
    marketing::Subscription,
};
use comms::Gid;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

const CONSENT: Operation =
    Operation { name: "MarketingConsent", text: include_str!("../../graphql/marketing_consent.graphql") };
const UNSUBSCRIBE: Operation = Operation {
    name: "MarketingUnsubscribe",
    text: include_str!("../../graphql/marketing_unsubscribe.graphql"),
};

/// What came of ending a consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsentEnd {
    /// Shopify recorded it.
    Recorded,
    /// There was no consent any more.
    NoConsent,
    /// The customer has said something since.
    Overtaken,
    /// Shopify has no such customer, or no e-mail address of them.
    NoAddress,
}

#[derive(Deserialize)]
struct Found {
    customer: Option<Consenting>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Consenting {
    default_email_address: Option<Consent>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Consent {
    marketing_state: Subscription,
    marketing_updated_at: Option<Timestamp>,
}

impl AdminApi {
    /// Ends the consent that a customer had at the moment `at`. Doing so again changes nothing.
    ///
    /// # Errors
    /// [`AdminError`]; asking again does no harm.
    pub async fn end_consent(
        &self,
        call: Call<'_>,
        customer: &Gid,
        at: Timestamp,
    ) -> Result<ConsentEnd, AdminError> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(rename = "customerEmailMarketingConsentUpdate")]
            payload: Option<Payload>,
        }
        let data = self.execute(call, CONSENT, json!({"id": customer})).await?;
        let found: Found = data.read()?;
        let Some(consent) = found.customer.and_then(|it| it.default_email_address) else {
            return Ok(ConsentEnd::NoAddress);
        };
        if !matches!(
            consent.marketing_state,
            Subscription::Subscribed | Subscription::Pending | Subscription::Other
        ) {
            return Ok(ConsentEnd::NoConsent);
        }
        if consent.marketing_updated_at.is_some_and(|updated| updated > at) {
            return Ok(ConsentEnd::Overtaken);
        }
        let input = json!({
            "customerId": customer,
            "emailMarketingConsent": {"marketingState": "UNSUBSCRIBED", "consentUpdatedAt": at.to_string()},
        });
        let data = self.execute(call, UNSUBSCRIBE, json!({"input": input})).await?;
        accepted(&data, data.read::<Answer>()?.payload)?;
        Ok(ConsentEnd::Recorded)
    }
}
