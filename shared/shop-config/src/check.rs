//! The problems of a configuration file, collected while its parts are checked.

use crate::{Texts, language::text_in};
use std::fmt;

/// One thing to correct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The field's path, such as `documents.receipt.channels`.
    pub field: String,
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.what)
    }
}

#[derive(Default)]
pub(crate) struct Check {
    pub max_retention_days: u16,
    pub problems: Vec<Problem>,
}

impl Check {
    pub(crate) fn fail(&mut self, field: impl Into<String>, what: impl Into<String>) {
        self.problems.push(Problem { field: field.into(), what: what.into() });
    }

    /// A part of a regulated document: nothing of that may be in a language the customer cannot read.
    pub(crate) fn speaks(&mut self, field: &str, texts: &Texts, locales: &[String]) {
        for locale in locales.iter().filter(|_| !texts.is_empty()) {
            if text_in(texts, locale, locale).is_none() {
                self.fail(field, format!("has no text for `{locale}`"));
            }
        }
    }
}
