//! Texts of the shop with placeholders for what a document is about.

use crate::check::Check;
use std::{borrow::Cow, collections::BTreeMap};

/// What a placeholder stands for, by its name. `order` and `name` mean the same.
const NAMES: [&str; 3] = ["order", "name", "brand"];

/// Stands for the address of the document's page, in the texts of messages only.
const LINK: &str = "link";

/// Stands for the address of the page that ends marketing, in the texts of marketing messages only.
const UNSUBSCRIBE: &str = "unsubscribe";

/// The values that placeholders stand for.
#[derive(Debug, Clone, Copy)]
pub struct Placeholders<'a> {
    /// What a person calls what the document is about, such as `#1001`: `{order}` and `{name}`.
    pub name: &'a str,
    /// The brand's name: `{brand}`.
    pub brand: &'a str,
    /// The address of the document's page: `{link}`. Empty where the text has none.
    pub link: &'a str,
    /// The address of the page that ends marketing: `{unsubscribe}`. Empty where there is none.
    pub unsubscribe: &'a str,
}

/// Whether a text has the placeholder `{link}`.
pub(crate) fn has_link(text: &str) -> bool {
    pieces(text).any(|piece| piece == Piece::Placeholder(LINK))
}

/// Whether a text has the placeholder `{unsubscribe}`.
pub(crate) fn has_unsubscribe(text: &str) -> bool {
    pieces(text).any(|piece| piece == Piece::Placeholder(UNSUBSCRIBE))
}

impl Placeholders<'_> {
    /// `text` with its placeholders filled. What is filled in is not looked at again, and what is no known placeholder
    /// stays as it is.
    ///
    /// ```
    /// use shop_config::Placeholders;
    ///
    /// let values = Placeholders { name: "#1001 {brand}", brand: "Acme", link: "", unsubscribe: "" };
    /// assert_eq!(values.fill("{brand}: {order} {x}"), "Acme: #1001 {brand} {x}");
    /// ```
    pub fn fill(&self, text: &str) -> String {
        pieces(text)
            .map(|piece| match piece {
                Piece::Placeholder("order" | "name") => self.name.into(),
                Piece::Placeholder("brand") => self.brand.into(),
                Piece::Placeholder(LINK) => self.link.into(),
                Piece::Placeholder(UNSUBSCRIBE) => self.unsubscribe.into(),
                Piece::Placeholder(other) => Cow::Owned(format!("{{{other}}}")),
                Piece::Text(text) => text.into(),
            })
            .collect()
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    /// The letters between two braces.
    Placeholder(&'a str),
}

fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if let Some((name, after)) = rest.strip_prefix('{').and_then(|it| it.split_once('}'))
            && !name.is_empty()
            && name.bytes().all(|it| it.is_ascii_lowercase() || it == b'_')
        {
            rest = after;
            return Some(Piece::Placeholder(name));
        }
        let first = rest.chars().next()?;
        // a brace that begins no placeholder is text
        let from = first.len_utf8();
        let end = rest.get(from..)?.find('{').map_or(rest.len(), |at| at.saturating_add(from));
        let (text, after) = rest.split_at(end);
        rest = after;
        Some(Piece::Text(text))
    })
}

impl Check {
    /// Texts by locale: none empty or longer than `most` characters, no placeholder that stands for nothing.
    pub(crate) fn texts(&mut self, field: &str, texts: &BTreeMap<String, String>, most: usize) {
        for (locale, text) in texts {
            self.text(&format!("{field}.{locale}"), text, most, &NAMES);
        }
    }

    /// Texts of messages, which may lead to the document's page.
    pub(crate) fn messages(&mut self, field: &str, texts: &BTreeMap<String, String>, most: usize) {
        for (locale, text) in texts {
            self.message(&format!("{field}.{locale}"), text, most);
        }
    }

    pub(crate) fn message(&mut self, field: &str, text: &str, most: usize) {
        self.text(field, text, most, &[&NAMES[..], &[LINK, UNSUBSCRIBE]].concat());
    }

    fn text(&mut self, field: &str, text: &str, most: usize, known: &[&str]) {
        if text.trim().is_empty() || text.chars().count() > most {
            self.fail(field, format!("must have 1 to {most} characters"));
        }
        for piece in pieces(text) {
            if let Piece::Placeholder(name) = piece
                && !known.contains(&name)
            {
                let known: Vec<_> = known.iter().map(|name| format!("{{{name}}}")).collect();
                self.fail(field, format!("{{{name}}} stands for nothing; there are {}", known.join(", ")));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_that_are_no_placeholder_are_text() {
        let values = Placeholders { name: "N", brand: "B", link: "L", unsubscribe: "U" };
        for (text, filled) in [
            ("", ""),
            ("{", "{"),
            ("}{", "}{"),
            ("{}", "{}"),
            ("{order", "{order"),
            ("{{order}}", "{N}"),
            ("{Order}", "{Order}"),
            ("é{name}ü{brand}", "éNüB"),
            ("{other} {order}", "{other} N"),
            ("{link}{name}", "LN"),
            ("{unsubscribe}", "U"),
        ] {
            assert_eq!(values.fill(text), filled, "{text}");
        }
    }

    proptest::proptest! {
        /// Nothing of a text is lost, and nothing that is filled in is read as a placeholder.
        #[test]
        fn a_text_without_placeholders_stays_itself(text in "[a-z{} ]{0,40}") {
            let kept: String = pieces(&text).map(|piece| match piece {
                Piece::Text(text) => text.to_owned(),
                Piece::Placeholder(name) => format!("{{{name}}}"),
            }).collect();
            proptest::prop_assert_eq!(&kept, &text);
            let values = Placeholders { name: "{brand}", brand: "{order}", link: "{name}", unsubscribe: "{link}" };
            let count = |text: &str, what: &str| text.matches(what).count();
            let filled = values.fill(&text);
            let expected = count(&text, "{order}") + count(&text, "{name}");
            proptest::prop_assert_eq!(count(&filled, "{brand}"), expected);
        }
    }
}
