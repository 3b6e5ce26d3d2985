//! The requests. Every write is conditional, and the condition is the whole of the concurrency control.
//!
//! The SDK sends a write again whose answer was lost. Where the first one was made, its repetition is refused, or
//! would be made twice; so each write either bears repetition or recognises its own work in the item that the
//! refusal shows, by the lease's holder and by the counts of attempts and sends.

use crate::{
    ArchivedAs, Entry, Lease, LedgerError,
    entry::resource_key,
    request::{conditional, from_millis, hash, millis, number, owned, read, sha256, text},
    search::{is_undelivered, name_key},
};
use aws_sdk_dynamodb::{
    Client,
    operation::{delete_item::DeleteItemError, update_item::builders::UpdateItemFluentBuilder},
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use comms::{
    CommunicationId, CustomerKey, Document, EmailKey, Flow, Gid, Revision, ShopDomain, State, WriteBackState,
    cut, one_line,
};
use jiff::Timestamp;
use std::collections::HashMap;

/// What of a reason is kept, so that an item stays within a kilobyte: little beside an archived document, more
/// where there is none.
pub(crate) const MAX_REASON_BYTES: usize = 64;
/// Of what came back after it was sent and opened, whose item is the longest.
pub(crate) const MAX_REASON_BYTES_RETURNED: usize = 58;
pub(crate) const MAX_REASON_BYTES_UNARCHIVED: usize = 240;

/// The answer to [`Ledger::claim`].
#[derive(Debug)]
pub enum Claim {
    /// Ours until the lease lapses. The entry shows what an earlier holder left.
    Started(Lease),
    /// Nothing is left to do but to report it, if that is still owed.
    AlreadyDone(Entry),
    /// Somebody works on it.
    InProgress {
        /// When their lease lapses.
        until: Timestamp,
    },
}

/// Which communication is claimed, by whom, and until when. What the id is derived from is stored beside it.
#[derive(Debug)]
pub struct ClaimRequest<'a> {
    /// The key.
    pub communication: &'a CommunicationId,
    /// Whose customer it is for.
    pub shop: &'a ShopDomain,
    /// The function that works on it.
    pub flow: Flow,
    /// Which document it brings.
    pub document: Document,
    /// What the document is about.
    pub subject: &'a Gid,
    /// Which issue of the document it is.
    pub revision: &'a Revision,
    /// The order, customer or company location that carries the report.
    pub reported_on: &'a Gid,
    /// Unique to this invocation.
    pub lease_holder: &'a str,
    /// The caller's clock.
    pub now: Timestamp,
    /// After this moment the holder is taken for dead. Later than the holder can possibly live.
    pub lease_until: Timestamp,
}

/// How a communication ended, or where it stays until something from outside moves it.
#[derive(Debug, Default)]
pub struct Outcome<'a> {
    /// Where the document is; absent if none was archived, or if the entry has it already.
    pub archived: Option<&'a ArchivedAs>,
    /// The channel that was chosen.
    pub channel: Option<&'a str>,
    /// What the channel calls the delivery.
    pub reference: Option<&'a str>,
    /// Why it failed, was suppressed or is unknown. Put on one line; kept are its first 240 bytes, 64 beside an
    /// archived document.
    pub reason: Option<&'a str>,
    /// The customer's keyed hash.
    pub customer: Option<&'a CustomerKey>,
    /// What a person calls what it is about, such as the order's name: by it they find the communication.
    pub name: Option<&'a str>,
    /// The keyed hash of the recipient's e-mail address.
    pub email: Option<&'a EmailKey>,
    /// Whether a report is owed.
    pub write_back: Option<WriteBackState>,
    /// The order, customer or company location it belongs to, where the claim did not name it.
    pub reported_on: Option<&'a Gid>,
    /// When the channel is to be asked what became of it. Absent for channels that cannot say.
    pub check_at: Option<Timestamp>,
}

/// The table. Cheap to share: one per process.
pub struct Ledger {
    pub(crate) client: Client,
    pub(crate) table: String,
}

