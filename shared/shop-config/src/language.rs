//! Which of several languages is closest to the one that is wanted: Unicode's locale fallback, by CLDR's data.
//!
//! Locales come from customers, orders and people who write configurations: `pt_BR`, `iw`, `zh-Hant-TW`, `no`. Two
//! match when one falls back to the other, or both to the same: `es-MX` to `es-419`, `pt-AO` to `pt-PT`, `zh-HK` to
//! `zh-Hant`, `nn` to `no`. A locale in another script of the same language is none that the customer reads. What
//! is no locale at all counts as not asked for.

use icu_locale::{LanguageIdentifier, LocaleCanonicalizer, LocaleExpander, LocaleFallbacker};
use std::collections::BTreeMap;

/// Texts by locale.
pub type Texts = BTreeMap<String, String>;

/// The text for a locale: the closest one, or else that in the shop's default locale.
pub fn text_in<'a>(texts: &'a Texts, locale: &str, default_locale: &str) -> Option<&'a str> {
    in_locale(texts, locale, default_locale).map(String::as_str)
}

/// The same, of whatever there is by locale.
pub fn in_locale<'a, T>(texts: &'a BTreeMap<String, T>, locale: &str, default_locale: &str) -> Option<&'a T> {
    // most locales are written as the configuration writes them
    let found = texts.get(locale).or_else(|| {
        let closest = |wanted| Asked::read(wanted)?.closest(texts.keys().map(String::as_str));
        texts.get(closest(locale).or_else(|| closest(default_locale))?)
    });
    found.or_else(|| texts.get(default_locale))
}

/// A locale that somebody wants.
pub(crate) struct Asked {
    given: String,
    full: LanguageIdentifier,
    /// From itself to its most general form.
    chain: Vec<LanguageIdentifier>,
}

impl Asked {
    /// `None` if it is no locale, or says nothing (`und`).
    pub(crate) fn read(given: &str) -> Option<Self> {
        let locale = canonical(given)?;
        let full = likely(&locale);
        (!full.language.is_unknown()).then(|| Self { given: given.to_owned(), full, chain: chain(&locale) })
    }

    /// The locale among `known` that this one shares the closest form with. Of several, the one that is closer to
    /// that form itself, then the one of the most likely region, then the first.
    pub(crate) fn closest<'a>(&self, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
        let mut best: Option<((usize, usize, bool), &str)> = None;
        for text in known {
            if text.eq_ignore_ascii_case(&self.given) {
                return Some(text);
            }
            let Some(distance) = canonical(text).and_then(|locale| self.distance(&locale)) else { continue };
            if best.is_none_or(|(least, _)| distance < least) {
                best = Some((distance, text));
            }
        }
        best.map(|(_, text)| text)
    }

    fn distance(&self, known: &LanguageIdentifier) -> Option<(usize, usize, bool)> {
        let full = likely(known);
        if full.language == self.full.language && full.script != self.full.script {
            return None;
        }
        if full == self.full {
            return Some((0, 0, false));
        }
        let theirs = chain(known);
        self.chain.iter().enumerate().find_map(|(mine, form)| {
            let other = theirs.iter().position(|it| it == form)?;
            Some((mine, other, full.region != self.full.region))
        })
    }
}

/// The language, script and region of a locale in today's spelling: `iw_IL` is `he-IL`. POSIX's encoding and
/// modifier (`de_DE.UTF-8@euro`) and everything from the first part that is no part of a locale are left out.
fn canonical(text: &str) -> Option<LanguageIdentifier> {
    let text = text.trim().split(['.', '@']).next()?.replace('_', "-");
    let mut rest = text.as_str();
    let mut locale = loop {
        if let Ok(locale) = rest.parse::<icu_locale::Locale>() {
            break locale;
        }
        rest = rest.rsplit_once('-')?.0;
    };
    LocaleCanonicalizer::new_common().canonicalize(&mut locale);
    locale.id.variants.clear();
    Some(locale.id)
}

/// With the likely script and region.
fn likely(locale: &LanguageIdentifier) -> LanguageIdentifier {
    let mut full = locale.clone();
    LocaleExpander::new_extended().maximize(&mut full);
    full
}

/// A locale and what it falls back to, but for the root of all.
fn chain(locale: &LanguageIdentifier) -> Vec<LanguageIdentifier> {
    let mut falling = LocaleFallbacker::new().for_config(Default::default()).fallback_for(locale.into());
    let mut chain = Vec::new();
    while !falling.get().is_unknown() {
        chain.push(falling.get().into_locale().id);
        falling.step();
    }
    chain
}
