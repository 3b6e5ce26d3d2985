//! What a document is called, in each language.

use crate::text::Language;
use comms::Document;

/// English, German, French, Arabic, Hebrew: the order of `text::ALL`.
pub fn title(document: Document, language: Language) -> &'static str {
    language.pick(match document {
        Document::OrderConfirmation => [
            "Order confirmation",
            "Auftragsbestätigung",
            "Confirmation de commande",
            "تأكيد الطلب",
            "אישור הזמנה",
        ],
        Document::Receipt => ["Receipt", "Beleg", "Reçu", "إيصال", "קבלה"],
        Document::ShippingNotice => {
            ["Shipping notice", "Versandmitteilung", "Avis d’expédition", "إشعار الشحن", "הודעת משלוח"]
        }
        Document::PackingSlip => {
            ["Packing slip", "Packzettel", "Bon de colisage", "قائمة التعبئة", "תעודת אריזה"]
        }
        Document::DeliveryDocument => {
            ["Delivery note", "Lieferschein", "Bon de livraison", "مستند التسليم", "תעודת משלוח"]
        }
        Document::ReadyForPickupNotice => {
            ["Ready for pickup", "Bereit zur Abholung", "Prêt à être retiré", "جاهز للاستلام", "מוכן לאיסוף"]
        }
        Document::OutForDeliveryNotice => {
            ["Out for delivery", "In Zustellung", "En cours de livraison", "قيد التوصيل", "בדרך אליך"]
        }
        Document::ReturnAuthorization => [
            "Return authorization",
            "Rücksendegenehmigung",
            "Autorisation de retour",
            "الموافقة على الإرجاع",
            "אישור החזרה",
        ],
        Document::ReturnInstructions => [
            "Return instructions",
            "Anleitung zur Rücksendung",
            "Instructions de retour",
            "تعليمات الإرجاع",
            "הוראות החזרה",
        ],
        Document::ReturnDeclined => [
            "Your return request",
            "Ihre Rücksendeanfrage",
            "Votre demande de retour",
            "طلب الإرجاع الخاص بك",
            "בקשת ההחזרה שלך",
        ],
        Document::RefundConfirmation => [
            "Refund confirmation",
            "Bestätigung der Erstattung",
            "Confirmation de remboursement",
            "تأكيد استرداد المبلغ",
            "אישור החזר כספי",
        ],
        Document::PromotionalOffer => ["Your offer", "Ihr Angebot", "Votre offre", "عرضك", "ההצעה שלך"],
        Document::LoyaltyStatement => {
            ["Loyalty statement", "Punkteübersicht", "Relevé de fidélité", "كشف نقاط الولاء", "דוח נקודות"]
        }
        Document::ReplenishmentReminder => [
            "Time to reorder",
            "Zeit zum Nachbestellen",
            "Pensez à recommander",
            "تذكير بإعادة الطلب",
            "תזכורת להזמנה",
        ],
        Document::AccountStatement => {
            ["Account statement", "Kontoauszug", "Relevé de compte", "كشف الحساب", "דוח חשבון"]
        }
        Document::PurchaseSummary => [
            "Purchase summary",
            "Einkaufsübersicht",
            "Récapitulatif des achats",
            "ملخص المشتريات",
            "סיכום רכישות",
        ],
        Document::PaymentFailureLetter => [
            "About your payment",
            "Zu Ihrer Zahlung",
            "À propos de votre paiement",
            "بشأن دفعتك",
            "בנוגע לתשלום שלך",
        ],
        Document::CancellationLetter => ["Cancellation", "Stornierung", "Annulation", "إلغاء الطلب", "ביטול"],
        Document::DisputeNotice => [
            "About your payment dispute",
            "Zu Ihrer Zahlungsreklamation",
            "À propos de votre contestation de paiement",
            "بشأن اعتراضك على الدفع",
            "בנוגע לערעור על התשלום",
        ],
        Document::DisputeResolution => [
            "Outcome of your payment dispute",
            "Ergebnis Ihrer Zahlungsreklamation",
            "Issue de votre contestation de paiement",
            "نتيجة اعتراضك على الدفع",
            "תוצאת הערעור על התשלום",
        ],
        Document::PaymentOverdueLetter => {
            ["Overdue payment", "Überfällige Zahlung", "Paiement en retard", "دفعة متأخرة", "תשלום באיחור"]
        }
    })
}