impl Ledger {
    /// A ledger in `table`. Asks nothing yet.
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Takes the lease if nobody has it and something is left to do. One conditional write.
    ///
    /// The write may be sent twice, where the answer to the first is lost. The second is then refused because
    /// of the first, which is seen by the lease being exactly the one asked for.
    ///
    /// # Errors
    /// When DynamoDB does not answer, or the item cannot be read. The lease may have been taken, and then lapses.
    pub async fn claim(&self, request: ClaimRequest<'_>) -> Result<Claim, LedgerError> {
        let ClaimRequest { communication, now, .. } = request;
        let key = resource_key(request.shop, request.reported_on);
        let result = self
            .update_as_owner(communication)
            .update_expression(
                "SET #holder = :holder, lease_until_epoch_ms = :lease, updated_epoch_ms = :now, \
                 attempts = if_not_exists(attempts, :zero) + :one, #state = if_not_exists(#state, :claimed), \
                 resource_key = :key, shop = :shop, flow = :flow, document = :document, subject = :subject, \
                 revision = :revision, #reported_on = :reported_on, \
                 created_epoch_ms = if_not_exists(created_epoch_ms, :now)",
            )
            .condition_expression(
                "attribute_not_exists(pk) OR (#state IN (:claimed, :sending) AND lease_until_epoch_ms < :now)",
            )
            .expression_attribute_names("#reported_on", "reported_on")
            .expression_attribute_values(":holder", text(request.lease_holder))
            .expression_attribute_values(":lease", millis(request.lease_until))
            .expression_attribute_values(":now", millis(now))
            .expression_attribute_values(":zero", number(0))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":claimed", text(State::Claimed.name()))
            .expression_attribute_values(":sending", text(State::Sending.name()))
            .expression_attribute_values(":key", text(&key))
            .expression_attribute_values(":shop", text(request.shop.as_str()))
            .expression_attribute_values(":flow", text(request.flow.name()))
            .expression_attribute_values(":document", text(request.document.name()))
            .expression_attribute_values(":subject", text(request.subject.as_str()))
            .expression_attribute_values(":revision", text(request.revision.as_str()))
            .expression_attribute_values(":reported_on", text(request.reported_on.as_str()))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match conditional("claiming", result)? {
            Ok(output) => {
                let entry = read(communication, output.attributes)?;
                Ok(Claim::Started(Lease { entry }))
            }
            Err(item) => {
                let entry = read(communication, item)?;
                if is_answer_to(&entry, &request) {
                    Ok(Claim::Started(Lease { entry }))
                } else if entry.state.is_open() {
                    Ok(Claim::InProgress { until: from_millis(entry.lease_until_epoch_ms).unwrap_or(now) })
                } else {
                    Ok(Claim::AlreadyDone(entry))
                }
            }
        }
    }

    /// Notes that a send begins, and counts it. From here on a crash means: perhaps it was sent.
    ///
    /// # Errors
    /// [`LedgerError::LostLease`] if somebody else has it: do not send. After any other error the mark may stand.
    pub async fn mark_sending(
        &self,
        lease: &Lease,
        channel: &str,
        archived: Option<&ArchivedAs>,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        let outcome = Outcome { archived, channel: Some(channel), ..Outcome::default() };
        self.move_to(lease, State::Sending, &outcome, now).await
    }

    /// Gives the lease back after a failure that may pass. `unsent`: a send was begun and did not happen.
    ///
    /// # Errors
    /// If it stays, the lease lapses by itself.
    pub async fn release(&self, lease: &Lease, unsent: bool, now: Timestamp) -> Result<(), LedgerError> {
        let mut set = "SET lease_until_epoch_ms = :zero, updated_epoch_ms = :now".to_owned();
        if unsent {
            set.push_str(", unsent = :true");
        }
        let mut update = self
            .update_as_owner(&lease.entry.communication)
            .update_expression(set)
            .condition_expression("#holder = :holder AND #state IN (:claimed, :sending)")
            .expression_attribute_values(":claimed", text(State::Claimed.name()))
            .expression_attribute_values(":sending", text(State::Sending.name()))
            .expression_attribute_values(":holder", text(&lease.entry.lease_holder))
            .expression_attribute_values(":zero", number(0))
            .expression_attribute_values(":now", millis(now));
        if unsent {
            update = update.expression_attribute_values(":true", AttributeValue::Bool(true));
        }
        // bears repetition, and once it was made, another holder's claim says nothing that the caller can use
        owned(lease, "releasing", update.send().await, |_| false)
    }

    /// Forgets a communication of which nothing was made. Only the lease's holder can, and not once a document
    /// was archived or a send begun.
    ///
    /// # Errors
    /// [`LedgerError::LostLease`] also where there is something to remember.
    pub async fn forget(&self, lease: &Lease) -> Result<(), LedgerError> {
        let result = self
            .client
            .delete_item()
            .table_name(&self.table)
            .key("pk", text(lease.entry.communication.as_str()))
            .condition_expression(
                "#holder = :holder AND #state = :claimed AND attribute_not_exists(archive_key)",
            )
            .expression_attribute_names("#holder", "lease_holder")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":holder", text(&lease.entry.lease_holder))
            .expression_attribute_values(":claimed", text(State::Claimed.name()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = result else { return Ok(()) };
        match error.as_service_error() {
            // nothing is there: it is forgotten, by this request as it was first sent or by whoever took over
            Some(DeleteItemError::ConditionalCheckFailedException(refused)) if refused.item.is_none() => {
                Ok(())
            }
            Some(DeleteItemError::ConditionalCheckFailedException(_)) => {
                Err(LedgerError::LostLease(lease.entry.communication.clone()))
            }
            _ => Err(LedgerError::Request { doing: "forgetting a communication", source: error.into() }),
        }
    }

    /// Ends the work on a communication. Only the lease's holder can.
    ///
    /// # Errors
    /// [`LedgerError::LostLease`] if another holder has taken over. After any other error the end may be recorded.
    pub async fn complete(
        &self,
        lease: &Lease,
        state: State,
        outcome: &Outcome<'_>,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        self.move_to(lease, state, outcome, now).await
    }

    async fn move_to(
        &self,
        lease: &Lease,
        state: State,
        outcome: &Outcome<'_>,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        let mut set = "SET #state = :state, updated_epoch_ms = :now".to_owned();
        let mut values = HashMap::from([
            (":state".to_owned(), text(state.name())),
            (":holder".to_owned(), text(&lease.entry.lease_holder)),
            (":now".to_owned(), millis(now)),
        ]);
        let mut names = HashMap::new();
        // every name is aliased: some (`reference`) are reserved words
        let mut put = |name: &str, value: AttributeValue| {
            set.push_str(&format!(", #{name} = :{name}"));
            names.insert(format!("#{name}"), name.to_owned());
            values.insert(format!(":{name}"), value);
        };
        let archived = outcome.archived.or(lease.entry.archived.as_ref());
        let reason = outcome.reason.map(one_line);
        let most = if archived.is_some() { MAX_REASON_BYTES } else { MAX_REASON_BYTES_UNARCHIVED };
        for (name, value) in [
            ("channel", outcome.channel),
            ("reference", outcome.reference),
            ("reason", reason.as_deref().map(|reason| cut(reason, most))),
            ("customer", outcome.customer.map(CustomerKey::as_str)),
            ("write_back", outcome.write_back.map(WriteBackState::name)),
        ] {
            if let Some(value) = value {
                put(name, text(value));
            }
        }
        if let Some(name) = outcome.name {
            put("name_key", name_key(&lease.entry.shop, name));
        }
        if let Some(email) = outcome.email {
            put("email_key", hash(email.as_bytes()));
        }
        if is_undelivered(state) {
            put("undelivered_ms", millis(now));
        }
        if let Some(at) = outcome.check_at {
            put("check_shop", text(lease.entry.shop.as_str()));
            put("check_epoch_ms", millis(at));
        }
        if let Some(resource) = outcome.reported_on {
            put("reported_on", text(resource.as_str()));
            put("resource_key", text(&resource_key(&lease.entry.shop, resource)));
        }
        if let Some(archived) = outcome.archived {
            put("archive_key", text(&archived.archive_key));
            put("archive_version", text(&archived.archive_version));
            put("sha256", sha256(&archived.sha256));
            put("record_version", text(&archived.record_version));
            put("record_sha256", sha256(&archived.record_sha256));
            put("template", text(&archived.template));
            if let Some(version) = archived.template_version {
                put("template_version", number(version.into()));
            }
        }
        // nobody asks again who had the lease of what is done
        let mut also = if state.is_open() { "" } else { " REMOVE #holder, lease_until_epoch_ms, unsent" };
        let mut counted = "";
        if state == State::Sending {
            // the count itself and no increment: a mark that is sent twice counts one send
            set.push_str(", sends = :sends");
            values.insert(":sends".to_owned(), number((lease.entry.sends + 1).into()));
            also = " REMOVE unsent";
            counted = match lease.entry.sends {
                0 => " AND attribute_not_exists(sends)",
                before => {
                    values.insert(":before".to_owned(), number(before.into()));
                    " AND sends = :before"
                }
            };
        }
        // the states it may come from, so that a late holder never moves a state back
        let mut from = Vec::new();
        for (index, state) in State::ALL
            .iter()
            .copied()
            .filter(|it| it.is_open() && (it.may_become(state) || *it == state))
            .enumerate()
        {
            from.push(format!(":from{index}"));
            values.insert(format!(":from{index}"), text(state.name()));
        }
        let condition = format!("#holder = :holder AND #state IN ({}){counted}", from.join(", "));
        names.extend([
            ("#holder".to_owned(), "lease_holder".to_owned()),
            ("#state".to_owned(), "state".to_owned()),
        ]);
        let update = self
            .update(lease.entry.communication.as_str())
            .set_expression_attribute_names(Some(names))
            .update_expression(format!("{set}{also}"))
            .condition_expression(condition)
            .set_expression_attribute_values(Some(values))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        owned(lease, "recording a state", update.send().await, |entry| lease.has_made(state, entry))
    }

    /// Notes what Shopify answered to the report of a communication's state. Where the state has moved on since,
    /// nothing is noted: another report is on its way. A report that arrived is never overwritten by one that
    /// failed.
    ///
    /// # Errors
    /// When DynamoDB does not answer.
    pub async fn record_write_back(
        &self,
        communication: &CommunicationId,
        reported: State,
        state: WriteBackState,
        reason: Option<&str>,
    ) -> Result<(), LedgerError> {
        let mut update = self
            .update(communication.as_str())
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":of", text(reported.name()))
            .expression_attribute_values(":state", text(state.name()));
        let condition = if state == WriteBackState::Reported {
            "#state = :of"
        } else {
            update = update.expression_attribute_values(":reported", text(WriteBackState::Reported.name()));
            "#state = :of AND write_back <> :reported"
        };
        update = match reason {
            Some(reason) => update
                .update_expression("SET write_back = :state, write_back_reason = :reason")
                .expression_attribute_values(":reason", text(cut(&one_line(reason), MAX_REASON_BYTES))),
            None => update.update_expression("SET write_back = :state REMOVE write_back_reason"),
        };
        let result = update.condition_expression(condition).send().await;
        match conditional("recording a write-back", result)? {
            // nothing to record on, or nothing worse to record: both are fine
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Records that Shopify has a report, and answers whether that is news: for what must follow it at most once. If the
    /// answer of the table is lost, it is none, and what was to follow does not.
    ///
    /// # Errors
    /// When DynamoDB does not answer. Then it may be recorded.
    pub async fn record_first_report(
        &self,
        communication: &CommunicationId,
        reported: State,
    ) -> Result<bool, LedgerError> {
        let update = self
            .update(communication.as_str())
            .update_expression("SET write_back = :reported REMOVE write_back_reason")
            .condition_expression("#state = :of AND write_back <> :reported")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":of", text(reported.name()))
            .expression_attribute_values(":reported", text(WriteBackState::Reported.name()));
        Ok(conditional("recording a write-back", update.send().await)?.is_ok())
    }

    /// Takes back what [`record_first_report`](Self::record_first_report) recorded, because what was to follow certainly
    /// did not: the report is owed again, or failed for the reason. Nothing, if the state has moved since.
    ///
    /// # Errors
    /// When DynamoDB does not answer.
    pub async fn take_back_report(
        &self,
        communication: &CommunicationId,
        reported: State,
        failed: Option<&str>,
    ) -> Result<(), LedgerError> {
        let state = failed.map_or(WriteBackState::Pending, |_| WriteBackState::Failed);
        let update = self
            .update(communication.as_str())
            .condition_expression("#state = :of AND write_back = :reported")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":of", text(reported.name()))
            .expression_attribute_values(":reported", text(WriteBackState::Reported.name()))
            .expression_attribute_values(":state", text(state.name()));
        let update = match failed {
            Some(reason) => update
                .update_expression("SET write_back = :state, write_back_reason = :reason")
                .expression_attribute_values(":reason", text(cut(&one_line(reason), MAX_REASON_BYTES))),
            None => update.update_expression("SET write_back = :state"),
        };
        conditional("taking back a write-back", update.send().await).map(drop)
    }

    /// An update of one item, without names or values yet.
    pub(crate) fn update(&self, pk: &str) -> UpdateItemFluentBuilder {
        self.client.update_item().table_name(&self.table).key("pk", text(pk))
    }

    /// The same for what a lease's holder does.
    fn update_as_owner(&self, communication: &CommunicationId) -> UpdateItemFluentBuilder {
        self.update(communication.as_str())
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#holder", "lease_holder")
    }
}

/// Whether the item is what this very request made of it.
fn is_answer_to(entry: &Entry, request: &ClaimRequest<'_>) -> bool {
    entry.state.is_open()
        && entry.lease_holder == request.lease_holder
        && entry.lease_until_epoch_ms == request.lease_until.as_millisecond()
}
