//! What is measured: the functions, and for each what it is given.

/// Where a function's events come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// Samples as they arrive on the bus, one per invocation.
    Events(&'static [&'static str]),
    /// Batches of the work items the real intake makes of samples.
    Items(&'static [&'static str]),
    /// Batches of work items as they are.
    Made(&'static [&'static str]),
    /// Batches of the reports that flow functions make of their items.
    Reports,
}

#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    pub function: &'static str,
    pub name: &'static str,
    /// The channels of every document, if not the configuration's own.
    pub channels: Option<&'static [&'static str]>,
    pub input: Input,
}

/// What every flow is measured with: the scenario's name and the channels of all documents. What is for nobody's
/// mailbox, such as a packing slip, is printed.
const CHANNELS: [(&str, &[&str]); 3] =
    [(ARCHIVE_ONLY, &[]), ("e-mail", &["email", "print"]), (PRINT, &["print"])];
pub const ARCHIVE_ONLY: &str = "archive-only";
const PRINT: &str = "print";

/// The events of the samples, below `infra/local/samples`.
const EVENTS: [&str; 2] = ["orders-create.json", "orders-paid.json"];

/// The flow functions with their samples.
const FLOWS: [(&str, Input); 6] = [
    ("order-confirmation", Input::Items(&EVENTS)),
    (
        "shipping-documents",
        Input::Items(&[
            "shipping-documents/fulfillments-create.json",
            "shipping-documents/fulfillment-events-create.json",
        ]),
    ),
    (
        "return-letters",
        Input::Items(&["return-letters/returns-approve.json", "return-letters/refunds-create.json"]),
    ),
    (
        "exception-letters",
        Input::Items(&["exception-letters/orders-cancelled.json", "exception-letters/disputes-create.json"]),
    ),
    (OFFERS, Input::Items(&["targeted-offers/customer-joined-segment.json"])),
    ("account-statements", Input::Made(&[include_str!("../fixtures/account-statement.json")])),
];

/// The flow whose documents are marketing.
pub const OFFERS: &str = "targeted-offers";
/// The functions that are no flow: on the way to one, and from one back to Shopify.
pub const INTAKE: &str = "intake";
pub const WRITE_BACK: &str = "write-back";

pub fn all() -> Vec<Scenario> {
    let intake = Scenario { function: INTAKE, name: "order", channels: None, input: Input::Events(&EVENTS) };
    let write_back =
        Scenario { function: WRITE_BACK, name: "ten orders", channels: None, input: Input::Reports };
    let flows = FLOWS.into_iter().flat_map(|(function, input)| {
        CHANNELS.map(|(name, channels)| Scenario { function, name, channels: Some(channels), input })
    });
    // the customer of the sample has agreed to e-mail only
    let flows = flows.filter(|scenario| (scenario.function, scenario.name) != (OFFERS, PRINT));
    [intake].into_iter().chain(flows).chain([write_back]).collect()
}

/// Whether a function composes documents: the budgets are about these.
pub fn is_flow(function: &str) -> bool {
    FLOWS.iter().any(|(flow, _)| *flow == function)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn every_sample_exists() {
        let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/local/samples");
        for scenario in all() {
            if let Input::Events(files) | Input::Items(files) = scenario.input {
                files.iter().for_each(|file| assert!(samples.join(file).is_file(), "{file}"));
            }
        }
    }
}
