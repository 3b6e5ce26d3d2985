//! Postal addresses: their parts, and the lines of an envelope. No I/O.
//!
//! Lines follow the rules of the Universal Postal Union: the recipient first, the country last and in capitals, and
//! between them the locality as the country of destination writes it.

use crate::{cut, one_line};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// No line of an envelope is longer.
const MAX_LINE_BYTES: usize = 120;

/// Where a letter goes. `Debug` prints nothing of it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PostalAddress {
    /// Who lives there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// Street and number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line1: Option<String>,
    /// What else finds the door.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line2: Option<String>,
    /// The postal code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// The city.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// The state, province or region: its code where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The country's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// ISO 3166-1, two letters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country_code: Option<String>,
}

impl fmt::Debug for PostalAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostalAddress").field("country", &self.country_code).finish_non_exhaustive()
    }
}

impl PostalAddress {
    /// Whether a letter could arrive: somebody, a street, a city and a country.
    pub fn is_usable(&self) -> bool {
        let is_code = |code: &str| code.len() == 2 && code.bytes().all(|b| b.is_ascii_alphabetic());
        (self.name().is_some() || self.company().is_some())
            && line(self.line1.as_deref()).is_some()
            && line(self.city.as_deref()).is_some()
            && self.country_code.as_deref().is_some_and(is_code)
    }

    /// The lines of the envelope, from the recipient to the country.
    pub fn lines(&self) -> Vec<String> {
        let mut lines =
            vec![self.name(), self.company(), line(self.line1.as_deref()), line(self.line2.as_deref())];
        lines.extend(self.locality().into_iter().map(Some));
        lines
            .push(line(self.country.as_deref().or(self.country_code.as_deref())).map(|it| it.to_uppercase()));
        lines.into_iter().flatten().collect()
    }

    fn name(&self) -> Option<String> {
        line(self.name.as_deref())
    }

    fn company(&self) -> Option<String> {
        line(self.company.as_deref())
    }

    /// City, region and postal code as the country writes them.
    fn locality(&self) -> Vec<String> {
        let [city, region, code] =
            [&self.city, &self.region, &self.postal_code].map(|it| line(it.as_deref()));
        let joined = |parts: [Option<String>; 3]| {
            let parts: Vec<_> = parts.into_iter().flatten().collect();
            (!parts.is_empty()).then(|| parts.join(" "))
        };
        let country = self.country_code.as_deref().unwrap_or_default().to_ascii_uppercase();
        let lines = match country.as_str() {
            "US" | "CA" | "AU" => vec![joined([city, region, code])],
            "GB" | "IE" | "IN" | "SG" | "NZ" | "ZA" => vec![city, region.filter(|_| country == "IN"), code],
            _ => vec![joined([code, city, None])],
        };
        lines.into_iter().flatten().collect()
    }
}

fn line(text: Option<&str>) -> Option<String> {
    let text = one_line(text.unwrap_or_default());
    let text = cut(text.trim(), MAX_LINE_BYTES).trim_end();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(country: &str, code: &str, city: &str, region: &str) -> PostalAddress {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        PostalAddress {
            name: text("Élodie Rivière"),
            line1: text("3 quai de la Fosse"),
            postal_code: text(code),
            city: text(city),
            region: text(region),
            country: text("Somewhere"),
            country_code: text(country),
            ..PostalAddress::default()
        }
    }

    #[test]
    fn the_locality_is_written_as_its_country_does() {
        for (given, expected) in [
            (address("FR", "44000", "Nantes", ""), &["44000 Nantes"][..]),
            (address("DE", "10115", "Berlin", "BE"), &["10115 Berlin"]),
            (address("US", "12345", "Albany", "NY"), &["Albany NY 12345"]),
            (address("GB", "SW1A 1AA", "London", "ENG"), &["London", "SW1A 1AA"]),
            (address("AE", "", "Dubai", ""), &["Dubai"]),
        ] {
            let lines = given.lines();
            assert_eq!(&lines[2..lines.len() - 1], expected);
            assert_eq!((lines[0].as_str(), lines.last().unwrap().as_str()), ("Élodie Rivière", "SOMEWHERE"));
        }
    }

    #[test]
    fn a_letter_needs_somebody_a_street_a_city_and_a_country() {
        let whole = address("FR", "44000", "Nantes", "");
        assert!(whole.is_usable());
        let without = |change: fn(&mut PostalAddress)| {
            let mut address = whole.clone();
            change(&mut address);
            address.is_usable()
        };
        assert!(!without(|it| it.name = None));
        assert!(without(|it| it.postal_code = None), "not every country has codes");
        assert!(!without(|it| it.line1 = Some(" \u{200b}\n".to_owned())));
        assert!(!without(|it| it.city = None));
        assert!(!without(|it| it.country_code = Some("France".to_owned())));
        assert!(!PostalAddress::default().is_usable());
    }

    #[test]
    fn a_line_is_one_line_and_bounded() {
        let odd = PostalAddress {
            name: Some("A\r\nB".to_owned()),
            line1: Some("x".repeat(500)),
            ..address("FR", "1", "N", "")
        };
        assert!(odd.lines().iter().all(|line| line.len() <= 120 && !line.contains(['\r', '\n'])));
        assert_eq!(format!("{odd:?}"), "PostalAddress { country: Some(\"FR\"), .. }");
    }
}
