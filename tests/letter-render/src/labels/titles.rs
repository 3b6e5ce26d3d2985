//! The title of each document and its first sentence.

use super::entry::Entry;

#[rustfmt::skip]
pub(crate) static TITLES: &[Entry] = &[
    ("account-statement", ["Account statement", "Relevé de compte", "Kontoauszug", "كشف الحساب"]),
    ("cancellation-letter", ["Cancellation", "Annulation de commande", "Stornierung", "إلغاء الطلب"]),
    ("delivery-document", ["Delivery note", "Bon de livraison", "Lieferschein", "سند التسليم"]),
    ("ready-for-pickup-notice", ["Ready for pickup", "Prêt à être retiré", "Abholbereit", "جاهز للاستلام"]),
    ("out-for-delivery-notice", ["Out for delivery", "En cours de livraison", "In Zustellung", "خرج للتسليم"]),
    ("dispute-notice", ["Notice of dispute", "Avis de litige", "Mitteilung über eine Reklamation", "إشعار بنزاع"]),
    ("dispute-resolution", ["Outcome of the dispute", "Issue du litige", "Ergebnis der Reklamation", "نتيجة النزاع"]),
    ("document", ["Letter", "Lettre", "Schreiben", "رسالة"]),
    ("loyalty-statement", ["Loyalty statement", "Relevé de fidélité", "Punkteauszug", "كشف نقاط الولاء"]),
    ("order-confirmation", ["Order confirmation", "Confirmation de commande", "Auftragsbestätigung", "تأكيد الطلب"]),
    ("packing-slip", ["Packing slip", "Bordereau de colis", "Packzettel", "قائمة التعبئة"]),
    ("payment-failure-letter", ["Payment failed", "Échec de paiement", "Fehlgeschlagene Zahlung", "تعذّر الدفع"]),
    ("payment-overdue-letter", ["Payment reminder", "Rappel de paiement", "Zahlungserinnerung", "تذكير بالدفع"]),
    ("promotional-offer", ["Your offer", "Votre offre", "Ihr Angebot", "عرضك"]),
    ("purchase-summary", ["Purchase summary", "Récapitulatif des achats", "Einkaufsübersicht", "ملخص المشتريات"]),
    ("receipt", ["Receipt", "Reçu", "Quittung", "إيصال"]),
    ("refund-confirmation", ["Refund confirmation", "Confirmation de remboursement", "Erstattungsbestätigung", "تأكيد استرداد المبلغ"]),
    ("replenishment-reminder", ["Time to restock", "Pensez à vous réapprovisionner", "Zeit für Nachschub", "حان وقت التجديد"]),
    ("return-authorization", ["Return authorization", "Autorisation de retour", "Rücksendegenehmigung", "الموافقة على الإرجاع"]),
    ("return-declined", ["Return declined", "Refus de retour", "Ablehnung der Rücksendung", "رفض الإرجاع"]),
    ("return-instructions", ["Return instructions", "Instructions de retour", "Rücksendeanleitung", "تعليمات الإرجاع"]),
    ("shipping-notice", ["Shipping notice", "Avis d’expédition", "Versandanzeige", "إشعار الشحن"]),
];

