// The reasons that this system gives in fixed words, by the words: what a document was not sent for. Others, such as a
// mail server's, are shown as they are. A test compares them with the code.

export const REASONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'Shopify has no such customer': { de: 'Shopify kennt diesen Kunden nicht', fr: 'Shopify ne connaît pas ce client' },
  'the shipment is already delivered': { de: 'die Sendung ist bereits zugestellt', fr: 'l’expédition est déjà livrée' },
  'the offer is not in the configuration any more': {
    de: 'das Angebot gibt es nicht mehr',
    fr: 'l’offre n’existe plus',
  },
  'delivery was switched off before it was sent': {
    de: 'der Versand wurde abgeschaltet, bevor es gesendet wurde',
    fr: 'l’envoi a été désactivé avant',
  },
  'it belongs to no order: there is nobody to write to': {
    de: 'es gehört zu keiner Bestellung, also gibt es keinen Empfänger',
    fr: 'aucune commande associée, donc aucun destinataire',
  },
  'it failed for lack of stock, not of money': {
    de: 'es fehlte am Bestand, nicht am Geld',
    fr: 'le stock manquait, pas l’argent',
  },
  'it has become another kind of dispute, of which a notice of its own tells': {
    de: 'daraus wurde eine andere Art von Reklamation, zu der es ein eigenes Schreiben gibt',
    fr: 'elle est devenue un autre type de contestation, qui a son propre avis',
  },
  'it is for no customer': { de: 'es gibt keinen Kunden dazu', fr: 'aucun client n’y est associé' },
  'no channel can reach the recipient': {
    de: 'der Empfänger ist auf keinem Weg zu erreichen',
    fr: 'aucun canal n’atteint le destinataire',
  },
  'no money was paid back': { de: 'es wurde kein Geld zurückgezahlt', fr: 'aucun montant n’a été remboursé' },
  'nothing in it needs shipping': {
    de: 'nichts davon muss versandt werden',
    fr: 'rien n’y est à expédier',
  },
  "nothing is known of the customer's consent": {
    de: 'eine Einwilligung des Kunden ist nicht bekannt',
    fr: 'le consentement du client est inconnu',
  },
  'nothing waits for the customer': { de: 'für den Kunden liegt nichts bereit', fr: 'rien n’attend le client' },
  'nothing was refunded': { de: 'es wurde nichts erstattet', fr: 'rien n’a été remboursé' },
  'opted out of e-mail': { de: 'hat E-Mails abbestellt', fr: 's’est désinscrit des e-mails' },
  'paid since': { de: 'inzwischen bezahlt', fr: 'payé depuis' },
  'switched off while it was being made': {
    de: 'während der Erstellung abgeschaltet',
    fr: 'désactivé pendant sa création',
  },
  'the billing was tried again since': {
    de: 'die Abbuchung wurde inzwischen erneut versucht',
    fr: 'le prélèvement a été retenté depuis',
  },
  'the customer does not pick it up': { de: 'der Kunde holt es nicht ab', fr: 'le client ne vient pas le retirer' },
  'the customer has had as many offers as the cap allows': {
    de: 'der Kunde hat so viele Angebote erhalten, wie erlaubt sind',
    fr: 'le client a reçu autant d’offres que permis',
  },
  'the dispute is already decided': {
    de: 'die Reklamation ist bereits entschieden',
    fr: 'la contestation est déjà tranchée',
  },
  'the goods were handed over already': {
    de: 'die Ware wurde bereits übergeben',
    fr: 'les articles ont déjà été remis',
  },
  'the offer has expired': { de: 'das Angebot ist abgelaufen', fr: 'l’offre a expiré' },
  'the order has no address to send it to': {
    de: 'die Bestellung hat keine Lieferadresse',
    fr: 'la commande n’a pas d’adresse de livraison',
  },
  'the order is cancelled': { de: 'die Bestellung ist storniert', fr: 'la commande est annulée' },
  'the out-for-delivery notice tells of it': {
    de: 'die Mitteilung über die Zustellung sagt es schon',
    fr: 'l’avis de livraison en cours le dit déjà',
  },
  'the payment is authorized': { de: 'die Zahlung ist autorisiert', fr: 'le paiement est autorisé' },
  'the payment succeeded after all': {
    de: 'die Zahlung ist doch noch gelungen',
    fr: 'le paiement a finalement abouti',
  },
  'the payment was tried again since': {
    de: 'die Zahlung wurde inzwischen erneut versucht',
    fr: 'le paiement a été retenté depuis',
  },
  'the pickup is cancelled': { de: 'die Abholung ist abgesagt', fr: 'le retrait est annulé' },
  'the return is cancelled': { de: 'die Rücksendung ist storniert', fr: 'le retour est annulé' },
  'the return is closed': { de: 'die Rücksendung ist abgeschlossen', fr: 'le retour est clos' },
  'the shipment failed': { de: 'die Sendung ist fehlgeschlagen', fr: 'l’expédition a échoué' },
  'the shipment is cancelled': { de: 'die Sendung ist storniert', fr: 'l’expédition est annulée' },
  'the shop has no loyalty points any more': {
    de: 'der Shop vergibt keine Punkte mehr',
    fr: 'la boutique n’attribue plus de points',
  },
  'the shop reminds of nothing any more': {
    de: 'der Shop erinnert an nichts mehr',
    fr: 'la boutique n’envoie plus de rappels',
  },
  'the subscription has ended': { de: 'das Abonnement ist beendet', fr: 'l’abonnement a pris fin' },
  'there is nothing in the shipment': { de: 'die Sendung ist leer', fr: 'l’expédition est vide' },
  'unconfirmed: nothing was heard of it for 24 h': {
    de: 'unbestätigt: seit 24 Stunden kam keine Rückmeldung',
    fr: 'non confirmé : aucune nouvelle depuis 24 heures',
  },
};
