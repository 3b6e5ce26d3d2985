//! The fixed words of a letter, and how its language writes money and dates.

use crate::{
    labels::{LABELS, STATUSES, look_up},
    languages::{ARABIC, ENGLISH, FRENCH, GERMAN, Words},
    value,
};
use comms::{Document, month_name};
use serde_json::Value;

impl Words {
    /// English, French, German or Arabic; English for every other locale.
    pub fn of(locale: &str) -> &'static Self {
        match locale.get(..2).map(str::to_ascii_lowercase).as_deref() {
            Some("fr") => &FRENCH,
            Some("de") => &GERMAN,
            Some("ar") => &ARABIC,
            _ => &ENGLISH,
        }
    }

    pub fn title(&self, document: &str) -> String {
        let known = document.parse().map(|it: Document| it.title(self.language)).ok();
        let known = known.or_else(|| look_up(LABELS, document, self.language));
        known.map_or_else(|| spell_out(document), str::to_owned)
    }

    /// A key of driver data as the label of its value.
    pub fn label(&self, key: &str) -> String {
        let known = match key {
            "order" => self.order,
            "date" => self.date,
            "customer" => self.customer,
            "shipping_address" | "deliver_to" => self.deliver_to,
            "title" => self.item,
            "sku" => self.sku,
            "quantity" => self.quantity,
            "unit_price" => self.unit_price,
            "amount" => self.amount,
            "subtotal" => self.subtotal,
            "discount" | "discounts" => self.discount,
            "shipping" => self.shipping,
            "tax" | "taxes" => self.tax,
            "tip" => self.tip,
            "total" => self.total,
            "paid" => self.paid,
            "outstanding" => self.outstanding,
            "note" => self.note,
            "po_number" => self.reference,
            _ => match self.listed(key) {
                Some(label) => label,
                None => return self.derived_label(key).unwrap_or_else(|| spell_out(key)),
            },
        };
        known.to_owned()
    }

    /// The label of a field of several documents, or of one.
    fn listed(&self, key: &str) -> Option<&'static str> {
        look_up(LABELS, key, self.language).or_else(|| demo_documents::label(key, self.language))
    }

    /// `shipped_on` is called as `shipped_at`, and an amount in another currency as the amount.
    fn derived_label(&self, key: &str) -> Option<String> {
        if let Some(stem) = key.strip_suffix("_in_shop_currency") {
            return Some(format!("{} ({})", self.label(stem), self.in_shop_currency));
        }
        let stem = key.strip_suffix("_on")?;
        let known = [stem.to_owned(), format!("{stem}_at")].into_iter().find(|key| self.has_label(key))?;
        Some(self.label(&known))
    }

    /// Whether a key of driver data has a label of its own, in every language.
    pub fn has_label(&self, key: &str) -> bool {
        const OWN: [&str; 20] = [
            "order",
            "date",
            "customer",
            "shipping_address",
            "deliver_to",
            "title",
            "sku",
            "quantity",
            "unit_price",
            "amount",
            "subtotal",
            "discount",
            "discounts",
            "shipping",
            "tax",
            "taxes",
            "total",
            "paid",
            "outstanding",
            "note",
        ];
        OWN.contains(&key)
            || matches!(key, "tip" | "po_number")
            || self.listed(key).is_some()
            || self.derived_label(key).is_some()
    }

    pub fn greeting(&self, name: Option<&str>) -> String {
        match name.map(str::trim).filter(|name| !name.is_empty()) {
            // isolated, so that a name of another direction does not move the comma
            Some(name) => self.dear[0].replace("{}", &format!("\u{2068}{name}\u{2069}")),
            None => self.dear[1].to_owned(),
        }
    }

    pub fn opening(&self, document: &str) -> Option<&'static str> {
        demo_documents::opening(document.parse().ok()?, self.language)
    }

    pub fn including(&self, what: &str) -> String {
        self.including.replace("{}", what)
    }

    pub fn after(&self, what: &str) -> String {
        self.after.replace("{}", what)
    }

    /// One of our own words inside a sentence.
    pub fn inside(&self, word: &str) -> String {
        let mut letters = word.chars();
        match letters.next().filter(|_| self.language != "de") {
            Some(first) => first.to_lowercase().chain(letters).collect(),
            None => word.to_owned(),
        }
    }

    pub fn status(&self, status: &str) -> String {
        let known = look_up(STATUSES, &status.to_ascii_lowercase().replace('-', "_"), self.language);
        known.map_or_else(|| spell_out(status), str::to_owned)
    }

    /// `2026-11-22T10:00:00+01:00` as a day of the shop's own calendar, `2026-11` as a month; other
    /// text is left alone.
    pub fn day(&self, text: &str) -> String {
        let day: Option<jiff::civil::Date> = text.get(..10).and_then(|d| d.parse().ok());
        let month = |day: jiff::civil::Date| month_name(self.language, day.month());
        let Some(day) = day else {
            let first: Option<jiff::civil::Date> = format!("{text}-01").parse().ok();
            return first.map_or_else(|| text.to_owned(), |day| format!("{} {}", month(day), day.year()));
        };
        let month = month(day);
        match self.language {
            "fr" => format!("{} {month} {}", day.day(), day.year()),
            "de" => format!("{}. {month} {}", day.day(), day.year()),
            "ar" => format!("{} {month} {}", day.day(), day.year()),
            _ => format!("{month} {}, {}", day.day(), day.year()),
        }
    }

    /// A whole month by its name, any other period from its first day to its last.
    pub fn period(&self, from: &str, to: &str) -> String {
        let first: Option<jiff::civil::Date> = from.parse().ok();
        match first.filter(|first| first.day() == 1 && first.last_of_month().to_string() == to) {
            Some(_) => self.day(from.get(..7).unwrap_or(from)),
            None => format!("{} – {}", self.day(from), self.day(to)),
        }
    }

    /// `{"amount": "1234.5", "currency": "EUR"}` as people write it. Digits are kept, never rounded.
    pub fn money(&self, value: &Value) -> Option<String> {
        let shown = self.plain_money(value)?;
        // numbers and signs keep their order inside a line that runs from right to left
        Some(if self.mirrored { format!("\u{2066}{shown}\u{2069}") } else { shown })
    }

    fn plain_money(&self, value: &Value) -> Option<String> {
        let amount = value::text(value, &["amount"]).or_else(|| value::scalar(value))?;
        let currency = value::text(value, &["currency"]).or_else(|| value::text(value, &["currency_code"]));
        let (sign, digits) = match amount.strip_prefix('-') {
            Some(rest) => ("-", rest),
            None => ("", amount.as_str()),
        };
        if !digits.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            return Some(amount);
        }
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let (group, point) = match self.language {
            "fr" => ('\u{a0}', ','),
            "de" => ('.', ','),
            _ => (',', '.'),
        };
        let mut number = String::new();
        for (index, digit) in whole.chars().enumerate() {
            if index > 0 && (whole.len() - index).is_multiple_of(3) {
                number.push(group);
            }
            number.push(digit);
        }
        if !fraction.is_empty() {
            number.push(point);
            number.push_str(fraction);
        }
        let symbol = match currency.as_deref() {
            Some("EUR") => "€",
            Some("USD") => "$",
            Some("GBP") => "£",
            Some("JPY") => "¥",
            Some(code) => return Some(format!("{sign}{number}\u{a0}{code}")),
            None => return Some(format!("{sign}{number}")),
        };
        Some(match self.language {
            "en" => format!("{sign}{symbol}{number}"),
            _ => format!("{sign}{number}\u{a0}{symbol}"),
        })
    }

    /// `20` as `20 %`, in the language's spelling.
    pub fn percent(&self, rate: &str) -> String {
        let rate = if rate.contains('.') { rate.trim_end_matches('0').trim_end_matches('.') } else { rate };
        match self.language {
            "en" => format!("{rate}%"),
            _ => format!("{}\u{a0}%", rate.replace('.', ",")),
        }
    }
}

/// `payment-overdue_letter` as `Payment overdue letter`.
pub(crate) fn spell_out(key: &str) -> String {
    let text = key.replace(['-', '_'], " ");
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn money_and_days_follow_the_language() {
        let amount = json!({"amount": "-1234567.50", "currency": "EUR"});
        assert_eq!(Words::of("en-GB").money(&amount).unwrap(), "-€1,234,567.50");
        assert_eq!(Words::of("fr").money(&amount).unwrap(), "-1\u{a0}234\u{a0}567,50\u{a0}€");
        assert_eq!(Words::of("de-CH").money(&amount).unwrap(), "-1.234.567,50\u{a0}€");
        assert_eq!(
            Words::of("sv").money(&json!({"amount": "10", "currency": "SEK"})).unwrap(),
            "10\u{a0}SEK"
        );
        assert_eq!(Words::of("fr").day("2026-11-22T00:30:00+01:00"), "22 novembre 2026");
        assert_eq!(Words::of("en").day("soon"), "soon");
        assert_eq!(Words::of("fr").percent("5.50"), "5,5\u{a0}%");
        assert_eq!(Words::of("en").percent("20"), "20%");
    }
}
