//! What a flow function provides: the list of its documents.

use crate::{
    gather::Gather,
    gather_error::GatherError,
    plan::{Event, LookUp, Plan, PlanError, Planned},
    verdict::Gathered,
};
use comms::{Document, Flow};

/// What is specific to the documents of one flow. Declared with [`documents!`](crate::documents).
pub trait DocumentFlow {
    /// Which flow.
    const FLOW: Flow;

    /// The communications an event leads to, whether or not the shop wants them. Without I/O: it runs before
    /// anything is claimed.
    ///
    /// # Errors
    /// What keeps the item from being understood. The message is delivered again and ends in the dead letters.
    fn plan(&self, event: &Event<'_>) -> Result<Planned, PlanError>;

    /// All communications of an item for which [`plan`](Self::plan) answered [`Planned::AskShopify`].
    fn look_up(&self, look_up: LookUp<'_>) -> impl Future<Output = Result<Vec<Plan>, GatherError>> {
        let topic = look_up.item.trigger.topic.clone();
        async move { Err(GatherError::permanent(format!("the topic {topic} says what it leads to"))) }
    }

    /// Everything one document needs: from the event's own payload where it is complete, else from Shopify.
    fn gather(&self, gather: Gather<'_>) -> impl Future<Output = Result<Gathered, GatherError>>;
}

/// The communications an item leads to, asked of Shopify where the event does not say.
///
/// # Errors
/// Permanent, where the item is not understood.
pub async fn plans<F: DocumentFlow>(flow: &F, look_up: LookUp<'_>) -> Result<Vec<Plan>, GatherError> {
    match flow.plan(&look_up.event())? {
        Planned::Known(plans) => Ok(plans),
        Planned::AskShopify => flow.look_up(look_up).await,
    }
}

/// One document of a flow.
#[derive(Debug, Clone, Copy)]
pub struct DocumentEntry {
    /// Which document.
    pub document: Document,
    /// The topics whose events can lead to it.
    pub topics: &'static [&'static str],
    /// What an event of these topics leads to, of this document.
    pub plan: fn(&Event<'_>) -> Result<Planned, PlanError>,
}

/// What an event leads to: asks every document that can follow from its topic, in the order of the list.
///
/// # Errors
/// When no document can follow from the topic, or a document does not understand the event.
pub fn plan_all(documents: &[DocumentEntry], event: &Event<'_>) -> Result<Planned, PlanError> {
    let topic = event.topic();
    let mut followers = documents.iter().filter(|entry| entry.topics.contains(&topic)).peekable();
    if followers.peek().is_none() {
        return Err(PlanError::Topic { topic: topic.to_owned() });
    }
    let mut plans = Vec::new();
    let mut ask = false;
    for entry in followers {
        match (entry.plan)(event)? {
            Planned::Known(known) => plans.extend(known),
            Planned::AskShopify => ask = true,
        }
    }
    Ok(if ask { Planned::AskShopify } else { Planned::Known(plans) })
}

/// For the compiler: a flow's list has every document that [`Document::flow`] says is the flow's, once, and no other.
///
/// # Panics
/// With the name of the document that is missing, of another flow, or listed twice.
#[allow(clippy::panic, reason = "it is called by the compiler, and its panic is an error of the build")]
pub const fn check_list(flow: Flow, documents: &[DocumentEntry]) {
    let mut all = Document::ALL;
    while let [document, rest @ ..] = all {
        let listed = count(*document, documents);
        if (document.flow() as u8 == flow as u8) != (listed == 1) || listed > 1 {
            panic!("{}", document.name());
        }
        all = rest;
    }
}

const fn count(document: Document, mut documents: &[DocumentEntry]) -> usize {
    let mut count = 0_usize;
    while let [entry, rest @ ..] = documents {
        if entry.document as u8 == document as u8 {
            count = count.saturating_add(1);
        }
        documents = rest;
    }
    count
}

/// Declares a flow, named as in [`Flow`], with the list of its documents. Each row is a document and the module that
/// makes it, which holds:
///
/// | item | what |
/// | --- | --- |
/// | `const TOPICS: &[&str]` | the topics whose events can lead to the document |
/// | `fn plan(&Event) -> Result<Planned, PlanError>` | what such an event leads to |
/// | `async fn gather(&Gather) -> Result<Content, Stop>` | the document's data, or why there is none |
/// | `fn schema() -> Value` | the JSON Schema of its data |
///
/// A document of the flow that has no row does not compile. `look_up` names the function that answers for events of
/// which a document's `plan` says [`Planned::AskShopify`].
///
/// ```ignore
/// flow::documents! {
///     ReturnLetters {
///         ReturnDeclined => return_declined,
///         RefundConfirmation => refund_confirmation,
///     }
///     look_up: look_up::plans
/// }
/// ```
#[macro_export]
macro_rules! documents {
    ($flow:ident { $($document:ident => $($module:ident)::+),+ $(,)? } $(look_up: $look_up:path)?) => {
        /// The flow, with all its documents.
        #[derive(Debug, Clone, Copy)]
        pub struct $flow;

        impl $flow {
            /// Its documents, in the order in which they are planned.
            pub const DOCUMENTS: &[$crate::DocumentEntry] = &[$($crate::DocumentEntry {
                document: ::comms::Document::$document,
                topics: $($module)::+::TOPICS,
                plan: $($module)::+::plan,
            }),+];

            /// The published JSON Schema of a document's driver data; none of another flow's document.
            pub fn schema(document: ::comms::Document) -> Option<::serde_json::Value> {
                match document {
                    $(::comms::Document::$document => Some($($module)::+::schema()),)+
                    _ => None,
                }
            }
        }

        const _: () = $crate::check_list(::comms::Flow::$flow, $flow::DOCUMENTS);

        impl $crate::DocumentFlow for $flow {
            const FLOW: ::comms::Flow = ::comms::Flow::$flow;

            fn plan(&self, event: &$crate::Event<'_>) -> Result<$crate::Planned, $crate::PlanError> {
                $crate::plan_all($flow::DOCUMENTS, event)
            }

            $(
                async fn look_up(
                    &self,
                    look_up: $crate::LookUp<'_>,
                ) -> Result<Vec<$crate::Plan>, $crate::GatherError> {
                    $look_up(look_up).await
                }
            )?

            async fn gather(
                &self,
                gather: $crate::Gather<'_>,
            ) -> Result<$crate::Gathered, $crate::GatherError> {
                let made = match gather.plan.document {
                    $(::comms::Document::$document => $($module)::+::gather(&gather).await,)+
                    other => Err($crate::GatherError::permanent(format!("{other} is no document of this flow")).into()),
                };
                $crate::Gathered::of(made)
            }
        }

        /// Starts the function and serves its invocations until Lambda ends the process.
        pub fn serve() -> ::service::Serving {
            $crate::serve($flow)
        }
    };
}
