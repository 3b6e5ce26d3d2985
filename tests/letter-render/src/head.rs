//! The head and foot that any document has: who writes to whom about what.

use crate::{
    languages::Words,
    shapes::line_text,
    value::{items, text},
};
use serde_json::Value;

/// Members of driver data that say where it is from and not what the document says.
pub(crate) const ENVELOPE: [&str; 6] = ["schema", "document", "communication", "locale", "brand", "shop"];

/// The top of the first page of any document.
#[derive(Debug)]
pub(crate) struct Head {
    pub words: &'static Words,
    pub brand: String,
    /// The shop's line above the address.
    pub sender: String,
    /// Who that is in law, in the footer.
    pub imprint: Vec<String>,
    /// The communication the page is from, small in the footer.
    pub reference: String,
    pub title: String,
    /// The name of what the document is about.
    pub order: String,
    pub greeting: String,
    /// The sentence after the greeting.
    pub opening: Option<&'static str>,
    /// The end of the letter; none below a list for whoever unpacks.
    pub regards: Option<&'static str>,
    pub facts: Vec<(String, String)>,
    pub recipient: Vec<String>,
    pub delivery: Vec<String>,
}

impl Head {
    /// The title with what it is about.
    pub fn full_title(&self) -> String {
        format!("{} {}", self.title, self.order).trim_end().to_owned()
    }

    /// What the envelope of driver data says; nothing of the document itself.
    pub fn of(driver: &Value, words: &'static Words) -> Self {
        let (brand, sender) = brand_and_sender(driver);
        let document = text(driver, &["document"]).unwrap_or_else(|| "document".to_owned());
        Self {
            words,
            sender: sender.join(" · "),
            imprint: imprint(driver, &brand, words),
            brand,
            reference: text(driver, &["communication"]).unwrap_or_default(),
            title: words.title(&document),
            order: String::new(),
            greeting: String::new(),
            opening: words.opening(&document),
            regards: (document != "packing-slip").then_some(words.regards),
            facts: Vec::new(),
            recipient: Vec::new(),
            delivery: Vec::new(),
        }
    }
}

/// The company behind the brand: its name and address, then its numbers and how to reach it.
fn imprint(driver: &Value, brand: &str, words: &Words) -> Vec<String> {
    let of = |key: &str| text(driver, &["brand", key]);
    let mut first = vec![of("legal_name").unwrap_or_else(|| brand.to_owned())];
    first.extend(items(driver, &["brand", "address"]).into_iter().filter_map(line_text));
    let labelled = |key: &str| of(key).map(|value| format!("{} {value}", words.label(key)));
    let second = [labelled("vat_number"), of("register_number"), of("phone"), of("reply_to"), of("url")];
    let second: Vec<String> = second.into_iter().flatten().collect();
    [first, second].into_iter().filter(|line| !line.is_empty()).map(|line| line.join(" · ")).collect()
}

/// The brand, and the names that stand for the sender.
pub(crate) fn brand_and_sender(driver: &Value) -> (String, Vec<String>) {
    let shop = text(driver, &["shop", "name"]);
    let domain = text(driver, &["shop", "domain"]).or_else(|| text(driver, &["shop"]));
    let brand = text(driver, &["brand", "name"])
        .or_else(|| text(driver, &["brand"]))
        .or_else(|| shop.clone())
        .or_else(|| domain.clone())
        .unwrap_or_default();
    let mut sender = vec![brand.clone()];
    sender.extend([shop, domain].into_iter().flatten().filter(|part| *part != brand));
    (brand, sender)
}