/// The first sentence of each document, after the greeting.
#[rustfmt::skip]
pub(crate) static OPENINGS: &[Entry] = &[
    ("account-statement", ["Here is the statement of your account.", "Voici le relevé de votre compte.", "Hier ist Ihr Kontoauszug.", "هذا كشف حسابك."]),
    ("cancellation-letter", ["Your order is cancelled. Here is what happens to your money.", "Votre commande est annulée. Voici ce qu’il advient de votre paiement.", "Ihre Bestellung ist storniert. Das geschieht mit Ihrem Geld.", "تم إلغاء طلبك. إليك ما يخص مبلغك."]),
    ("delivery-document", ["Your parcel was delivered.", "Votre colis a été livré.", "Ihr Paket wurde zugestellt.", "تم تسليم شحنتك."]),
    ("dispute-notice", ["A payment of your order is being disputed.", "Un paiement de votre commande est contesté.", "Eine Zahlung zu Ihrer Bestellung wird beanstandet.", "هناك نزاع بشأن دفعة من طلبك."]),
    ("dispute-resolution", ["The dispute about your payment is decided.", "La contestation de votre paiement est close.", "Über die Beanstandung Ihrer Zahlung ist entschieden.", "حُسم النزاع بشأن دفعتك."]),
    ("loyalty-statement", ["Here are your points.", "Voici vos points.", "Hier sind Ihre Punkte.", "هذه نقاطك."]),
    ("order-confirmation", ["Thank you for your order. Here is what you ordered.", "Merci pour votre commande. En voici le détail.", "Vielen Dank für Ihre Bestellung. Hier sind die Einzelheiten.", "شكرًا لطلبك. إليك تفاصيله."]),
    ("out-for-delivery-notice", ["Your order is out for delivery.", "Votre commande est en cours de livraison.", "Ihre Bestellung wird heute zugestellt.", "طلبك خرج للتوصيل."]),
    ("packing-slip", ["Here is what this parcel contains.", "Voici le contenu de ce colis.", "Das ist in diesem Paket.", "هذه محتويات الطرد."]),
    ("payment-failure-letter", ["Your payment did not go through.", "Votre paiement n’a pas abouti.", "Ihre Zahlung ist nicht zustande gekommen.", "تعذّر إتمام الدفع."]),
    ("payment-overdue-letter", ["A payment for your order is due.", "Un paiement de votre commande est attendu.", "Eine Zahlung zu Ihrer Bestellung ist fällig.", "هناك دفعة مستحقة لطلبك."]),
    ("promotional-offer", ["We have something for you.", "Nous avons une offre pour vous.", "Wir haben etwas für Sie.", "لدينا عرض لك."]),
    ("purchase-summary", ["Here is what you bought in this period.", "Voici vos achats de la période.", "Hier sind Ihre Einkäufe in diesem Zeitraum.", "هذه مشترياتك خلال الفترة."]),
    ("ready-for-pickup-notice", ["Your order is ready. You can pick it up now.", "Votre commande est prête. Vous pouvez venir la retirer.", "Ihre Bestellung liegt zur Abholung bereit.", "طلبك جاهز ويمكنك استلامه الآن."]),
    ("receipt", ["This is the receipt for your order and its payments.", "Voici le reçu de votre commande et de ses paiements.", "Hier ist die Quittung für Ihre Bestellung und ihre Zahlungen.", "هذا إيصال طلبك ومدفوعاته."]),
    ("refund-confirmation", ["We have made a refund to you. Here is how it comes about.", "Nous vous avons remboursé. En voici le détail.", "Wir haben Ihnen eine Erstattung veranlasst. So setzt sie sich zusammen.", "قمنا برد مبلغ إليك، وهذه تفاصيله."]),
    ("replenishment-reminder", ["It may soon be time to restock.", "Il sera bientôt temps de vous réapprovisionner.", "Bald könnte Nachschub fällig sein.", "قد يحين وقت التجديد قريبًا."]),
    ("return-authorization", ["We have approved your return.", "Nous avons accepté votre retour.", "Wir haben Ihre Rücksendung genehmigt.", "وافقنا على طلب الإرجاع."]),
    ("return-declined", ["We cannot accept your return. Here is why.", "Nous ne pouvons pas accepter votre retour. En voici la raison.", "Wir können Ihre Rücksendung leider nicht annehmen. Hier ist der Grund.", "نأسف لعدم قبول طلب الإرجاع، وهذا هو السبب."]),
    ("return-instructions", ["Here is how to send your items back.", "Voici comment nous renvoyer vos articles.", "So senden Sie Ihre Artikel zurück.", "إليك كيفية إعادة منتجاتك."]),
    ("shipping-notice", ["Your parcel is on its way.", "Votre colis est en route.", "Ihr Paket ist unterwegs.", "شحنتك في الطريق إليك."]),
];
