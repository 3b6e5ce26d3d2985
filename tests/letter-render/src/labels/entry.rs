//! A text in each language, and how it is found.

/// What it is called in driver data, then in English, French, German and Arabic.
pub(super) type Entry = (&'static str, [&'static str; 4]);

pub(crate) fn look_up(list: &[Entry], key: &str, language: &str) -> Option<&'static str> {
    let column = match language {
        "fr" => 1,
        "de" => 2,
        "ar" => 3,
        _ => 0,
    };
    list.iter().find(|(known, _)| *known == key).map(|(_, texts)| texts[column])
}
