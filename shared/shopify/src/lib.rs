//! Shopify, as far as this system talks to it: its events, its orders, its Admin API.
//!
//! Owns the shapes Shopify sends and wants. Everything is parsed once, straight from text into types that
//! are trusted from then on: identifiers keep their 64 bits, money is decimal text until it is a
//! [`comms::Money`], and an order looks the same whether an event brought it or a query fetched it. Errors
//! name a field's path and never repeat what was in it.

#[macro_use]
mod discreet;

pub mod account;
mod admin;
pub mod bulk;
pub mod changes;
mod connection;
mod decode;
pub mod dispute;
mod event;
pub mod fulfillment;
mod installation;
pub mod marketing;
mod method;
mod order;
pub mod payment;
pub mod returns;
mod rows;
mod signature;

pub use admin::{
    AdminApi, AdminError, Call, Credentials, ErrorCode, GraphqlError, MAX_METAFIELDS, MAX_PAUSE, MAX_PAUSES,
    MetafieldWrite, OfflineMode, OfflineToken, StatusMetafield, UserError,
};
pub use decode::Malformed;
pub use event::{Event, EventError, EventsPayload, OrderEdit, PayloadKind};
pub use installation::{MetafieldOwner, Subscription, topic_name};
pub use method::{Method, MethodKind};
pub use order::{
    AdditionalFee, Address, Attribute, Bundle, Customer, DiscountAllocation, DiscountKind, Duty,
    FinancialStatus, FulfilmentStatus, LineItem, MoneyBag, Order, OrderPage, OrderTransaction, PaymentTerms,
    PurchasingCompany, ShippingLine, ShopAmount, TaxLine, Totals, TransactionKind, TransactionStatus,
};
pub use rows::{Rows, Unread};
pub use signature::{SIGNATURE_HEADER, Signature};

#[cfg(test)]
mod page_sizes {
    use crate::{admin, changes, fulfillment, marketing, returns};
    use serde_json::{Value, json};

    /// What the costs of the operations are computed with, beside their texts, is what is asked for.
    #[test]
    fn are_those_that_costs_are_computed_with() {
        let published: Value = serde_json::from_str(include_str!("../graphql/page-sizes.json")).unwrap();
        let asked = json!({
            "changed_orders": {"list": changes::LIST},
            "customer_payments": {"first": marketing::PAYMENTS_ORDERS},
            "customer_purchases": {"first": marketing::PURCHASES_ORDERS, "lines": marketing::PURCHASES_LINES},
            "fulfillment_for_documents": {"first": fulfillment::LINES},
            "fulfillment_order_for_documents": {"first": fulfillment::PICKUP_LINES},
            "order_for_documents": {"first": admin::ORDER_LINES},
            "purchase_lines": {"first": marketing::MORE_LINES},
            "recent_disputes": {"first": changes::DISPUTES},
            "refund_for_documents": {"first": returns::REFUND_LINES},
            "return_for_documents": {"first": returns::LINES},
            "segment_members": {"first": marketing::MEMBERS},
        });
        assert_eq!(published, asked);
    }
}
