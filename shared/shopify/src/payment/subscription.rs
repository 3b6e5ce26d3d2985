//! Attempts to bill a subscription contract. Shopify shows an app its own contracts only.

use super::{
    Payment, Wire as PaymentWire,
    answer::{Id, read, word},
};
use crate::{
    Address, AdminApi, AdminError, Call, Customer, Malformed,
    admin::Operation,
    connection::Nodes,
    decode::{decode, text},
};
use comms::Gid;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

const ATTEMPT: Operation =
    Operation { name: "BillingAttempt", text: include_str!("../../graphql/billing_attempt.graphql") };

/// An attempt to bill a contract, as of now.
#[derive(Debug, Clone, PartialEq)]
pub struct BillingAttempt {
    pub id: Gid,
    /// When it was decided, or else begun.
    pub at: Timestamp,
    /// Such as `failed` or `success`.
    pub state: String,
    /// Such as `insufficient_funds`.
    pub error_code: Option<String>,
    /// It failed because stock was missing, not money.
    pub out_of_stock: bool,
    /// What was tried to be charged, if it came to that.
    pub payment: Option<Payment>,
    pub contract: Gid,
    /// Such as `active` or `cancelled`.
    pub contract_status: String,
    pub next_billing_at: Option<Timestamp>,
    /// The order the subscription began with.
    pub origin_order: Option<Gid>,
    /// Absent once the customer is deleted.
    pub subscriber: Option<Subscriber>,
    pub lines: Vec<SubscriptionLine>,
    /// The contract's latest attempts, this one among them.
    pub attempts: Vec<EarlierAttempt>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Subscriber {
    pub customer: Customer,
    pub address: Option<Address>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionLine {
    pub title: String,
    pub variant: Option<String>,
    pub quantity: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierAttempt {
    pub id: Gid,
    pub begun_at: Timestamp,
    pub state: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    id: Gid,
    created_at: Timestamp,
    completed_at: Option<Timestamp>,
    state: State,
    transactions: Nodes<PaymentWire>,
    subscription_contract: Contract,
}

#[derive(Deserialize)]
struct State {
    __typename: String,
    error: Option<Failure>,
}

/// The code has another name for each kind of error.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    #[serde(default, deserialize_with = "word")]
    payment_code: Option<String>,
    #[serde(default, deserialize_with = "word")]
    general_code: Option<String>,
    #[serde(default, deserialize_with = "word")]
    inventory_code: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Contract {
    id: Gid,
    #[serde(deserialize_with = "word")]
    status: Option<String>,
    next_billing_date: Option<Timestamp>,
    origin_order: Option<Id>,
    customer: Option<Person>,
    lines: Nodes<Line>,
    billing_attempts: Nodes<Attempt>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Person {
    id: Gid,
    #[serde(default, deserialize_with = "text")]
    first_name: Option<String>,
    #[serde(default, deserialize_with = "text")]
    last_name: Option<String>,
    #[serde(default, deserialize_with = "text")]
    locale: Option<String>,
    default_email_address: Option<EmailAddress>,
    default_phone_number: Option<PhoneNumber>,
    default_address: Option<Address>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EmailAddress {
    email_address: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PhoneNumber {
    phone_number: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    title: String,
    #[serde(default, deserialize_with = "text")]
    variant_title: Option<String>,
    quantity: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attempt {
    id: Gid,
    created_at: Timestamp,
    state: State,
}

impl BillingAttempt {
    /// Reads the `data` of a `BillingAttempt` answer.
    ///
    /// # Errors
    /// Names the field that is missing or has another type.
    pub fn from_graphql(data: &str) -> Result<Option<Self>, Malformed> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Answer {
            subscription_billing_attempt: Option<Wire>,
        }
        Ok(decode::<Answer>(data)?.subscription_billing_attempt.map(Wire::read))
    }

    /// The attempts that were begun after this one.
    pub fn later(&self) -> impl Iterator<Item = &EarlierAttempt> {
        let number = |id: &Gid| id.number().parse::<u64>().unwrap_or_default();
        let this = self.attempts.iter().find(|attempt| attempt.id == self.id);
        let since = this.map_or((self.at, u64::MAX), |this| (this.begun_at, number(&this.id)));
        self.attempts.iter().filter(move |attempt| (attempt.begun_at, number(&attempt.id)) > since)
    }
}

impl AdminApi {
    /// An attempt of one of the app's own contracts, or nothing if Shopify has none of this id.
    pub async fn billing_attempt(
        &self,
        call: Call<'_>,
        id: &Gid,
    ) -> Result<Option<BillingAttempt>, AdminError> {
        let data = self.execute(call, ATTEMPT, json!({"id": id})).await?;
        read(&data, BillingAttempt::from_graphql)
    }
}

impl Wire {
    fn read(self) -> BillingAttempt {
        let contract = self.subscription_contract;
        let state = self.state.name();
        let failure = self.state.error;
        let out_of_stock = failure.as_ref().is_some_and(|failure| failure.inventory_code.is_some());
        BillingAttempt {
            id: self.id,
            at: self.completed_at.unwrap_or(self.created_at),
            state,
            error_code: failure.and_then(|it| it.payment_code.or(it.general_code).or(it.inventory_code)),
            out_of_stock,
            payment: self.transactions.nodes.into_iter().next().map(PaymentWire::read),
            contract: contract.id,
            contract_status: contract.status.unwrap_or_default(),
            next_billing_at: contract.next_billing_date,
            origin_order: contract.origin_order.map(|order| order.id),
            subscriber: contract.customer.map(Person::read),
            lines: contract.lines.nodes.into_iter().map(Line::read).collect(),
            attempts: contract.billing_attempts.nodes.into_iter().map(Attempt::read).collect(),
        }
    }
}

impl State {
    /// `failed` of `SubscriptionBillingAttemptFailedState`.
    fn name(&self) -> String {
        let name = self.__typename.as_str();
        let name = name.strip_prefix("SubscriptionBillingAttempt").unwrap_or(name);
        name.strip_suffix("State").unwrap_or(name).to_ascii_lowercase()
    }
}

impl Person {
    fn read(self) -> Subscriber {
        Subscriber {
            customer: Customer {
                id: self.id,
                first_name: self.first_name,
                last_name: self.last_name,
                email: self.default_email_address.map(|it| it.email_address),
                phone: self.default_phone_number.map(|it| it.phone_number),
                locale: self.locale,
            },
            address: self.default_address,
        }
    }
}

impl Line {
    fn read(self) -> SubscriptionLine {
        SubscriptionLine { title: self.title, variant: self.variant_title, quantity: self.quantity }
    }
}

impl Attempt {
    fn read(self) -> EarlierAttempt {
        EarlierAttempt { id: self.id, begun_at: self.created_at, state: self.state.name() }
    }
}
