//! Whether a customer wants offers, and the address that may be used for them.
//!
//! Only what Shopify states counts. E-mail, and what Exstream sends itself, needs a subscription, and so does a page, of
//! which somebody would have to be told; a text message needs one of its own. For WhatsApp Shopify records none. Paper needs the
//! shop's tag for it; where the shop has none, a subscription to e-mail, because Shopify records no other
//! agreement to marketing. A shop that made a document transactional has decided that it needs none.

use comms::MessageClass;
use delivery::{Phone, Recipient, choose};
use flow::Consent;
use jiff::Timestamp;
use shop_config::{Channel, Marketing};
use shopify::marketing::{ConsentDetails, Prospect, Subscription};
use std::borrow::Cow;

/// Whether the customer agreed, and the address and number if they may be used.
#[derive(Debug)]
pub struct Permission {
    pub consent: Consent,
    pub email: Option<String>,
    pub phones: Vec<Phone>,
}

pub fn permission(
    prospect: &Prospect,
    class: MessageClass,
    channels: &[Channel],
    marketing: &Marketing,
    now: Timestamp,
) -> Permission {
    let email = prospect.customer.email.clone();
    // a subscription is to the customer's own number, and to no other that an address may have
    let phones = flow::phones(None, Some(&prospect.customer), None);
    if class != MessageClass::Marketing {
        return Permission { consent: Consent::NotAsked, email, phones };
    }
    // Shopify's tags do not differ by case
    let tagged = |tag: &str| prospect.tags.iter().any(|own| own.to_lowercase() == tag.to_lowercase());
    if let Some(tag) = marketing.suppression_tags.iter().find(|tag| tagged(tag)) {
        let why = format!("the customer has the suppression tag {tag}");
        return Permission { consent: Consent::Refused(why.into()), email, phones };
    }
    let subscribed = prospect.subscription == Subscription::Subscribed;
    let by_post = marketing.post_consent_tag.as_deref().map_or(subscribed, tagged);
    let by_sms = prospect.sms_subscription == Subscription::Subscribed;
    // an address or number that may not be used must not decide the channel
    let usable = Recipient {
        email: email.clone().filter(|_| subscribed),
        phones: if by_sms { phones.clone() } else { Vec::new() },
        ..Recipient::default()
    };
    let by_email = || found("email", &prospect.email_consent, now);
    let given = match choose(channels, &usable) {
        Some(Channel::Email | Channel::Exstream | Channel::Web) => subscribed.then(by_email),
        Some(Channel::Sms) => by_sms.then(|| found("sms", &prospect.sms_consent, now)),
        Some(Channel::WhatsApp) | None => None,
        Some(Channel::Print) if by_post && prospect.address.is_some() => {
            Some(marketing.post_consent_tag.as_deref().map_or_else(by_email, |tag| tag_found(tag, now)))
        }
        Some(Channel::Print) => None,
    };
    if let Some(found) = given {
        let Recipient { email, phones, .. } = usable;
        return Permission { consent: Consent::Given(found), email, phones };
    }
    let mut reasons: Vec<Cow<'static, str>> = Vec::new();
    for channel in channels {
        let reason = why_not_by(*channel, prospect, marketing, by_post);
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    if reasons.is_empty() {
        reasons.push(why_not(prospect.subscription).into());
    }
    Permission { consent: Consent::Refused(reasons.join("; ").into()), email, phones }
}

/// A subscription, as evidence.
fn found(channel: &str, details: &ConsentDetails, now: Timestamp) -> archive::Consent {
    let field = if channel == "sms" { "defaultPhoneNumber" } else { "defaultEmailAddress" };
    let collected = details.marketing_collected_from.as_deref();
    let collected = collected.map(|from| format!(", collected from {from}")).unwrap_or_default();
    archive::Consent {
        channel: channel.to_owned(),
        state: "SUBSCRIBED".to_owned(),
        level: details.marketing_opt_in_level.clone(),
        given_at: details.marketing_updated_at,
        source: format!("shopify customer.{field}{collected}"),
        found_at: now,
    }
}

/// The shop's own tag for agreement to offers by post.
fn tag_found(tag: &str, now: Timestamp) -> archive::Consent {
    archive::Consent {
        channel: "post".to_owned(),
        state: tag.to_owned(),
        level: None,
        given_at: None,
        source: "shopify customer.tags".to_owned(),
        found_at: now,
    }
}

/// Why a channel may not be used, from what Shopify says.
fn why_not_by(
    channel: Channel,
    prospect: &Prospect,
    marketing: &Marketing,
    by_post: bool,
) -> Cow<'static, str> {
    match (channel, &marketing.post_consent_tag) {
        (Channel::Email | Channel::Exstream | Channel::Web, _) => why_not(prospect.subscription).into(),
        (Channel::Sms, _) => why_not_by_sms(prospect.sms_subscription).into(),
        (Channel::WhatsApp, _) => "Shopify records no consent to marketing by WhatsApp".into(),
        (Channel::Print, Some(tag)) if !by_post => {
            format!("no agreement to offers by post (tag {tag})").into()
        }
        (Channel::Print, None) if !by_post => why_not(prospect.subscription).into(),
        (Channel::Print, _) => "the customer has no postal address".into(),
    }
}

