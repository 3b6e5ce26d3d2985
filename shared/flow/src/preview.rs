//! A document as it would be made of an event now, without a trace: nothing is claimed, archived, sent or
//! reported.

use crate::{
    check,
    document_flow::{Content, DocumentFlow, Gather, GatherError, Gathered, LookUp, Plan, plans},
};
use archive::Examined;
use bytes::Bytes;
use comms::{CommunicationId, Document, chain};
use delivery::Recipient;
use exstream::{Budget, Catalogue, ComposeCall, Exstream, Output, Template, TemplateCall};
use jiff::Timestamp;
use service::ShopSecrets;
use shop_config::{Channel, ShopConfig};
use shopify::AdminApi;
use std::time::Duration;
use work::WorkItem;

/// What a preview is made with.
pub struct PreviewContext<'a> {
    pub config: &'a ShopConfig,
    pub secrets: &'a ShopSecrets,
    pub shopify: &'a AdminApi,
    /// One that does not repeat nor send.
    pub exstream: &'a Exstream,
    pub catalogue: &'a Catalogue,
    pub now: Timestamp,
    pub time: Duration,
}

/// What is to be seen.
#[derive(Debug, Clone, Copy, Default)]
pub struct PreviewRequest<'a> {
    /// This document alone.
    pub document: Option<Document>,
    /// In this locale, whatever the customer's.
    pub locale: Option<&'a str>,
}

pub struct Preview {
    pub document: Document,
    pub communication: CommunicationId,
    pub what: Result<ComposedPreview, String>,
}

/// A composed document and what it was composed from.
pub struct ComposedPreview {
    pub schema: String,
    pub driver: Bytes,
    pub recipient: Recipient,
    pub template: Template,
    pub output: Output,
    /// What a PDF says of itself.
    pub examined: Option<Examined>,
}

/// Every document an item leads to, or why it would not be made.
///
/// # Errors
/// When the item is not understood.
pub async fn previews<F: DocumentFlow>(
    flow: &F,
    context: &PreviewContext<'_>,
    item: &WorkItem,
    request: PreviewRequest<'_>,
) -> Result<Vec<Preview>, String> {
    let payload = item.payload.as_ref().map(|payload| payload.get());
    let PreviewContext { config, secrets, shopify, now, time, .. } = *context;
    let look_up = LookUp { item, payload, config, secrets, shopify, now, time_left: time };
    let plans = plans(flow, look_up).await.map_err(|error| error.reason)?;
    let mut previews = Vec::new();
    for plan in plans.iter().filter(|plan| request.document.is_none_or(|wanted| wanted == plan.document)) {
        previews.push(preview(flow, context, item, plan, request.locale).await);
    }
    Ok(previews)
}

async fn preview<F: DocumentFlow>(
    flow: &F,
    context: &PreviewContext<'_>,
    item: &WorkItem,
    plan: &Plan,
    locale: Option<&str>,
) -> Preview {
    let id = |plan: &Plan| CommunicationId::derive(&item.shop, plan.document, &plan.subject, &plan.revision);
    let mut communication = id(plan);
    let mut what = make(flow, context, item, plan, &communication, locale).await;
    if let Err(NotMade::Instead(plan)) = what {
        communication = id(&plan);
        what = make(flow, context, item, &plan, &communication, locale).await;
    }
    let what = what.map_err(|why| match why {
        NotMade::Because(reason) => reason,
        NotMade::Instead(_) => "what it tells of keeps changing".to_owned(),
    });
    Preview { document: plan.document, communication, what }
}

enum NotMade {
    Because(String),
    Instead(Box<Plan>),
}

impl From<String> for NotMade {
    fn from(reason: String) -> Self {
        Self::Because(reason)
    }
}

async fn make<F: DocumentFlow>(
    flow: &F,
    context: &PreviewContext<'_>,
    item: &WorkItem,
    plan: &Plan,
    communication: &CommunicationId,
    locale: Option<&str>,
) -> Result<ComposedPreview, NotMade> {
    let PreviewContext { config, secrets, shopify, exstream, catalogue, now, time } = *context;
    let settings = config
        .documents
        .get(&plan.document)
        .ok_or_else(|| "the shop has no such document configured".to_owned())?;
    if settings.channels.contains(&Channel::Exstream) {
        let reason = "Exstream sends this document while it composes it, so it cannot be previewed";
        return Err(reason.to_owned().into());
    }
    let gather = Gather {
        plan,
        item,
        payload: item.payload.as_ref().map(|payload| payload.get()),
        communication,
        config,
        secrets,
        shopify,
        locale,
        now,
        time_left: time,
    };
    let content = match flow.gather(gather).await {
        Ok(Gathered::Ready(content)) => content,
        Ok(Gathered::Suppressed { reason, .. }) => {
            return Err(format!("it would be suppressed: {reason}").into());
        }
        Ok(Gathered::NotDue(reason)) => return Err(format!("nothing would be made: {reason}").into()),
        Ok(Gathered::Replaced(plan)) => return Err(NotMade::Instead(plan)),
        Err(GatherError { reason, .. }) => return Err(reason.into()),
    };
    let call = TemplateCall {
        shop: &item.shop,
        settings: &config.exstream,
        document: settings,
        credentials: &secrets.exstream,
        now,
        timeout: time,
    };
    let template = catalogue.template(call).await.map_err(|error| chain(&error))?;
    let call = ComposeCall {
        shop: &item.shop,
        settings: &config.exstream,
        document: settings,
        credentials: &secrets.exstream,
        driver: content.driver.clone(),
        now,
        budget: Budget::new(time).at_most(config.exstream.timeout()),
        sends: false,
    };
    let composed = exstream.compose(call).await.map_err(|error| chain(&error))?;
    let output = composed.expected(&settings.output).map_err(|error| chain(&error))?.clone();
    let examined = check::examine(&output, settings.require.standards()).map_err(|error| chain(&error))?;
    let Content { schema, driver, recipient, .. } = *content;
    Ok(ComposedPreview { schema, driver, recipient, template, output, examined })
}
