//! The locale that a document is written in: the closest one to what its customer reads.

use crate::{ShopConfig, language::Asked};
use comms::Document;

/// A document's locale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Locale<'a> {
    pub locale: &'a str,
    /// Whether it is in a language the customer asked for.
    pub translated: bool,
}

/// A regulated document would be in a language its customer does not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "no translation for the locale {asked}: a regulated document needs one (documents.{document}.locales)"
)]
pub struct NoTranslation {
    document: Document,
    asked: String,
}

impl ShopConfig {
    /// The locale to write a document in: for the first wanted one that its template can speak, the closest of the
    /// template's; else the shop's default.
    ///
    /// ```text
    /// wanted fr-CA, locales [en, fr] → fr
    /// wanted zh-Hant-TW, locales [en, zh-CN] → en
    /// ```
    pub fn locale<'a>(&'a self, document: Document, wanted: &[Option<&str>]) -> Locale<'a> {
        let own = self.documents.get(&document).and_then(|settings| settings.locales.as_ref());
        let locales = own.unwrap_or(&self.locales);
        let asked: Vec<_> = wanted.iter().flatten().filter_map(|&want| Asked::read(want)).collect();
        let spoken = |asked: &Asked| asked.closest(locales.iter().map(String::as_str));
        match asked.iter().find_map(spoken) {
            Some(locale) => Locale { locale, translated: true },
            None => Locale {
                locale: &self.default_locale,
                // somebody who asked for no language got what they asked for
                translated: asked.iter().all(|asked| asked.closest([self.default_locale.as_str()]).is_some()),
            },
        }
    }

    /// Whether the document's template speaks a language.
    pub fn speaks(&self, document: Document, language: &str) -> bool {
        Asked::read(language).is_some() && self.locale(document, &[Some(language)]).translated
    }

    /// The locale to write a document in, as [`locale`](Self::locale) finds it.
    ///
    /// # Errors
    /// For a regulated document that speaks none of the languages the customer reads.
    pub fn locale_to_send<'a>(
        &'a self,
        document: Document,
        wanted: &[Option<&str>],
    ) -> Result<&'a str, NoTranslation> {
        let locale = self.locale(document, wanted);
        if self.is_regulated(document) && !locale.translated {
            let asked = wanted.iter().flatten().find(|want| Asked::read(want).is_some());
            let asked = asked.copied().unwrap_or_default();
            let asked = asked.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(12).collect();
            return Err(NoTranslation { document, asked });
        }
        Ok(locale.locale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Texts, text_in};
    use std::collections::BTreeMap;

    const SHOP: &str = include_str!("../tests/fixtures/shop.toml");

    /// What is wanted, what the template speaks, and what comes out. `-`: none of them.
    const MATCHES: &[(&str, &[&str], &str)] = &[
        // the language alone
        ("fr", &["en", "fr"], "fr"),
        ("FR", &["en", "fr"], "fr"),
        ("fr-CA", &["en", "fr"], "fr"),
        ("fr", &["en", "fr-FR"], "fr-FR"),
        ("fr-BE", &["en", "fr-CA", "fr-FR"], "fr-CA"),
        ("de", &["en", "fr"], "-"),
        ("de-AT", &["en", "de-DE", "de-AT"], "de-AT"),
        ("de-CH-1901", &["de", "fr"], "de"),
        ("en-US-u-hc-h12", &["fr", "en"], "en"),
        // regions
        ("en-GB", &["fr", "en"], "en"),
        ("en-GB", &["en-US", "en-GB"], "en-GB"),
        ("en-AU", &["en", "en-GB"], "en-GB"),
        ("en-AU", &["en-US", "en-001"], "en-001"),
        ("en", &["en-GB", "en-US"], "en-US"),
        ("pt-BR", &["pt-PT", "pt-BR"], "pt-BR"),
        ("pt-PT", &["pt-BR", "pt-PT"], "pt-PT"),
        ("pt", &["pt-PT", "pt-BR"], "pt-BR"),
        ("pt-PT", &["pt", "en"], "pt"),
        ("pt-PT", &["en", "pt-BR"], "pt-BR"),
        ("pt-AO", &["pt", "pt-PT"], "pt-PT"),
        ("es-MX", &["es", "es-419"], "es-419"),
        ("es-419", &["es-ES", "es-MX"], "es-MX"),
        ("es-ES", &["es-419", "es"], "es"),
        ("es-419", &["en", "es"], "es"),
        // scripts
        ("zh-Hant-TW", &["zh-Hans", "zh-Hant"], "zh-Hant"),
        ("zh-Hant-TW", &["zh-Hans"], "-"),
        ("zh-TW", &["zh", "zh-Hant"], "zh-Hant"),
        ("zh-TW", &["en", "zh"], "-"),
        ("zh-TW", &["zh-CN", "zh-TW"], "zh-TW"),
        ("zh-HK", &["zh-CN", "zh-TW"], "zh-TW"),
        ("zh-Hant", &["zh-CN", "zh-TW"], "zh-TW"),
        ("zh-CN", &["zh-TW", "zh-Hans"], "zh-Hans"),
        ("zh-SG", &["zh-Hant", "zh"], "zh"),
        ("zh", &["zh-TW", "zh-CN"], "zh-CN"),
        ("zh-cmn-Hans-CN", &["en", "zh"], "zh"),
        ("sr-Latn", &["sr", "en"], "-"),
        ("sr-Latn-RS", &["sr", "sr-Latn"], "sr-Latn"),
        ("sr", &["sr-Latn"], "-"),
        ("sr-Cyrl", &["sr-Latn", "sr"], "sr"),
        ("sh", &["sr", "sr-Latn"], "sr-Latn"),
        ("uz-Cyrl", &["uz"], "-"),
        ("ku-Arab", &["ku"], "-"),
        // codes that have changed, and Norwegian
        ("iw", &["en", "he"], "he"),
        ("he-IL", &["en", "iw"], "iw"),
        ("in", &["en", "id"], "id"),
        ("id-ID", &["en", "in"], "in"),
        ("no", &["en", "nb"], "nb"),
        ("nb", &["en", "no"], "no"),
        ("nb-NO", &["en", "no"], "no"),
        ("nn", &["en", "no"], "no"),
        ("nn-NO", &["nb", "nn"], "nn"),
        ("nn", &["en", "nb"], "nb"),
        ("tl", &["en", "fil"], "fil"),
        ("mo", &["en", "ro"], "ro"),
        // spellings
        ("pt_BR", &["pt-PT", "pt-BR"], "pt-BR"),
        ("zh_Hant_TW", &["zh", "zh-Hant"], "zh-Hant"),
        ("pt-br", &["pt-PT", "pt_BR"], "pt_BR"),
        ("de_DE.UTF-8", &["en", "de"], "de"),
        (" fr ", &["en", "fr"], "fr"),
        ("es-MX-posix", &["en", "es"], "es"),
        // no locale
        ("", &["en", "fr"], "-"),
        ("und", &["en", "fr"], "-"),
        ("?", &["en", "fr"], "-"),
        ("français", &["en", "fr"], "-"),
        ("-", &["en", "fr"], "-"),
        ("x-default", &["en", "fr"], "-"),
        ("👋", &["en", "👋 "], "-"),
    ];

    #[test]
    fn the_closest_locale_is_found() {
        let wrong: Vec<_> = MATCHES
            .iter()
            .filter_map(|&(wanted, known, right)| {
                let found = Asked::read(wanted).and_then(|it| it.closest(known.iter().copied()));
                (found.unwrap_or("-") != right)
                    .then(|| format!("{wanted} of {known:?}: {found:?}, not {right}"))
            })
            .collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    /// The same for texts by locale, where the last resort is the shop's default.
    #[test]
    fn a_text_is_found_as_a_document_is() {
        for &(wanted, known, right) in MATCHES {
            let mut texts: Texts = known.iter().map(|&it| (it.to_owned(), it.to_owned())).collect();
            texts.insert("xx-default".to_owned(), "-".to_owned());
            assert_eq!(text_in(&texts, wanted, "xx-default"), Some(right), "{wanted} of {known:?}");
        }
        let texts: Texts = BTreeMap::from([("en".to_owned(), "Hello".to_owned())]);
        assert_eq!(text_in(&texts, "fr", "en-GB"), Some("Hello"), "the default falls back, too");
        assert_eq!(text_in(&texts, "fr", "fr"), None);
        assert_eq!(text_in(&Texts::new(), "fr", "en"), None);
    }

    #[test]
    fn a_document_is_in_the_first_language_that_it_speaks() {
        let config = ShopConfig::parse(SHOP).unwrap();
        for (wanted, locale, translated) in [
            (vec![Some("fr-CA")], "fr", true),
            (vec![Some("FR")], "fr", true),
            (vec![Some("de"), Some("fr")], "fr", true),
            (vec![Some("de"), None], "en", false),
            (vec![None], "en", true),
            (vec![Some("?")], "en", true),
            (vec![Some("?"), Some("fr")], "fr", true),
            (vec![Some("en-GB")], "en", true),
        ] {
            let found = config.locale(Document::Receipt, &wanted);
            assert_eq!((found.locale, found.translated), (locale, translated), "{wanted:?}");
        }
    }

    #[test]
    fn a_regulated_document_is_in_no_language_or_script_that_its_customer_does_not_read() {
        let regulated =
            "[documents.receipt]\nmessage_class = \"regulated\"\nlocales = [\"en\", \"zh-CN\", \"no\"]";
        let config = ShopConfig::parse(&SHOP.replace("[documents.receipt]", regulated)).unwrap();
        let send = |wanted| config.locale_to_send(Document::Receipt, &[Some(wanted)]);
        assert_eq!(send("zh-Hans-SG"), Ok("zh-CN"));
        assert_eq!(send("nb-NO"), Ok("no"));
        let refused = send("zh-Hant-TW").unwrap_err().to_string();
        assert!(refused.starts_with("no translation for the locale zh-Hant-TW"), "{refused}");
    }
}
