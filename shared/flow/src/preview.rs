//! A document as it would be made of an event now, without a trace: nothing is claimed, archived, sent or
//! reported.

pub use crate::check::CheckError;

use crate::{
    check,
    content::Content,
    document_flow::{DocumentFlow, plans},
    gather::Gather,
    gather_error::GatherError,
    plan::{LookUp, Plan},
    verdict::Gathered,
};
use archive::Examined;
use bytes::Bytes;
use comms::{CommunicationId, Document, ShopDomain};
use delivery::Recipient;
use exstream::{
    Budget, Catalogue, ComposeCall, ComposedOutput, Credentials, Exstream, ExstreamError, Template,
    TemplateCall,
};
use jiff::Timestamp;
use service::ShopSecrets;
use shop_config::{Channel, DocumentConfig, ShopConfig};
use shopify::AdminApi;
use std::{borrow::Cow, time::Duration};
use work::WorkItem;

/// What a preview is made with.
#[derive(Clone, Copy)]
pub struct PreviewContext<'a> {
    /// The configuration of the item's shop.
    pub config: &'a ShopConfig,
    /// The shop's credentials.
    pub secrets: &'a ShopSecrets,
    /// For what the event does not say.
    pub shopify: &'a AdminApi,
    /// One that does not repeat nor send.
    pub exstream: &'a Exstream,
    /// For the template's version.
    pub catalogue: &'a Catalogue,
    /// The moment the documents are dated with.
    pub now: Timestamp,
    /// For each document's gathering, look-up and composition alike.
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

/// One document that an item leads to.
pub struct Preview {
    /// Which document it is.
    pub document: Document,
    /// The id that it would have.
    pub communication: CommunicationId,
    /// The document, or why there is none.
    pub what: Result<ComposedPreview, PreviewError>,
}

/// A composed document and what it was composed from.
pub struct ComposedPreview {
    /// The driver data's schema, such as `order-confirmation/1`.
    pub schema: String,
    /// The driver data, as JSON.
    pub driver: Bytes,
    /// Who would get it.
    pub recipient: Recipient,
    /// What it was composed with.
    pub template: Template,
    /// What Exstream answered, the primary output first, each with what it says of itself if it is a PDF.
    pub outputs: Vec<(ComposedOutput, Option<Examined>)>,
}

