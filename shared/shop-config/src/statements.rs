//! Account statements: whose, when, and how they are composed.

use crate::{
    DriverRoot, Texts,
    check::Check,
    marketing::{SCHEDULE, schedule},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Statements of trade accounts.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Statements {
    /// `cron(…)` or `rate(…)` of EventBridge Scheduler, in the shop's time zone. A run covers the month before.
    #[serde(default = "default_schedule")]
    pub schedule: String,
    /// Whether every company location gets a statement.
    #[serde(default = "yes")]
    pub company_locations: bool,
    /// Customers with this tag get a statement too.
    pub customer_tag: Option<String>,
    /// The upper ends of the ageing buckets, in days overdue.
    #[serde(default = "default_ageing_days")]
    pub ageing_days: Vec<u16>,
    /// How to pay, by locale. One for every locale, if statements are `regulated`.
    #[serde(default)]
    pub payment_instructions: Texts,
    /// How the documents of a run are composed.
    #[serde(default)]
    pub compose: Compose,
}

/// Customers per driver file where a shop does not say otherwise.
pub const CUSTOMERS_PER_FILE: u16 = 500;

/// How the documents of a run are composed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "mode", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Compose {
    /// One request per document.
    #[default]
    OnDemand,
    /// One Exstream batch job for many customers. Needs `orchestration`.
    Batch {
        /// Customers per driver file.
        #[schemars(range(min = 1))]
        #[serde(default = "default_customers_per_file")]
        customers_per_file: u16,
    },
}

impl Statements {
    /// `must_speak`: the languages that a regulated statement is written in.
    pub(crate) fn check(&self, check: &mut Check, root: DriverRoot, must_speak: Option<&[String]>) {
        if let Some(locales) = must_speak {
            check.speaks("statements.payment_instructions", &self.payment_instructions, locales);
        }
        if !schedule(&self.schedule) {
            check.fail("statements.schedule", SCHEDULE);
        }
        if !self.company_locations && self.customer_tag.is_none() {
            check.fail("statements", "is for nobody: set company_locations or customer_tag");
        }
        if let Some(tag) = &self.customer_tag {
            check.tags("statements.customer_tag", std::slice::from_ref(tag));
        }
        if self.ageing_days.is_empty() || !self.ageing_days.is_sorted_by(|a, b| a < b) {
            check.fail("statements.ageing_days", "must be rising numbers of days, such as [30, 60, 90]");
        }
        if matches!(self.compose, Compose::Batch { .. }) && root == DriverRoot::None {
            check.fail("statements.compose", "`batch` needs `exstream.driver_root = \"customers\"`");
        }
        if let Compose::Batch { customers_per_file: 0 } = self.compose {
            check.fail("statements.compose.customers_per_file", "must be at least 1");
        }
    }
}

fn yes() -> bool {
    true
}

/// Six in the morning of the first of each month.
fn default_schedule() -> String {
    "cron(0 6 1 * ? *)".to_owned()
}

fn default_ageing_days() -> Vec<u16> {
    vec![30, 60, 90]
}

fn default_customers_per_file() -> u16 {
    CUSTOMERS_PER_FILE
}

#[cfg(test)]
mod tests {
    use crate::ShopConfig;

    const SHOP: &str = include_str!("../tests/fixtures/shop.toml");

    #[test]
    fn payment_instructions_of_a_regulated_statement_speak_every_language() {
        let with = |class: &str| {
            let statement = "[documents.account-statement]\ncommunication = \"x\"\ndata_source = \"y\"";
            let statement = format!("{statement}\nmessage_class = \"{class}\"");
            let run = "[statements]\npayment_instructions = { en = \"Pay.\" }";
            let text = SHOP.replace("[exstream]", &format!("{run}\n\n{statement}\n\n[exstream]"));
            ShopConfig::parse(&text).map_err(|error| error.to_string())
        };
        let problem = "statements.payment_instructions: has no text for `fr`";
        assert_eq!(with("regulated").unwrap_err(), problem);
        with("transactional").unwrap();
    }

    #[test]
    fn a_batch_needs_a_root_for_its_customers() {
        let with = |root: &str| {
            let run = "[statements]\ncompose = { mode = \"batch\", customers_per_file = 9 }";
            let text = SHOP.replace("[exstream]", &format!("{run}\n\n[exstream]\n{root}"));
            ShopConfig::parse(&text).map(drop).map_err(|error| error.to_string())
        };
        assert_eq!(with(""), Ok(()));
        let problem = "statements.compose: `batch` needs `exstream.driver_root = \"customers\"`";
        assert_eq!(with("driver_root = \"none\"").unwrap_err(), problem);
    }
}
