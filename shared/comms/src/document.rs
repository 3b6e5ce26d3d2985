//! Flows, the documents they make, and how careful each must be.

use crate::names;

names! {
    /// A line of work with a queue and a function of its own.
    Flow, "flow", {
        OrderConfirmation = "order-confirmation",
        ShippingDocuments = "shipping-documents",
        ReturnLetters = "return-letters",
        TargetedOffers = "targeted-offers",
        AccountStatements = "account-statements",
        ExceptionLetters = "exception-letters",
    }
}

names! {
    /// How careful a document must be with sending and forgetting.
    MessageClass, "message class", {
        /// Follows from a purchase: sent without asking for consent.
        Transactional = "transactional",
        /// Needs consent and no suppression at send time; quiet hours and a frequency cap apply.
        Marketing = "marketing",
        /// Never sent twice, never dropped silently, kept longest.
        Regulated = "regulated",
    }
}

/// Declares [`Document`] from one row for each: its name, its flow, the class that a shop gets unless its configuration
/// says otherwise, what it tells, and its title in every language of the pages behind links.
macro_rules! documents {
    ($($variant:ident = $name:literal, $flow:ident, $class:ident {
        about: $about:literal,
        en: $en:literal, de: $de:literal, fr: $fr:literal,
        ar: $ar:literal, he: $he:literal,
    })+) => {
        names! {
            /// A kind of customer document, as a template designer would name it.
            Document, "document", { $($variant = $name),+ }
        }

        impl Document {
            /// The flow that makes it.
            pub const fn flow(self) -> Flow {
                match self { $(Self::$variant => Flow::$flow),+ }
            }

            /// The class a shop gets unless its configuration says otherwise.
            pub const fn default_class(self) -> MessageClass {
                match self { $(Self::$variant => MessageClass::$class),+ }
            }

            /// What it tells, for those who decide what a shop sends.
            pub const fn about(self) -> &'static str {
                match self { $(Self::$variant => $about),+ }
            }

            /// The languages that titles are in; the first one is for everybody else.
            pub const LANGUAGES: [&'static str; 5] = ["en", "de", "fr", "ar", "he"];

            /// What a customer calls it, in one of [`Self::LANGUAGES`], else in English.
            pub fn title(self, language: &str) -> &'static str {
                let titles = match self { $(Self::$variant => [$en, $de, $fr, $ar, $he]),+ };
                let mut pairs = Self::LANGUAGES.iter().zip(titles);
                pairs.find(|(known, _)| **known == language).map_or(titles[0], |(_, title)| title)
            }
        }
    };
}

