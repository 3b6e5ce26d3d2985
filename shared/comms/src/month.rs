//! The names of months in the languages that customers are written to.

/// A month's name inside of a date, in `en`, `de`, `fr`, `ar` or `he`; in English for every other language. `month` is 1 to
/// 12; another one has no name.
///
/// ```
/// assert_eq!(comms::month_name("fr", 8), "août");
/// assert_eq!((comms::month_name("ja", 1), comms::month_name("en", 13)), ("January", ""));
/// ```
#[rustfmt::skip]
pub fn month_name(language: &str, month: i8) -> &'static str {
    let names = match language {
        "de" => ["Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"],
        "fr" => ["janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"],
        "ar" => ["يناير", "فبراير", "مارس", "أبريل", "مايو", "يونيو", "يوليو", "أغسطس", "سبتمبر", "أكتوبر", "نوفمبر", "ديسمبر"],
        "he" => ["בינואר", "בפברואר", "במרץ", "באפריל", "במאי", "ביוני", "ביולי", "באוגוסט", "בספטמבר", "באוקטובר", "בנובמבר", "בדצמבר"],
        _ => ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"],
    };
    let index = usize::try_from(month).ok().and_then(|month| month.checked_sub(1));
    index.and_then(|index| names.get(index)).copied().unwrap_or_default()
}