const fn why_not(subscription: Subscription) -> &'static str {
    match subscription {
        // no message can be sent to this address
        Subscription::Subscribed => "the customer's e-mail address cannot be used",
        Subscription::Pending => "the customer has not confirmed the subscription to e-mail marketing",
        Subscription::NotSubscribed => "the customer is not subscribed to e-mail marketing",
        Subscription::Unsubscribed => "the customer has unsubscribed from e-mail marketing",
        Subscription::Invalid => "the customer's subscription to e-mail marketing is invalid",
        Subscription::NoAddress => "the customer has no e-mail address",
        Subscription::Other => "the customer's consent to e-mail marketing is in a state that is not known",
    }
}

const fn why_not_by_sms(subscription: Subscription) -> &'static str {
    match subscription {
        // no message can be sent to this number
        Subscription::Subscribed => "the customer's telephone number cannot be used",
        Subscription::Pending => "the customer has not confirmed the subscription to SMS marketing",
        Subscription::NotSubscribed => "the customer is not subscribed to SMS marketing",
        Subscription::Unsubscribed => "the customer has unsubscribed from SMS marketing",
        Subscription::Invalid => "the customer's subscription to SMS marketing is invalid",
        Subscription::NoAddress => "the customer has no telephone number",
        Subscription::Other => "the customer's consent to SMS marketing is in a state that is not known",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Channel::{Email, Exstream, Print, Sms, WhatsApp};
    use comms::Gid;
    use shopify::Customer;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn prospect(subscription: Subscription, tags: &[&str]) -> Prospect {
        let email = (subscription != Subscription::NoAddress).then(|| "noor@example.com".to_owned());
        Prospect {
            customer: Customer {
                id: Gid::new("Customer", 1),
                first_name: None,
                last_name: None,
                email,
                phone: None,
                locale: None,
            },
            subscription,
            email_consent: ConsentDetails {
                marketing_opt_in_level: Some("CONFIRMED_OPT_IN".to_owned()),
                marketing_updated_at: Some(Timestamp::UNIX_EPOCH),
                marketing_collected_from: None,
            },
            sms_consent: ConsentDetails::default(),
            sms_subscription: Subscription::NoAddress,
            tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
            address: serde_json::from_str(r#"{"address1": "1 High Street"}"#).ok(),
            balance: None,
        }
    }

    fn marketing(post: Option<&str>) -> Marketing {
        Marketing {
            suppression_tags: vec!["No Marketing".to_owned()],
            post_consent_tag: post.map(str::to_owned),
            ..Marketing::default()
        }
    }

    /// The answer, and whether the address may be used.
    fn ask(who: &Prospect, channels: &[Channel], post: Option<&str>) -> (Result<(), String>, bool) {
        let answer = permission(who, MessageClass::Marketing, channels, &marketing(post), NOW);
        let consent = match answer.consent {
            Consent::Given(_) => Ok(()),
            Consent::Refused(why) => Err(why.into_owned()),
            Consent::NotAsked => panic!("marketing is always asked for"),
        };
        (consent, answer.email.is_some())
    }

    #[test]
    fn only_a_subscription_is_a_yes() {
        use Subscription::{Invalid, NoAddress, NotSubscribed, Other, Pending, Subscribed, Unsubscribed};
        for channels in [&[Email][..], &[Exstream], &[Email, Print], &[Print]] {
            assert_eq!(ask(&prospect(Subscribed, &[]), channels, None), (Ok(()), true), "{channels:?}");
            for state in [Pending, NotSubscribed, Unsubscribed, Invalid, NoAddress, Other] {
                let (answer, _) = ask(&prospect(state, &[]), channels, None);
                assert_eq!(answer, Err(why_not(state).to_owned()), "{state:?} by {channels:?}");
            }
        }
    }

    #[test]
    fn a_tag_for_post_opens_the_post_and_nothing_else() {
        let agreed = prospect(Subscription::Unsubscribed, &["Post-OK"]);
        // the address is withheld, so that the pipeline cannot choose e-mail
        assert_eq!(ask(&agreed, &[Email, Print], Some("post-ok")), (Ok(()), false));
        assert!(ask(&agreed, &[Email], Some("post-ok")).0.is_err());
        assert!(ask(&agreed, &[Exstream, Print], Some("post-ok")).0.is_err());
        let subscribed = prospect(Subscription::Subscribed, &[]);
        assert_eq!(ask(&subscribed, &[Email, Print], Some("post-ok")), (Ok(()), true));
        let no_post = Err("no agreement to offers by post (tag post-ok)".to_owned());
        assert_eq!(ask(&subscribed, &[Print], Some("post-ok")).0, no_post);
    }

    /// What the record keeps of a consent: state, level, time and who said so.
    #[test]
    fn the_consent_that_counts_is_the_one_of_the_channel() {
        let who = prospect(Subscription::Subscribed, &["post-ok"]);
        let found = |channels: &[Channel]| {
            let answer =
                permission(&who, MessageClass::Marketing, channels, &marketing(Some("post-ok")), NOW);
            let Consent::Given(found) = answer.consent else { panic!() };
            (found.channel, found.state, found.level, found.given_at, found.source)
        };
        let (channel, state, level, given_at, source) = found(&[Email]);
        assert_eq!((channel.as_str(), state.as_str()), ("email", "SUBSCRIBED"));
        assert_eq!((level.as_deref(), given_at), (Some("CONFIRMED_OPT_IN"), Some(Timestamp::UNIX_EPOCH)));
        assert_eq!(source, "shopify customer.defaultEmailAddress");
        let (channel, state, level, _, source) = found(&[Print]);
        assert_eq!((channel.as_str(), state.as_str(), level), ("post", "post-ok", None));
        assert_eq!(source, "shopify customer.tags");
    }

    /// An unsubscription is on record as one, whatever else could have been used.
    #[test]
    fn each_channel_says_what_keeps_it() {
        let post = "no agreement to offers by post (tag post-ok)";
        for state in [Subscription::Unsubscribed, Subscription::Pending, Subscription::NoAddress] {
            let no = Err(format!("{}; {post}", why_not(state)));
            assert_eq!(ask(&prospect(state, &[]), &[Email, Print], Some("post-ok")).0, no);
            let no = Err(format!("{post}; {}", why_not(state)));
            assert_eq!(ask(&prospect(state, &[]), &[Print, Exstream], Some("post-ok")).0, no);
        }
        let unsubscribed = prospect(Subscription::Unsubscribed, &[]);
        let once = Err(why_not(Subscription::Unsubscribed).to_owned());
        assert_eq!(ask(&unsubscribed, &[Exstream, Email, Print], None).0, once);
    }

    #[test]
    fn paper_needs_a_place_to_go() {
        let nowhere = Prospect { address: None, ..prospect(Subscription::Unsubscribed, &["post-ok"]) };
        let (answer, _) = ask(&nowhere, &[Email, Print], Some("post-ok"));
        let no = "the customer has unsubscribed from e-mail marketing; the customer has no postal address";
        assert_eq!(answer, Err(no.to_owned()));
    }

    /// One subscription is none of the other kind.
    #[test]
    fn a_text_message_needs_a_subscription_of_its_own() {
        use Subscription::{NotSubscribed, Other, Pending, Subscribed, Unsubscribed};
        let by = |email: Subscription, sms: Subscription, channels: &[Channel]| {
            let mut who = Prospect { sms_subscription: sms, ..prospect(email, &[]) };
            who.customer.phone = Some("+33612345678".to_owned());
            let answer = permission(&who, MessageClass::Marketing, channels, &marketing(None), NOW);
            let given = matches!(answer.consent, Consent::Given(_));
            let usable = Recipient { email: answer.email, phones: answer.phones, ..Recipient::default() };
            given.then(|| choose(channels, &usable)).flatten()
        };
        assert_eq!(by(Subscribed, Subscribed, &[Sms, Email]), Some(Sms));
        for no in [NotSubscribed, Pending, Unsubscribed, Other] {
            assert_eq!(by(Subscribed, no, &[Sms]), None, "{no:?}");
            // the number is withheld, so that the pipeline continues with the address
            assert_eq!(by(Subscribed, no, &[Sms, Email]), Some(Email), "{no:?}");
            assert_eq!(by(no, Subscribed, &[Email, Sms]), Some(Sms), "{no:?}");
            assert_eq!(by(no, Subscribed, &[Email]), None, "{no:?}");
        }
        assert_eq!(by(Subscribed, Subscribed, &[WhatsApp]), None, "Shopify records no such consent");
        let mut unsubscribed = Prospect { sms_subscription: Unsubscribed, ..prospect(Subscribed, &[]) };
        unsubscribed.customer.phone = Some("+33612345678".to_owned());
        let why = "the customer has unsubscribed from SMS marketing".to_owned();
        assert_eq!(ask(&unsubscribed, &[Sms], None).0, Err(why));
    }

    #[test]
    fn a_suppression_tag_beats_everything() {
        let who = prospect(Subscription::Subscribed, &["vip", "no marketing", "post-ok"]);
        let no = Err("the customer has the suppression tag No Marketing".to_owned());
        assert_eq!(ask(&who, &[Email, Print], Some("post-ok")).0, no);
    }

    #[test]
    fn a_document_that_is_no_marketing_is_not_asked_about() {
        let who = prospect(Subscription::Unsubscribed, &["no marketing"]);
        let answer = permission(&who, MessageClass::Transactional, &[Email], &marketing(None), NOW);
        assert_eq!((answer.consent, answer.email.is_some()), (Consent::NotAsked, true));
    }
}
