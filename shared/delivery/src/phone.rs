//! Telephone numbers that a text message can be sent to.
//!
//! What is written is read as people of a country write it, by Google's metadata in the library `phonenumber`, which is
//! loaded with the first number: 6 MB of memory and some 50 ms. So nothing is read where no channel needs it.

use phonenumber::{Mode, Type, country, metadata::DATABASE};

/// No number with all its decoration is longer.
const MAX_BYTES: usize = 40;

/// The number in E.164, such as `+33612345678`, if it can be a mobile telephone's. `country` (ISO 3166-1) says
/// where it is dialled, if it does not begin with a country's code. Whether it exists only a delivery tells.
pub fn mobile_number(number: &str, country: Option<&str>) -> Option<String> {
    let number = number.trim();
    let is_written = |c: char| c.is_ascii_digit() || " +-./()\u{a0}\u{2011}".contains(c);
    if number.len() > MAX_BYTES || !number.chars().all(is_written) {
        return None;
    }
    let country = country.and_then(|code| code.trim().to_ascii_uppercase().parse::<country::Id>().ok());
    let parsed = phonenumber::parse(country, number).ok()?;
    // in some countries a number does not tell which it is
    let is_mobile = matches!(parsed.number_type(&DATABASE), Type::Mobile | Type::FixedLineOrMobile);
    (parsed.is_valid() && is_mobile).then(|| parsed.format().mode(Mode::E164).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_as_its_country_writes_it() {
        for (number, country, expected) in [
            ("+33 6 12 34 56 78", None, Some("+33612345678")),
            ("+33612345678", Some("GB"), Some("+33612345678")),
            ("06 12 34 56 78", Some("FR"), Some("+33612345678")),
            (" 06.12.34.56.78 ", Some("fr"), Some("+33612345678")),
            ("(415) 555-2671", Some("US"), Some("+14155552671")),
            ("07400 123456", Some("GB"), Some("+447400123456")),
            ("+49 1512 3456789", None, Some("+4915123456789")),
            // where it is dialled is not known
            ("06 12 34 56 78", None, None),
            ("06 12 34 56 78", Some("XX"), None),
            // no mobile telephone
            ("+33 1 23 45 67 89", None, None),
            ("0203 123 4567", Some("GB"), None),
            ("12", Some("DE"), None),
            ("", Some("FR"), None),
            ("0612345678;ext=1", Some("FR"), None),
            ("0612345678\r\nx", Some("FR"), None),
            ("+33 6 12 34 56 78 or +33 6 12 34 56 79", None, None),
            ("٠٦١٢٣٤٥٦٧٨", Some("FR"), None),
        ] {
            assert_eq!(mobile_number(number, country).as_deref(), expected, "{number} {country:?}");
        }
    }

    proptest::proptest! {
        /// Whatever stands in an order, reading it does no harm, and what is read is E.164.
        #[test]
        fn any_text_is_a_number_or_none(
            number in "[0-9+() ./x-]{0,41}", country in proptest::option::of("[A-Z]{2}")
        ) {
            if let Some(read) = mobile_number(&number, country.as_deref()) {
                proptest::prop_assert!(read.starts_with('+') && (8..=16).contains(&read.len()), "{}", read);
                proptest::prop_assert!(read[1..].bytes().all(|b| b.is_ascii_digit()), "{}", read);
                let again = mobile_number(&read, None);
                proptest::prop_assert_eq!(again.as_deref(), Some(read.as_str()));
            }
        }
    }
}
