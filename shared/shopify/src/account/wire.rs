//! The lines of the two bulk queries. A line has the fields of one of them, so what only one asks for may be
//! absent.

use super::{
    Account, AccountOrder, Company, Contact, Refund, Terms, Transaction, TransactionKind, TransactionStatus,
};
use crate::{
    Address, Malformed,
    decode::{decode, flag, list, scalar, text},
};
use comms::{CurrencyCode, Gid, InvalidMoney, Money};
use jiff::Timestamp;
use serde::Deserialize;

impl Account {
    /// Reads `{"account": <the account's line>, "orders": [<the lines below it>]}`. Other fields are ignored.
    ///
    /// # Errors
    /// Names the field that is missing, has another type, or contradicts another, and its order.
    pub fn from_bulk(json: &str) -> Result<Self, Malformed> {
        let account = decode::<Bulk>(json).and_then(Bulk::read);
        account.map_err(|error| with_order(error, json))
    }
}

#[derive(Deserialize)]
struct Bulk {
    account: Head,
    #[serde(deserialize_with = "list")]
    orders: Vec<Order>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    id: Gid,
    #[serde(default, alias = "displayName", deserialize_with = "text")]
    name: Option<String>,
    #[serde(default, deserialize_with = "text")]
    external_id: Option<String>,
    #[serde(default, deserialize_with = "text")]
    locale: Option<String>,
    company: Option<Business>,
    billing_address: Option<CompanyAddress>,
    shipping_address: Option<CompanyAddress>,
    buyer_experience_configuration: Option<Buying>,
    #[serde(default, deserialize_with = "list")]
    tags: Vec<String>,
    default_email_address: Option<EmailAddress>,
    default_address: Option<Address>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Business {
    id: Gid,
    #[serde(default, deserialize_with = "text")]
    name: Option<String>,
    main_contact: Option<Person>,
}

#[derive(Deserialize)]
struct Person {
    #[serde(default, deserialize_with = "text")]
    locale: Option<String>,
    customer: Option<Customer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Customer {
    id: Gid,
    #[serde(default, deserialize_with = "text")]
    display_name: Option<String>,
    default_email_address: Option<EmailAddress>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EmailAddress {
    #[serde(default, deserialize_with = "text")]
    email_address: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CompanyAddress {
    #[serde(default, deserialize_with = "text")]
    first_name: Option<String>,
    #[serde(default, deserialize_with = "text")]
    last_name: Option<String>,
    #[serde(default, deserialize_with = "text")]
    company_name: Option<String>,
    #[serde(default, deserialize_with = "text")]
    address1: Option<String>,
    #[serde(default, deserialize_with = "text")]
    address2: Option<String>,
    #[serde(default, deserialize_with = "text")]
    zip: Option<String>,
    #[serde(default, deserialize_with = "text")]
    city: Option<String>,
    #[serde(default, deserialize_with = "text")]
    province: Option<String>,
    #[serde(default, deserialize_with = "text")]
    country: Option<String>,
    #[serde(default, deserialize_with = "text")]
    country_code: Option<String>,
    #[serde(default, deserialize_with = "text")]
    phone: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Buying {
    payment_terms_template: Option<Template>,
}

#[derive(Deserialize)]
struct Template {
    #[serde(default, deserialize_with = "text")]
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Order {
    id: Gid,
    name: String,
    processed_at: Timestamp,
    cancelled_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "flag")]
    test: bool,
    #[serde(default, deserialize_with = "text")]
    po_number: Option<String>,
    presentment_currency_code: CurrencyCode,
    #[serde(default, deserialize_with = "flag")]
    taxes_included: bool,
    #[serde(default)]
    subtotal_line_items_quantity: Option<u64>,
    subtotal_price_set: Option<Seen>,
    total_tax_set: Option<Seen>,
    total_discounts_set: Option<Seen>,
    total_price_set: Seen,
    current_total_price_set: Seen,
    refund_discrepancy_set: Seen,
    total_outstanding_set: Seen,
    total_capturable_set: Seen,
    purchasing_entity: Option<Entity>,
    payment_terms: Option<OrderTerms>,
    #[serde(deserialize_with = "list")]
    transactions: Vec<OrderTransaction>,
    #[serde(deserialize_with = "list")]
    refunds: Vec<OrderRefund>,
}

/// Empty, unless a company bought.
#[derive(Deserialize)]
struct Entity {
    location: Option<Id>,
}

#[derive(Deserialize)]
struct Id {
    id: Gid,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OrderTerms {
    #[serde(default, deserialize_with = "text")]
    payment_terms_name: Option<String>,
    due_in_days: Option<u32>,
    #[serde(default, deserialize_with = "flag")]
    overdue: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OrderTransaction {
    id: Gid,
    kind: TransactionKind,
    status: TransactionStatus,
    processed_at: Option<Timestamp>,
    created_at: Timestamp,
    #[serde(default, deserialize_with = "text")]
    gateway: Option<String>,
    #[serde(default, deserialize_with = "text")]
    formatted_gateway: Option<String>,
    payment_details: Option<PaymentDetails>,
    amount_set: Seen,
}

/// Empty, unless a card paid.
#[derive(Deserialize)]
struct PaymentDetails {
    /// Such as `•••• •••• •••• 4242`.
    #[serde(default, deserialize_with = "text")]
    number: Option<String>,
}

impl PaymentDetails {
    fn last_digits(self) -> Option<String> {
        let digits: Vec<char> = self.number?.chars().filter(char::is_ascii_digit).collect();
        let last = digits.get(digits.len().checked_sub(4)?..)?;
        Some(last.iter().collect())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OrderRefund {
    id: Gid,
    processed_at: Timestamp,
    total_refunded_set: Seen,
}

/// A money bag of which only the customer's side is read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Seen {
    presentment_money: Price,
}

#[derive(Deserialize)]
#[serde(try_from = "Amount")]
struct Price(Money);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Amount {
    #[serde(deserialize_with = "scalar")]
    amount: String,
    currency_code: String,
}

impl TryFrom<Amount> for Price {
    type Error = InvalidMoney;

    fn try_from(price: Amount) -> Result<Self, Self::Error> {
        Money::parse(&price.amount, &price.currency_code).map(Self)
    }
}

/// The error, with the id of the order that it is about, if it is about one.
fn with_order(error: Malformed, json: &str) -> Malformed {
    #[derive(Deserialize)]
    struct Ids {
        orders: Vec<AnyId>,
    }
    #[derive(Deserialize)]
    struct AnyId {
        id: Option<serde_json::Value>,
    }
    let index = error.path().strip_prefix("orders[").and_then(|rest| rest.split_once(']'));
    let order = index.and_then(|(index, _)| {
        let ids: Ids = serde_json::from_str(json).ok()?;
        let id = ids.orders.get(index.parse::<usize>().ok()?)?.id.as_ref()?.as_str()?;
        id.parse::<Gid>().ok()
    });
    match order {
        Some(order) => error.about(order.as_str()),
        None => error,
    }
}

impl Bulk {
    fn read(self) -> Result<Account, Malformed> {
        let Head { id, name, external_id, locale, company, tags, .. } = self.account;
        if !matches!(id.kind(), "CompanyLocation" | "Customer") {
            return Err(Malformed::new(
                "account.id",
                "is the id of neither a company location nor a customer",
            ));
        }
        let (company, main) = match company {
            Some(Business { id, name, main_contact }) => (Some(Company { id, name }), main_contact),
            None => (None, None),
        };
        let (main_locale, main) = main.map_or((None, None), |main| (main.locale, main.customer));
        let contact = match main {
            Some(main) => Contact {
                customer: Some(main.id),
                name: main.display_name,
                email: main.default_email_address.and_then(|it| it.email_address),
            },
            None if id.kind() == "Customer" => Contact {
                customer: Some(id.clone()),
                name: name.clone(),
                email: self.account.default_email_address.and_then(|it| it.email_address),
            },
            None => Contact::default(),
        };
        let company_address = self.account.billing_address.or(self.account.shipping_address);
        let terms = self.account.buyer_experience_configuration.and_then(|it| it.payment_terms_template);
        let orders = self.orders.into_iter().enumerate().map(|(index, order)| order.read(index));
        Ok(Account {
            id,
            name,
            company,
            external_id,
            contact,
            locales: [locale, main_locale].into_iter().flatten().collect(),
            address: company_address.map(CompanyAddress::read).or(self.account.default_address),
            payment_terms: terms.and_then(|it| it.name),
            tags,
            orders: orders.collect::<Result<_, _>>()?,
        })
    }
}

impl CompanyAddress {
    fn read(self) -> Address {
        Address {
            first_name: self.first_name,
            last_name: self.last_name,
            company: self.company_name,
            address1: self.address1,
            address2: self.address2,
            city: self.city,
            zip: self.zip,
            province: self.province,
            province_code: None,
            country: self.country,
            country_code: self.country_code,
            phone: self.phone,
        }
    }
}

impl Order {
    fn read(self, index: usize) -> Result<AccountOrder, Malformed> {
        let currency = self.presentment_currency_code;
        // amounts of two currencies in one order could not be added up
        let own = |amount: Seen, field: &str| {
            let amount = amount.presentment_money.0;
            let same = amount.currency() == currency;
            same.then_some(amount).ok_or_else(|| {
                Malformed::new(format!("orders[{index}].{field}"), "is in another currency than the order")
            })
        };
        let maybe = |amount: Option<Seen>, field: &str| {
            amount.map_or(Ok(Money::zero(currency)), |amount| own(amount, field))
        };
        let transactions = self.transactions.into_iter().map(|it| {
            Ok(Transaction {
                id: it.id,
                kind: it.kind,
                status: it.status,
                at: it.processed_at.unwrap_or(it.created_at),
                gateway: it.gateway,
                gateway_name: it.formatted_gateway,
                card_last_digits: it.payment_details.and_then(PaymentDetails::last_digits),
                amount: own(it.amount_set, "transactions")?,
            })
        });
        let refunds = self.refunds.into_iter().map(|it| {
            Ok(Refund { id: it.id, at: it.processed_at, amount: own(it.total_refunded_set, "refunds")? })
        });
        Ok(AccountOrder {
            transactions: transactions.collect::<Result<_, Malformed>>()?,
            refunds: refunds.collect::<Result<_, Malformed>>()?,
            id: self.id,
            name: self.name,
            processed_at: self.processed_at,
            cancelled_at: self.cancelled_at,
            test: self.test,
            po_number: self.po_number,
            currency,
            taxes_included: self.taxes_included,
            units: self.subtotal_line_items_quantity.unwrap_or_default(),
            subtotal: maybe(self.subtotal_price_set, "subtotalPriceSet")?,
            tax: maybe(self.total_tax_set, "totalTaxSet")?,
            discounts: maybe(self.total_discounts_set, "totalDiscountsSet")?,
            total: own(self.total_price_set, "totalPriceSet")?,
            current_total: own(self.current_total_price_set, "currentTotalPriceSet")?,
            refund_discrepancy: own(self.refund_discrepancy_set, "refundDiscrepancySet")?,
            outstanding: own(self.total_outstanding_set, "totalOutstandingSet")?,
            capturable: own(self.total_capturable_set, "totalCapturableSet")?,
            bought_for: self.purchasing_entity.and_then(|it| it.location).map(|it| it.id),
            terms: self.payment_terms.map(|terms| Terms {
                name: terms.payment_terms_name,
                due_in_days: terms.due_in_days,
                overdue: terms.overdue,
            }),
        })
    }
}
