//! Why payments fail, in the few groups a letter tells apart.

use schemars::JsonSchema;
use serde::Serialize;

/// Shopify's codes, of which there are dozens and will be more, by what the customer can do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// There was not enough money, or a limit was reached.
    InsufficientFunds,
    /// The card, or the authorization of the payment, has expired.
    Expired,
    /// The bank or the provider refused, and the customer can ask them why.
    Declined,
    /// The customer did not confirm the payment, or not in time.
    Authentication,
    /// A number, code, date or address is wrong.
    WrongDetails,
    /// The method cannot be used for this payment.
    MethodNotUsable,
    /// The customer broke it off.
    Cancelled,
    /// Something is wrong at the shop or the provider; trying again may help.
    Technical,
    /// Not said, or not known.
    Other,
}

impl Cause {
    /// Of an error code in lower case. That a payment looked like fraud is "declined": a letter is no place
    /// to accuse anybody.
    pub fn of(code: Option<&str>) -> Self {
        let Some(code) = code else { return Self::Other };
        match code {
            "insufficient_funds" | "amount_too_large" | "transaction_limit_exceeded" => {
                Self::InsufficientFunds
            }
            "expired_card" | "expired_payment_method" | "authorization_expired" | "amazon_payments_stale" => {
                Self::Expired
            }
            "call_issuer"
            | "card_declined"
            | "card_testing"
            | "do_not_honor"
            | "fraud_suspected"
            | "instrument_declined"
            | "merchant_rule"
            | "payment_method_declined"
            | "pick_up_card"
            | "retry_declined" => Self::Declined,
            "authentication_error"
            | "authentication_failed"
            | "authentication_required"
            | "confirmation_rejected"
            | "expired_buyer_action"
            | "off_session_rejected" => Self::Authentication,
            "card_number_incorrect" | "invalid_billing_address" | "invalid_shipping_address" => {
                Self::WrongDetails
            }
            "amazon_payments_invalid_payment_method"
            | "amount_too_small"
            | "invalid_country"
            | "invalid_currency"
            | "invalid_customer_billing_agreement"
            | "invalid_payment_method"
            | "invalid_purchase_type"
            | "payment_method_not_found"
            | "payment_method_not_specified"
            | "payment_method_unavailable"
            | "payment_method_unsupported"
            | "purchase_type_not_supported" => Self::MethodNotUsable,
            "buyer_canceled_payment_method"
            | "cancelled_payment"
            | "amazon_payments_order_reference_canceled" => Self::Cancelled,
            "config_error"
            | "generic_error"
            | "invalid_amount"
            | "invalid_request"
            | "merchant_account_error"
            | "payment_method_incompatible_with_gateway_config"
            | "payment_provider_error"
            | "payment_provider_is_not_enabled"
            | "paypal_error_general"
            | "processing_error"
            | "test_mode"
            | "test_mode_live_card"
            | "transient_error"
            | "unexpected_error"
            | "unsupported_feature" => Self::Technical,
            code if code.starts_with("incorrect_") => Self::WrongDetails,
            "invalid_cvc" | "invalid_expiry_date" | "invalid_number" => Self::WrongDetails,
            _ => Self::Other,
        }
    }
}
