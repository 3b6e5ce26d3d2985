//! Links against a server in the place of DynamoDB: what is asked, and what an answer means.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::new_without_default,
    reason = "helpers of tests fail the way tests do"
)]

mod contract_files;
mod requests;

use comms::{CommunicationId, Document, ShopDomain};
use jiff::Timestamp;
use links::{LinkKey, LinkedOutput, Publication, Sender};

/// What the tests publish.
pub struct Sample {
    pub communication: CommunicationId,
    pub shop: ShopDomain,
    pub sender: Sender,
    pub outputs: Vec<LinkedOutput>,
}

impl Sample {
    pub fn new() -> Self {
        let folder = "northwind-demo.myshopify.com/2026/11/27/receipt/c4809f9b199959867b344883a5f958d0";
        let output = |name: &str, media_type: &str| LinkedOutput {
            object: format!("{folder}/{name}"),
            version_id: "3HL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY".to_owned(),
            media_type: media_type.to_owned(),
            bytes: 48_213,
            sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
        };
        Self {
            communication: "c4809f9b199959867b344883a5f958d0".parse().unwrap(),
            shop: "northwind-demo.myshopify.com".parse().unwrap(),
            sender: Sender {
                name: "Northwind Outfitters".to_owned(),
                email: Some("service@northwind.example".to_owned()),
                phone: Some("+33 1 00 00 00 00".to_owned()),
                url: Some("https://northwind.example".to_owned()),
                colour: Some("#1a5f7a".to_owned()),
            },
            outputs: vec![output("document.pdf", "application/pdf"), output("document.html", "text/html")],
        }
    }

    pub fn publication(&self) -> Publication<'_> {
        Publication {
            communication: &self.communication,
            shop: &self.shop,
            document: Document::Receipt,
            locale: "fr-CA",
            name: Some("#1001"),
            sender: &self.sender,
            outputs: &self.outputs,
            valid_days: 90,
        }
    }
}

pub fn key() -> LinkKey {
    LinkKey::new("k".repeat(64).into()).unwrap()
}

pub fn now() -> Timestamp {
    "2026-11-27T12:00:00Z".parse().unwrap()
}
