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
    /// How every document is delivered, if not as the configuration says.
    pub delivery: Option<Delivery>,
    pub input: Input,
}

/// What one composition makes of every document, and the channels that take it.
#[derive(Debug, Clone, Copy)]
pub struct Delivery {
    pub channels: &'static [&'static str],
    /// Whether there is a page of HTML beside the PDF.
    pub html: bool,
    /// Whether a page is published: a link, and which of the document's links is in force.
    pub published: bool,
}

const fn pdf(channels: &'static [&'static str]) -> Delivery {
    Delivery { channels, html: false, published: false }
}

/// What every flow is measured with. What is for nobody's mailbox, such as a packing slip, is printed.
const DELIVERIES: [(&str, Delivery); 3] =
    [(ARCHIVE_ONLY, pdf(&[])), ("e-mail", pdf(&["email", "print"])), (PRINT, pdf(&["print"]))];
/// What does not depend on the flow is measured with the first one.
const OF_ORDERS: [(&str, Delivery); 3] = [
    ("e-mail-html", Delivery { html: true, ..pdf(&["email"]) }),
    ("text-message", Delivery { published: true, ..pdf(&["sms"]) }),
    ("web-page", Delivery { html: true, published: true, ..pdf(&["web"]) }),
];
pub const ARCHIVE_ONLY: &str = "archive-only";
const PRINT: &str = "print";

/// The events of the samples, below `infra/local/samples`.
const EVENTS: [&str; 2] = ["orders-create.json", "orders-paid.json"];

/// The flow functions with their samples.
const FLOWS: [(&str, Input); 6] = [
    (ORDERS, Input::Items(&EVENTS)),
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

pub const ORDERS: &str = "order-confirmation";
/// The flow whose documents are marketing.
pub const OFFERS: &str = "targeted-offers";
/// The functions that are no flow: on the way to one, and from one back to Shopify.
pub const INTAKE: &str = "intake";
pub const WRITE_BACK: &str = "write-back";

pub fn all() -> Vec<Scenario> {
    let intake = Scenario { function: INTAKE, name: "order", delivery: None, input: Input::Events(&EVENTS) };
    let write_back =
        Scenario { function: WRITE_BACK, name: "ten orders", delivery: None, input: Input::Reports };
    let flows = FLOWS.into_iter().flat_map(|(function, input)| {
        let further = if function == ORDERS { &OF_ORDERS[..] } else { &[] };
        DELIVERIES.iter().chain(further).map(move |&(name, delivery)| Scenario {
            function,
            name,
            delivery: Some(delivery),
            input,
        })
    });
    // the customer of the sample has agreed to e-mail only
    let flows = flows.filter(|scenario| (scenario.function, scenario.name) != (OFFERS, PRINT));
    [intake].into_iter().chain(flows).chain([write_back]).collect()
}

/// Whether a scenario publishes a page for each document.
pub fn is_published(name: &str) -> bool {
    OF_ORDERS.iter().any(|(scenario, delivery)| *scenario == name && delivery.published)
}

/// Whether a scenario's documents go to telephone numbers.
pub fn has_numbers(name: &str) -> bool {
    OF_ORDERS.iter().any(|(scenario, delivery)| *scenario == name && delivery.channels.contains(&"sms"))
}

/// How many further outputs a scenario's documents have.
pub fn further_outputs(name: &str) -> usize {
    OF_ORDERS.iter().filter(|(scenario, delivery)| *scenario == name && delivery.html).count()
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