/// Why there is no preview.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    /// The shop's configuration has no section for the document.
    #[error("the shop has no such document configured")]
    NotConfigured,
    /// The document's channel is `exstream`.
    #[error("Exstream sends this document while it composes it, so it cannot be previewed")]
    SentByComposing,
    /// The item cannot be understood, or its data not be gathered.
    #[error("{reason}", reason = .0.reason)]
    Gather(GatherError),
    /// The document would be recorded as not to be sent.
    #[error("it would be suppressed: {0}")]
    Suppressed(Cow<'static, str>),
    /// The event leads to nothing now.
    #[error("nothing would be made: {0}")]
    NotDue(Cow<'static, str>),
    /// What is due in its place is itself replaced.
    #[error("what it tells of keeps changing")]
    KeepsChanging,
    /// The template is not the one that is pinned, or Exstream does not compose the document.
    #[error(transparent)]
    Exstream(#[from] ExstreamError),
    /// The output may not be archived as a document.
    #[error(transparent)]
    Check(#[from] CheckError),
}

/// Every document an item leads to, or why it would not be made.
///
/// # Errors
/// [`PreviewError::Gather`], when the item is not understood.
pub async fn previews<F: DocumentFlow>(
    flow: &F,
    context: &PreviewContext<'_>,
    item: &WorkItem,
    request: PreviewRequest<'_>,
) -> Result<Vec<Preview>, PreviewError> {
    let payload = item.payload.as_ref().map(|payload| payload.get());
    let PreviewContext { config, secrets, shopify, now, time, .. } = *context;
    let look_up = LookUp { item, payload, config, secrets, shopify, now, time_left: time };
    let plans = plans(flow, look_up).await.map_err(PreviewError::Gather)?;
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
    let of = async |plan: &Plan, communication: &CommunicationId| {
        let subject = Subject { item, plan, communication, locale };
        subject.preview(flow, context).await
    };
    let mut communication = id(plan);
    let mut what = of(plan, &communication).await;
    if let Ok(Previewed::Replaced(plan)) = what {
        communication = id(&plan);
        what = of(&plan, &communication).await;
    }
    let what = match what {
        Ok(Previewed::Composed(composed)) => Ok(*composed),
        Ok(Previewed::Replaced(_)) => Err(PreviewError::KeepsChanging),
        Err(error) => Err(error),
    };
    Preview { document: plan.document, communication, what }
}

enum Previewed {
    Composed(Box<ComposedPreview>),
    /// This is due in its place.
    Replaced(Box<Plan>),
}

/// One communication to preview.
struct Subject<'a> {
    item: &'a WorkItem,
    plan: &'a Plan,
    communication: &'a CommunicationId,
    locale: Option<&'a str>,
}

impl Subject<'_> {
    async fn preview<F: DocumentFlow>(
        &self,
        flow: &F,
        context: &PreviewContext<'_>,
    ) -> Result<Previewed, PreviewError> {
        let settings =
            context.config.documents.get(&self.plan.document).ok_or(PreviewError::NotConfigured)?;
        if settings.channels.contains(&Channel::Exstream) {
            return Err(PreviewError::SentByComposing);
        }
        match self.gather(flow, context).await.map_err(PreviewError::Gather)? {
            Gathered::Ready(content) => {
                let composed = self.compose(context, settings, *content).await?;
                Ok(Previewed::Composed(Box::new(composed)))
            }
            Gathered::Suppressed { reason, .. } => Err(PreviewError::Suppressed(reason)),
            Gathered::NotDue(reason) => Err(PreviewError::NotDue(reason)),
            Gathered::Replaced(plan) => Ok(Previewed::Replaced(plan)),
        }
    }

    async fn gather<F: DocumentFlow>(
        &self,
        flow: &F,
        context: &PreviewContext<'_>,
    ) -> Result<Gathered, GatherError> {
        let PreviewContext { config, secrets, shopify, now, time, .. } = *context;
        let gather = Gather {
            plan: self.plan,
            item: self.item,
            payload: self.item.payload.as_ref().map(|payload| payload.get()),
            communication: self.communication,
            config,
            secrets,
            shopify,
            history: None,
            locale: self.locale,
            // a preview is for nobody
            unsubscribe_url: None,
            now,
            time_left: time,
        };
        flow.gather(gather).await
    }

    async fn compose(
        &self,
        context: &PreviewContext<'_>,
        settings: &DocumentConfig,
        content: Content,
    ) -> Result<ComposedPreview, PreviewError> {
        let PreviewContext { config, secrets, exstream, catalogue, now, time, .. } = *context;
        let Content { schema, driver, recipient, .. } = content;
        let call = TrialCall {
            shop: &self.item.shop,
            settings: &config.exstream,
            document: settings,
            credentials: &secrets.exstream,
            exstream,
            catalogue,
            now,
            time,
        };
        let Trial { template, outputs } = call.compose(driver.clone()).await?;
        Ok(ComposedPreview { schema, driver, recipient, template, outputs })
    }
}

/// A composition of which nothing is kept.
#[derive(Clone, Copy)]
pub struct TrialCall<'a> {
    /// Whose token it is.
    pub shop: &'a ShopDomain,
    /// How Exstream is reached.
    pub settings: &'a shop_config::Exstream,
    /// What is composed.
    pub document: &'a DocumentConfig,
    /// For Exstream.
    pub credentials: &'a Credentials,
    /// One that does not repeat nor send.
    pub exstream: &'a Exstream,
    /// For the template's version.
    pub catalogue: &'a Catalogue,
    /// Now.
    pub now: Timestamp,
    /// For look-up and composition each.
    pub time: Duration,
}

/// What came of it.
pub struct Trial {
    /// What it was composed with.
    pub template: Template,
    /// What Exstream answered, the primary output first, each with what it says of itself if it is a PDF.
    pub outputs: Vec<(ComposedOutput, Option<Examined>)>,
}

impl TrialCall<'_> {
    /// Composes one customer's driver data, and checks the outputs as those of a real document.
    ///
    /// # Errors
    /// [`PreviewError`]: that of the template, of the composition, or of an output.
    pub async fn compose(self, driver: Bytes) -> Result<Trial, PreviewError> {
        let Self { shop, settings, document, credentials, exstream, catalogue, now, time } = self;
        if document.channels.contains(&Channel::Exstream) {
            return Err(PreviewError::SentByComposing);
        }
        let call = TemplateCall { shop, settings, document, credentials, now, timeout: time };
        let template = catalogue.template(call).await?;
        let budget = Budget::new(time).at_most(settings.timeout());
        let call = ComposeCall { shop, settings, document, credentials, driver, now, budget, sends: false };
        let mut outputs = Vec::new();
        for it in exstream.compose(call).await?.outputs {
            let examined = check::examine(&it.output, document.require.standards())?;
            outputs.push((it, examined));
        }
        Ok(Trial { template, outputs })
    }
}
