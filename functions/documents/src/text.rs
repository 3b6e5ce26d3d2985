//! What pages say, in each language, in plain words. A document's locale that none of them speaks is written to in English.

use comms::month_name;
use jiff::{Timestamp, tz::TimeZone};

/// The texts of one language.
#[derive(Debug)]
pub struct Texts {
    /// As `lang` says it.
    pub lang: &'static str,
    /// As `dir` says it.
    pub dir: &'static str,
    pub from: &'static str,
    pub open: &'static str,
    pub download: &'static str,
    /// The document as a page of its own, for reading on a small screen and aloud.
    pub read: &'static str,
    /// Before a date.
    pub available_until: &'static str,
    pub questions: &'static str,
    pub private: &'static str,
    pub large: &'static str,
    pub loading: &'static str,
    pub loaded: &'static str,
    pub not_loaded: &'static str,
    pub expired: &'static str,
    pub revoked: &'static str,
    pub ended: &'static str,
    pub unknown: &'static str,
    pub check_link: &'static str,
    pub unavailable: &'static str,
    pub try_later: &'static str,
    /// `{d}`, `{m}` and `{y}` in this language's order.
    date: &'static str,
}

/// The index of a language in [`ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Language(usize);

impl Language {
    pub const ENGLISH: Self = Self(0);

    /// The language of a document's locale, such as `de-AT` or `pt_BR`.
    pub fn of(locale: &str) -> Self {
        Self::find(locale).unwrap_or(Self::ENGLISH)
    }

    /// The first language of the header `Accept-Language` that there are texts in. Browsers send the best one first.
    pub fn accepted(header: Option<&str>) -> Self {
        let tags = header.unwrap_or_default().split(',').take(10);
        let tags = tags.map(|tag| tag.split(';').next().unwrap_or_default().trim());
        tags.filter_map(Self::find).next().unwrap_or(Self::ENGLISH)
    }

    fn find(locale: &str) -> Option<Self> {
        let language = locale.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
        // what Hebrew was called until 1989, and still is by some systems
        let language = if language == "iw" { "he" } else { &language };
        ALL.iter().position(|texts| texts.lang == language).map(Self)
    }

    pub fn texts(self) -> &'static Texts {
        &ALL[self.0]
    }

    /// The day of a moment, in UTC.
    pub fn date(self, at: Timestamp) -> String {
        let (texts, date) = (self.texts(), at.to_zoned(TimeZone::UTC).date());
        let month = month_name(texts.lang, date.month());
        texts
            .date
            .replace("{d}", &date.day().to_string())
            .replace("{m}", month)
            .replace("{y}", &date.year().to_string())
    }
}

