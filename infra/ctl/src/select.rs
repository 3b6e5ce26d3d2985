//! Which communications a command is about: one, those of an order or a customer, or those of a query.

use crate::{failure::Failure, stack::Stack};
use archive::{EvidenceRecord, RecordRef, is_test, place};
use comms::{CommunicationId, Document, Flow, Gid, InvalidGid, ShopDomain, chain};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::civil::Date;
use ledger::{Entry, Found};

/// So many records are read at once.
const READS_AT_ONCE: usize = 16;

/// One communication by its id; or with `--shop` those of an order, of a customer, of a flow or document, of a period,
/// or of several of these at once.
#[derive(clap::Args)]
pub struct Selection {
    /// A communication's id.
    #[arg(conflicts_with_all = ["shop", "order", "customer", "flow", "document", "from", "to"])]
    communication: Option<CommunicationId>,
    /// The shop.
    #[arg(long)]
    shop: Option<ShopDomain>,
    /// The order, customer or company location that they are reported on: its global id.
    #[arg(long, requires = "shop")]
    order: Option<Gid>,
    /// The customer's global id. Reads all records of the period.
    #[arg(long, requires = "shop", conflicts_with = "order", value_parser = gid_of_customer)]
    customer: Option<Gid>,
    /// Only of this flow.
    #[arg(long, requires = "shop")]
    flow: Option<Flow>,
    /// Only this document.
    #[arg(long, requires = "shop")]
    document: Option<Document>,
    /// Only those whose work began on this day (UTC) or later.
    #[arg(long, requires = "shop")]
    from: Option<Date>,
    /// Only those whose work began on this day (UTC) or earlier.
    #[arg(long, requires = "shop")]
    to: Option<Date>,
}

/// What is archived of one communication.
pub struct Selected {
    pub record: EvidenceRecord,
    pub reference: RecordRef,
}

impl Selection {
    /// Those that are archived, and no tests.
    pub async fn find(&self, stack: &Stack) -> Result<Vec<Selected>, Failure> {
        if let Some(id) = &self.communication {
            let entry = stack.entry(id).await?;
            let archived = entry.archived.ok_or("nothing of it is archived")?;
            if is_test(&archived.archive_key) {
                return Err("it is of a test order or a dry run".into());
            }
            return Ok(vec![read(stack, &archived.archive_key, id).await?]);
        }
        let shop = self.shop.as_ref().ok_or("name a communication, or a shop with what to look for")?;
        if let Some(order) = &self.order {
            let mut found = Vec::new();
            for entry in everything_about(stack, shop, order).await? {
                let Some(archived) = entry.archived.filter(|it| !is_test(&it.archive_key)) else { continue };
                if self.is_wanted(&archived.archive_key) {
                    found.push(read(stack, &archived.archive_key, &entry.communication).await?);
                }
            }
            return Ok(found);
        }
        if self.customer.is_none() && self.flow.is_none() && self.document.is_none() && self.from.is_none() {
            return Err("with --shop name an order, a customer, a flow, a document or the first day".into());
        }
        let customer = match &self.customer {
            Some(customer) => Some(stack.customer(shop, customer).await?),
            None => None,
        };
        let keys = stack.archive.keys(&format!("{shop}/")).await?;
        let records = keys.iter().filter(|key| key.ends_with("/record.json") && self.is_wanted(key));
        let reads = stream::iter(records).map(|key| async move {
            let id = place(key).map(|(_, _, id)| id).ok_or("a record lies where none can be")?;
            read(stack, key, &id).await
        });
        let of_customer = |selected: &Selected| {
            customer.as_ref().is_none_or(|key| selected.record.customer.as_deref() == Some(key.as_str()))
        };
        let found: Vec<_> = reads.buffered(READS_AT_ONCE).try_collect().await?;
        Ok(found.into_iter().filter(of_customer).collect())
    }

    fn is_wanted(&self, key: &str) -> bool {
        place(key).is_some_and(|(day, document, _)| {
            self.from.is_none_or(|from| day >= from)
                && self.to.is_none_or(|to| day <= to)
                && self.flow.is_none_or(|flow| document.flow() == flow)
                && self.document.is_none_or(|it| document == it)
        })
    }
}

/// All communications about a resource, or none: what cannot be read would be left out without a word.
async fn everything_about(stack: &Stack, shop: &ShopDomain, resource: &Gid) -> Result<Vec<Entry>, Failure> {
    let Found { entries, problems } = stack.ledger.everything_about(shop, None, [resource]).await?;
    match &problems[..] {
        [] => Ok(entries),
        [first, ..] => Err(format!(
            "{} of the communications about {resource} cannot be read, so nothing was done; the first is {}: {}",
            problems.len(),
            first.pk,
            chain(&first.error)
        )
        .into()),
    }
}

fn gid_of_customer(text: &str) -> Result<Gid, InvalidGid> {
    text.parse::<Gid>()?.of_kind("Customer")
}

async fn read(stack: &Stack, key: &str, id: &CommunicationId) -> Result<Selected, Failure> {
    let (record, reference) = stack.archive.latest_record(key, id).await?;
    Ok(Selected { record, reference })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An order's id would be hashed as if it were a customer's, and nothing would be found.
    #[test]
    fn a_customer_is_named_by_the_id_of_a_customer() {
        assert!(gid_of_customer("gid://shopify/Customer/1").is_ok());
        for other in ["gid://shopify/Order/1", "1", "Customer/1"] {
            assert!(gid_of_customer(other).is_err(), "{other}");
        }
    }

    #[test]
    fn a_query_narrows_by_day_flow_and_document() {
        let key = "acme.myshopify.com/2026/11/27/receipt/c4809f9b199959867b344883a5f958d0/record.json";
        let all = || Selection {
            communication: None,
            shop: None,
            order: None,
            customer: None,
            flow: None,
            document: None,
            from: None,
            to: None,
        };
        let day = |text: &str| text.parse().ok();
        assert!(all().is_wanted(key));
        assert!(Selection { from: day("2026-11-27"), to: day("2026-11-27"), ..all() }.is_wanted(key));
        assert!(!Selection { from: day("2026-11-28"), ..all() }.is_wanted(key));
        assert!(!Selection { to: day("2026-11-26"), ..all() }.is_wanted(key));
        assert!(Selection { flow: Some(Flow::OrderConfirmation), ..all() }.is_wanted(key));
        assert!(!Selection { flow: Some(Flow::ReturnLetters), ..all() }.is_wanted(key));
        assert!(!Selection { document: Some(Document::OrderConfirmation), ..all() }.is_wanted(key));
    }
}
