//! Retention classes: for how long documents are kept, under which rule, and what becomes of them then.

use crate::{ShopConfig, check::Check};
use comms::{Document, MessageClass};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// What is kept of marketing, if the shop says nothing else.
const MARKETING: &str = "marketing";
/// What is kept of everything else.
const STATUTORY: &str = "statutory";

/// Evidence and metadata have room for so much.
const MAX_NAME_BYTES: usize = 32;
const MAX_BASIS_BYTES: usize = 128;

static CLASSES: LazyLock<[(&str, RetentionClass); 2]> = LazyLock::new(|| {
    let class = |days, legal_basis: &str, erasable| RetentionClass {
        days,
        legal_basis: legal_basis.to_owned(),
        erasable,
        expired: Expired::Keep,
    };
    [
        (STATUTORY, class(2557, "kept by law for its retention period (GDPR Art. 17(3)(b))", false)),
        (MARKETING, class(365, "proof of consent to marketing", true)),
    ]
});

/// A class of retention, by a name of your own in lower case. Two are there already, and can be given other values:
/// `statutory`, seven years, for all documents but marketing; `marketing`, one year and erasable, for marketing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetentionClass {
    /// For how many days the archive refuses to delete what is of this class. At most what the deployment allows
    /// (`maxRetentionDays`).
    #[schemars(range(min = 1))]
    pub days: u16,
    /// Why it is kept, such as the law that asks for it. Becomes evidence; at most 128 bytes.
    pub legal_basis: String,
    /// Whether what is of this class is erased when its customer asks for it: then it is encrypted with a key of the
    /// customer's, which can be destroyed.
    #[serde(default)]
    pub erasable: bool,
    /// What `ctl dispose` does once the days have ended: nothing (`keep`), or destroy it with a certificate (`destroy`).
    #[serde(default)]
    pub expired: Expired,
}

/// What becomes of evidence whose retention has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Expired {
    #[default]
    Keep,
    Destroy,
}

/// What becomes of a document when its customer asks for erasure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Erasure<'a> {
    /// Its key is destroyed.
    Erasable,
    /// It is kept until its retention ends, on this basis.
    Statutory { basis: &'a str },
}

impl ShopConfig {
    /// What becomes of a document when its customer asks for erasure.
    pub fn erasure(&self, document: Document) -> Erasure<'_> {
        match self.retention_class(document).1 {
            RetentionClass { erasable: true, .. } => Erasure::Erasable,
            RetentionClass { legal_basis, .. } => Erasure::Statutory { basis: legal_basis },
        }
    }

    /// The class of a document, with its name.
    pub fn retention_class(&self, document: Document) -> (&str, &RetentionClass) {
        let settings = self.documents.get(&document);
        let default = match settings.map_or(document.default_class(), |it| it.class(document)) {
            MessageClass::Marketing => MARKETING,
            MessageClass::Transactional | MessageClass::Regulated => STATUTORY,
        };
        let name = settings.and_then(|settings| settings.retention.as_deref()).unwrap_or(default);
        let found = self.named_class(name).or_else(|| self.named_class(STATUTORY));
        // a configuration that names a class that is not there is refused
        found.unwrap_or((CLASSES[0].0, &CLASSES[0].1))
    }

    /// The class of a name, as the shop has it or as it is without the shop's word.
    pub fn named_class(&self, name: &str) -> Option<(&str, &RetentionClass)> {
        let own = self.retention.get_key_value(name).map(|(name, class)| (name.as_str(), class));
        own.or_else(|| CLASSES.iter().find(|(it, _)| *it == name).map(|(name, class)| (*name, class)))
    }
}

impl Check {
    pub(crate) fn retention(&mut self, config: &ShopConfig) {
        for (name, class) in &config.retention {
            let field = |of: &str| format!("retention.{name}.{of}");
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.chars().all(plain) {
                let what = format!("has 1 to {MAX_NAME_BYTES} characters of a-z, 0-9 and -");
                self.fail(format!("retention.{name}"), what);
            }
            if class.days == 0 {
                self.fail(field("days"), "must be at least 1");
            }
            if class.days > self.max_retention_days {
                let most = self.max_retention_days;
                self.fail(
                    field("days"),
                    format!("must not be more than {most}, which this deployment allows"),
                );
            }
            if class.legal_basis.trim().is_empty() || class.legal_basis.len() > MAX_BASIS_BYTES {
                self.fail(field("legal_basis"), format!("must have 1 to {MAX_BASIS_BYTES} bytes"));
            }
        }
        for (document, settings) in &config.documents {
            if let Some(name) = &settings.retention
                && config.named_class(name).is_none()
            {
                let field = format!("documents.{document}.retention");
                self.fail(field, format!("`{name}` is not one of `retention`"));
            }
        }
        self.usual_classes(config);
    }

    /// Those that the shop does not give, but uses.
    fn usual_classes(&mut self, config: &ShopConfig) {
        for &document in config.documents.keys() {
            let (name, class) = config.retention_class(document);
            if !config.retention.contains_key(name) && class.days > self.max_retention_days {
                let (days, most) = (class.days, self.max_retention_days);
                self.fail(
                    format!("retention.{name}"),
                    format!(
                        "is missing, and its usual {days} days are more than the {most} of this deployment"
                    ),
                );
                return;
            }
        }
    }
}