pub const ALL: [Texts; 5] = [
    Texts {
        lang: "en",
        dir: "ltr",
        from: "Sent to you by",
        open: "Open the document",
        download: "Save",
        read: "Read it as a web page",
        available_until: "Available here until",
        questions: "Questions?",
        private: "This page is meant for you alone: whoever has its address can open the document.",
        large: "This document is large. It is loaded in parts, which needs JavaScript.",
        loading: "Loading the document",
        loaded: "The document has been saved.",
        not_loaded: "The document could not be loaded. Please try again.",
        expired: "This link has expired",
        revoked: "This link has been withdrawn",
        ended: "The document can no longer be opened here. Please contact the sender if you need it.",
        unknown: "There is no document at this address",
        check_link: "Please check that you have opened the complete link from your message.",
        unavailable: "The document cannot be shown right now",
        try_later: "Please try again in a few minutes.",
        date: "{d} {m} {y}",
    },
    Texts {
        lang: "de",
        dir: "ltr",
        from: "Gesendet von",
        open: "Dokument öffnen",
        download: "Speichern",
        read: "Als Webseite lesen",
        available_until: "Hier abrufbar bis",
        questions: "Fragen?",
        private: "Diese Seite ist nur für Sie bestimmt: Wer ihre Adresse kennt, kann das Dokument öffnen.",
        large: "Dieses Dokument ist groß. Es wird in Teilen geladen; dafür ist JavaScript nötig.",
        loading: "Das Dokument wird geladen",
        loaded: "Das Dokument wurde gespeichert.",
        not_loaded: "Das Dokument konnte nicht geladen werden. Bitte versuchen Sie es noch einmal.",
        expired: "Dieser Link ist abgelaufen",
        revoked: "Dieser Link wurde zurückgezogen",
        ended: "Das Dokument kann hier nicht mehr geöffnet werden. Bitte wenden Sie sich an den Absender, wenn Sie es brauchen.",
        unknown: "Unter dieser Adresse gibt es kein Dokument",
        check_link: "Bitte prüfen Sie, ob Sie den vollständigen Link aus Ihrer Nachricht geöffnet haben.",
        unavailable: "Das Dokument kann gerade nicht angezeigt werden",
        try_later: "Bitte versuchen Sie es in einigen Minuten noch einmal.",
        date: "{d}. {m} {y}",
    },
    Texts {
        lang: "fr",
        dir: "ltr",
        from: "Envoyé par",
        open: "Ouvrir le document",
        download: "Enregistrer",
        read: "Lire comme page web",
        available_until: "Disponible ici jusqu’au",
        questions: "Des questions ?",
        private: "Cette page vous est réservée : toute personne qui en connaît l’adresse peut ouvrir le document.",
        large: "Ce document est volumineux. Il est chargé en plusieurs parties, ce qui nécessite JavaScript.",
        loading: "Chargement du document",
        loaded: "Le document a été enregistré.",
        not_loaded: "Le document n’a pas pu être chargé. Veuillez réessayer.",
        expired: "Ce lien a expiré",
        revoked: "Ce lien a été retiré",
        ended: "Le document ne peut plus être ouvert ici. Si vous en avez besoin, contactez l’expéditeur.",
        unknown: "Aucun document ne se trouve à cette adresse",
        check_link: "Vérifiez que vous avez ouvert le lien complet de votre message.",
        unavailable: "Le document ne peut pas être affiché pour le moment",
        try_later: "Veuillez réessayer dans quelques minutes.",
        date: "{d} {m} {y}",
    },
    Texts {
        lang: "ar",
        dir: "rtl",
        from: "مرسل من",
        open: "فتح المستند",
        download: "حفظ",
        read: "قراءته كصفحة ويب",
        available_until: "متاح هنا حتى",
        questions: "هل لديك أسئلة؟",
        private: "هذه الصفحة مخصصة لك وحدك: كل من لديه عنوانها يمكنه فتح المستند.",
        large: "هذا المستند كبير. يتم تحميله على أجزاء، ويتطلب ذلك JavaScript.",
        loading: "جارٍ تحميل المستند",
        loaded: "تم حفظ المستند.",
        not_loaded: "تعذر تحميل المستند. يرجى المحاولة مرة أخرى.",
        expired: "انتهت صلاحية هذا الرابط",
        revoked: "تم سحب هذا الرابط",
        ended: "لم يعد من الممكن فتح المستند هنا. يرجى التواصل مع المرسل إذا كنت بحاجة إليه.",
        unknown: "لا يوجد مستند في هذا العنوان",
        check_link: "يرجى التأكد من أنك فتحت الرابط الكامل الوارد في رسالتك.",
        unavailable: "لا يمكن عرض المستند الآن",
        try_later: "يرجى المحاولة مرة أخرى بعد بضع دقائق.",
        date: "{d} {m} {y}",
    },
    Texts {
        lang: "he",
        dir: "rtl",
        from: "נשלח על ידי",
        open: "פתיחת המסמך",
        download: "שמירה",
        read: "קריאה כדף אינטרנט",
        available_until: "זמין כאן עד",
        questions: "שאלות?",
        private: "דף זה מיועד לך בלבד: כל מי שיש לו את הכתובת יכול לפתוח את המסמך.",
        large: "המסמך גדול. הוא נטען בחלקים, ולשם כך נדרש JavaScript.",
        loading: "המסמך נטען",
        loaded: "המסמך נשמר.",
        not_loaded: "לא ניתן היה לטעון את המסמך. נא לנסות שוב.",
        expired: "תוקף הקישור פג",
        revoked: "הקישור בוטל",
        ended: "לא ניתן עוד לפתוח את המסמך כאן. אם המסמך נחוץ לך, יש לפנות לשולח.",
        unknown: "אין מסמך בכתובת זו",
        check_link: "נא לוודא שנפתח הקישור המלא מההודעה.",
        unavailable: "לא ניתן להציג את המסמך כעת",
        try_later: "נא לנסות שוב בעוד כמה דקות.",
        date: "{d} {m} {y}",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_is_written_to_in_its_language_or_in_english() {
        for (locale, lang) in [
            ("de", "de"),
            ("de-AT", "de"),
            ("DE_ch", "de"),
            ("fr-CA", "fr"),
            ("ar-EG", "ar"),
            ("iw", "he"),
            ("he-IL", "he"),
            ("ja", "en"),
            ("", "en"),
            ("d", "en"),
            ("den", "en"),
            ("../de", "en"),
        ] {
            assert_eq!(Language::of(locale).texts().lang, lang, "{locale}");
        }
    }

    #[test]
    fn a_browser_gets_the_first_language_there_is() {
        for (header, lang) in [
            (None, "en"),
            (Some(""), "en"),
            (Some("ja, de;q=0.8, en;q=0.5"), "de"),
            (Some("fr-CA"), "fr"),
            (Some("*"), "en"),
            (Some("ja,ja,ja,ja,ja,ja,ja,ja,ja,ja,de"), "en"),
        ] {
            assert_eq!(Language::accepted(header).texts().lang, lang, "{header:?}");
        }
    }

    #[test]
    fn dates_are_written_as_each_language_writes_them() {
        let at: Timestamp = "2026-11-27T23:59:59Z".parse().unwrap();
        let dates: Vec<_> = (0..ALL.len()).map(|index| Language(index).date(at)).collect();
        assert_eq!(
            dates,
            [
                "27 November 2026",
                "27. November 2026",
                "27 novembre 2026",
                "27 نوفمبر 2026",
                "27 בנובמבר 2026"
            ]
        );
    }
}