documents! {
    OrderConfirmation = "order-confirmation", OrderConfirmation, Transactional {
        about: "what was ordered, what it costs and where it goes, as it was placed; again after an edit, if the shop wants",
        en: "Order confirmation", de: "Auftragsbestätigung", fr: "Confirmation de commande",
        ar: "تأكيد الطلب", he: "אישור הזמנה",
    }
    Receipt = "receipt", OrderConfirmation, Transactional {
        about: "what was paid, how, and what of the order is still ordered",
        en: "Receipt", de: "Beleg", fr: "Reçu",
        ar: "إيصال", he: "קבלה",
    }
    ShippingNotice = "shipping-notice", ShippingDocuments, Transactional {
        about: "a shipment is on its way: tracking, contents, and what is still to come",
        en: "Shipping notice", de: "Versandmitteilung", fr: "Avis d’expédition",
        ar: "إشعار الشحن", he: "הודעת משלוח",
    }
    PackingSlip = "packing-slip", ShippingDocuments, Transactional {
        about: "the contents of a shipment, for the warehouse",
        en: "Packing slip", de: "Packzettel", fr: "Bon de colisage",
        ar: "قائمة التعبئة", he: "תעודת אריזה",
    }
    DeliveryDocument = "delivery-document", ShippingDocuments, Transactional {
        about: "a shipment has arrived: when, where, and what was in it",
        en: "Delivery note", de: "Lieferschein", fr: "Bon de livraison",
        ar: "مستند التسليم", he: "תעודת משלוח",
    }
    ReadyForPickupNotice = "ready-for-pickup-notice", ShippingDocuments, Transactional {
        about: "an order can be picked up: where, when, and with what",
        en: "Ready for pickup", de: "Bereit zur Abholung", fr: "Prêt à être retiré",
        ar: "جاهز للاستلام", he: "מוכן לאיסוף",
    }
    OutForDeliveryNotice = "out-for-delivery-notice", ShippingDocuments, Transactional {
        about: "a shipment arrives today",
        en: "Out for delivery", de: "In Zustellung", fr: "En cours de livraison",
        ar: "قيد التوصيل", he: "בדרך אליך",
    }
    ReturnAuthorization = "return-authorization", ReturnLetters, Transactional {
        about: "the shop agrees to a return: which items, and what it costs",
        en: "Return authorization", de: "Rücksendegenehmigung", fr: "Autorisation de retour",
        ar: "الموافقة على الإرجاع", he: "אישור החזרה",
    }
    ReturnInstructions = "return-instructions", ReturnLetters, Transactional {
        about: "how to send the items back: address, deadline, labels; again when a label is added",
        en: "Return instructions", de: "Anleitung zur Rücksendung", fr: "Instructions de retour",
        ar: "تعليمات الإرجاع", he: "הוראות החזרה",
    }
    ReturnDeclined = "return-declined", ReturnLetters, Transactional {
        about: "why the shop does not agree to a return",
        en: "Your return request", de: "Ihre Rücksendeanfrage", fr: "Votre demande de retour",
        ar: "طلب الإرجاع الخاص بك", he: "בקשת ההחזרה שלך",
    }
    RefundConfirmation = "refund-confirmation", ReturnLetters, Transactional {
        about: "what was paid back, for what, and how",
        en: "Refund confirmation", de: "Bestätigung der Erstattung", fr: "Confirmation de remboursement",
        ar: "تأكيد استرداد المبلغ", he: "אישור החזר כספי",
    }
    PromotionalOffer = "promotional-offer", TargetedOffers, Marketing {
        about: "an offer to those who want offers",
        en: "Your offer", de: "Ihr Angebot", fr: "Votre offre",
        ar: "عرضك", he: "ההצעה שלך",
    }
    LoyaltyStatement = "loyalty-statement", TargetedOffers, Marketing {
        about: "a member's points, tier and what earned them",
        en: "Loyalty statement", de: "Punkteübersicht", fr: "Relevé de fidélité",
        ar: "كشف نقاط الولاء", he: "דוח נקודות",
    }
    ReplenishmentReminder = "replenishment-reminder", TargetedOffers, Marketing {
        about: "something bought earlier may soon run out",
        en: "Time to reorder", de: "Zeit zum Nachbestellen", fr: "Pensez à recommander",
        ar: "تذكير بإعادة الطلب", he: "תזכורת להזמנה",
    }
    AccountStatement = "account-statement", AccountStatements, Transactional {
        about: "an account's orders, payments and balance of a month",
        en: "Account statement", de: "Kontoauszug", fr: "Relevé de compte",
        ar: "كشف الحساب", he: "דוח חשבון",
    }
    PurchaseSummary = "purchase-summary", AccountStatements, Transactional {
        about: "what an account bought in a month",
        en: "Purchase summary", de: "Einkaufsübersicht", fr: "Récapitulatif des achats",
        ar: "ملخص المشتريات", he: "סיכום רכישות",
    }
    PaymentFailureLetter = "payment-failure-letter", ExceptionLetters, Regulated {
        about: "a charge did not succeed, and how to pay instead",
        en: "About your payment", de: "Zu Ihrer Zahlung", fr: "À propos de votre paiement",
        ar: "بشأن دفعتك", he: "בנוגע לתשלום שלך",
    }
    CancellationLetter = "cancellation-letter", ExceptionLetters, Regulated {
        about: "an order is cancelled, and what happens to the money",
        en: "Cancellation", de: "Stornierung", fr: "Annulation",
        ar: "إلغاء الطلب", he: "ביטול",
    }
    DisputeNotice = "dispute-notice", ExceptionLetters, Regulated {
        about: "a payment is disputed, and what the shop does",
        en: "About your payment dispute", de: "Zu Ihrer Zahlungsreklamation", fr: "À propos de votre contestation de paiement",
        ar: "بشأن اعتراضك على الدفع", he: "בנוגע לערעור על התשלום",
    }
    DisputeResolution = "dispute-resolution", ExceptionLetters, Regulated {
        about: "how a dispute ended, and what follows from it",
        en: "Outcome of your payment dispute", de: "Ergebnis Ihrer Zahlungsreklamation", fr: "Issue de votre contestation de paiement",
        ar: "نتيجة اعتراضك على الدفع", he: "תוצאת הערעור על התשלום",
    }
    PaymentOverdueLetter = "payment-overdue-letter", ExceptionLetters, Regulated {
        about: "a payment on terms is due, with how to pay it",
        en: "Overdue payment", de: "Überfällige Zahlung", fr: "Paiement en retard",
        ar: "دفعة متأخرة", he: "תשלום באיחור",
    }
}

impl Document {
    /// The event of an order that leads to it, where the order is all it takes. Only such a document can be asked for.
    pub const fn event_of_order(self) -> Option<&'static str> {
        match self {
            Self::OrderConfirmation => Some("orders/create"),
            Self::Receipt => Some("orders/paid"),
            Self::CancellationLetter => Some("orders/cancelled"),
            Self::ShippingNotice
            | Self::PackingSlip
            | Self::DeliveryDocument
            | Self::ReadyForPickupNotice
            | Self::OutForDeliveryNotice
            | Self::ReturnAuthorization
            | Self::ReturnInstructions
            | Self::ReturnDeclined
            | Self::RefundConfirmation
            | Self::PromotionalOffer
            | Self::LoyaltyStatement
            | Self::ReplenishmentReminder
            | Self::AccountStatement
            | Self::PurchaseSummary
            | Self::PaymentFailureLetter
            | Self::DisputeNotice
            | Self::DisputeResolution
            | Self::PaymentOverdueLetter => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_in_the_language_asked_for_or_in_english() {
        let titles = Document::LANGUAGES.map(|language| Document::Receipt.title(language));
        assert_eq!(titles, ["Receipt", "Beleg", "Reçu", "إيصال", "קבלה"]);
        assert_eq!(Document::Receipt.title("ja"), "Receipt");
    }

    #[test]
    fn names_round_trip_and_unknown_ones_list_the_known() {
        for &document in Document::ALL {
            assert_eq!(document.name().parse::<Document>().unwrap(), document);
            assert_eq!(serde_json::to_value(document).unwrap(), document.name());
        }
        let error = "postcard".parse::<Document>().unwrap_err().to_string();
        assert!(
            error.contains("`postcard` is not a document; known: order-confirmation, receipt"),
            "{error}"
        );
    }
}
