//! The page behind the link that ends marketing. Looking at it changes nothing, as mail programs and scanners look at
//! links; a `POST` ends it, whether it comes from the page's button or, by RFC 8058, from a mail program.
//!
//! First the suppression list, which every campaign asks before it sends; then the message for Shopify; then the note
//! that it was done, and the answer. Whatever fails before the end is answered as "try again", and all of it can be done
//! again: somebody who has unsubscribed is told so as often as they ask.

use crate::{
    Answer, accepted,
    http::HttpRequest,
    page::{self, Notice},
    shown,
    text::Language,
    unavailable, unknown,
};
use comms::{CustomerKey, chain};
use jiff::Timestamp;
use ledger::{Ledger, LedgerError};
use links::{LinkError, Links, Token, Unsubscription, unsubscribe_path};
use maud::{Markup, html};
use service::Metric;
use work::{Message, Queue, QueueError, UnsubscribeItem, UnsubscribeKind};

/// Why a customer is on the suppression list.
pub const REASON: &str = "unsubscribed by link";

/// What an unsubscription changes.
pub struct Unsubscribing {
    pub ledger: Ledger,
    /// What Shopify is told goes there.
    pub write_back: Queue,
}

/// Why marketing could not be ended now. Each says itself what was being done; the next try does the rest.
#[derive(Debug, thiserror::Error)]
enum UnsubscribeError {
    #[error("the link's customer cannot be read")]
    Customer,
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Links(#[from] LinkError),
}

/// What the pages say, in each language.
struct Texts {
    /// As [`crate::text::Texts`] has it.
    lang: &'static str,
    heading: &'static str,
    /// What ends, and what does not.
    explanation: &'static str,
    button: &'static str,
    done: &'static str,
    advice: &'static str,
}

const TEXTS: [Texts; 5] = [
    Texts {
        lang: "en",
        heading: "Unsubscribe",
        explanation: "You will get no more offers and reminders from us, neither by e-mail nor by post. Messages about your orders still come.",
        button: "Unsubscribe",
        done: "You have unsubscribed",
        advice: "You will get no more offers and reminders from us. What is on its way already may still arrive.",
    },
    Texts {
        lang: "de",
        heading: "Abmelden",
        explanation: "Sie bekommen von uns keine Angebote und Erinnerungen mehr, weder per E-Mail noch per Post. Nachrichten zu Ihren Bestellungen kommen weiterhin.",
        button: "Abmelden",
        done: "Sie haben sich abgemeldet",
        advice: "Sie bekommen von uns keine Angebote und Erinnerungen mehr. Was schon unterwegs ist, kann noch eintreffen.",
    },
    Texts {
        lang: "fr",
        heading: "Se désabonner",
        explanation: "Vous ne recevrez plus d’offres ni de rappels de notre part, ni par e-mail ni par courrier. Les messages concernant vos commandes continueront de vous parvenir.",
        button: "Se désabonner",
        done: "Vous êtes désabonné",
        advice: "Vous ne recevrez plus d’offres ni de rappels de notre part. Ce qui est déjà en route peut encore arriver.",
    },
    Texts {
        lang: "ar",
        heading: "إلغاء الاشتراك",
        explanation: "لن تصلك منا عروض أو تذكيرات بعد الآن، لا بالبريد الإلكتروني ولا بالبريد العادي. وستستمر الرسائل المتعلقة بطلباتك في الوصول.",
        button: "إلغاء الاشتراك",
        done: "تم إلغاء اشتراكك",
        advice: "لن تصلك منا عروض أو تذكيرات بعد الآن. وقد يصلك ما أُرسل من قبل.",
    },
    Texts {
        lang: "he",
        heading: "הסרה מרשימת התפוצה",
        explanation: "לא יישלחו אליך עוד הצעות ותזכורות, לא בדואר אלקטרוני ולא בדואר רגיל. הודעות על הזמנות ימשיכו להגיע.",
        button: "הסרה",
        done: "הוסרת מרשימת התפוצה",
        advice: "לא יישלחו אליך עוד הצעות ותזכורות. מה שכבר נשלח עשוי עוד להגיע.",
    },
];

/// Answers one request about such a link.
pub async fn answer(
    unsubscribing: &Unsubscribing,
    links: &Links,
    token: &Token,
    request: &HttpRequest,
    now: Timestamp,
) -> Answer {
    let it = match links.find_unsubscribe(&token.hash()).await {
        Ok(Some(it)) => it,
        Ok(None) => return unknown(request),
        Err(error) => return unavailable(accepted(request), None, chain(&error)),
    };
    if request.method() != "POST" {
        return Answer::of(shown(200, question(&it, token)));
    }
    match unsubscribing.end_marketing(links, &it, now).await {
        Ok(()) => {
            tracing::info!(shop = %it.shop, communication = %it.communication, "unsubscribed");
            Answer::of(shown(200, farewell(&it))).counted(Metric::Unsubscribed)
        }
        Err(error) => {
            let page = page::notice(Notice::Unavailable, Language::of(&it.locale), Some(&it.sender));
            let response = shown(503, page).header("retry-after", "120");
            Answer { response, metric: None, problem: Some(chain(&error)) }
        }
    }
}

impl Unsubscribing {
    async fn end_marketing(
        &self,
        links: &Links,
        it: &Unsubscription,
        now: Timestamp,
    ) -> Result<(), UnsubscribeError> {
        let key: CustomerKey = it.customer_key.parse().map_err(|_| UnsubscribeError::Customer)?;
        self.ledger.suppress(&it.shop, &key, REASON, now).await?;
        let item = UnsubscribeItem {
            v: UnsubscribeItem::VERSION,
            kind: UnsubscribeKind::Unsubscribe,
            shop: it.shop.clone(),
            customer: it.customer.clone(),
            communication: it.communication.clone(),
            at: now,
        };
        self.write_back.send(&Message::of(&item).map_err(QueueError::from)?).await?;
        Ok(links.record_unsubscribe(&it.token_sha256, now).await?)
    }
}

/// Asks before anything happens. The form goes to its own address.
fn question(it: &Unsubscription, token: &Token) -> page::Page {
    let texts = texts(it);
    let content = html! {
        h1 { (texts.heading) }
        p { (texts.explanation) }
        form method="post" action=(unsubscribe_path(token)) {
            button type="submit" { (texts.button) }
        }
    };
    page(it, texts.heading, &content).with_form()
}

fn farewell(it: &Unsubscription) -> page::Page {
    let texts = texts(it);
    page(it, texts.done, &html! { h1 { (texts.done) } p { (texts.advice) } })
}

fn page(it: &Unsubscription, title: &str, content: &Markup) -> page::Page {
    page::plain(Language::of(&it.locale), title, &it.sender, content)
}

fn texts(it: &Unsubscription) -> &'static Texts {
    let lang = Language::of(&it.locale).texts().lang;
    TEXTS.iter().find(|texts| texts.lang == lang).unwrap_or(&TEXTS[0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn offered(locale: &str, sender: &str) -> Unsubscription {
        serde_json::from_value(json!({
            "v": 1, "token_sha256": "0".repeat(64), "communication": "c4809f9b199959867b344883a5f958d0",
            "shop": "northwind-demo.myshopify.com", "customer": "gid://shopify/Customer/501",
            "customer_key": "0".repeat(32), "locale": locale,
            "sender": {"name": sender, "email": "service@northwind.example"},
            "created_epoch_ms": 1, "expires_epoch_s": 1,
        }))
        .unwrap()
    }

    fn token() -> Token {
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaA".parse().unwrap()
    }

    #[test]
    fn there_are_texts_in_every_language_of_the_pages() {
        let languages: Vec<_> = crate::text::ALL.iter().map(|texts| texts.lang).collect();
        assert_eq!(TEXTS.iter().map(|texts| texts.lang).collect::<Vec<_>>(), languages);
    }

    #[test]
    fn both_pages_in_each_language() {
        let mut all = String::new();
        for locale in ["en", "de", "fr", "ar", "he"] {
            let it = offered(locale, "Northwind Outfitters");
            for page in [question(&it, &token()), farewell(&it)] {
                let (before, rest) = page.html.split_once("<style>").unwrap();
                let (_, after) = rest.split_once("</style>").unwrap();
                all.push_str(&format!("{before}{after}\n").replace("><", ">\n<"));
            }
        }
        insta::assert_snapshot!("unsubscribe", all);
    }

    /// The question's form goes nowhere but to its own page, and the answer has none.
    #[test]
    fn only_the_question_may_send_anything() {
        let it = offered("en", "N");
        assert!(question(&it, &token()).policy.contains("form-action 'self'"));
        assert!(farewell(&it).policy.contains("form-action 'none'"));
    }

    #[test]
    fn no_page_names_the_customer_and_hostile_texts_are_texts() {
        for page in
            [question(&offered("en", "<script>x</script>"), &token()), farewell(&offered("en", "<b>"))]
        {
            assert!(!page.html.contains("501") && !page.html.contains(&"0".repeat(32)));
            assert!(!page.html.contains("<script") && !page.html.contains("<b>"));
        }
    }
}
