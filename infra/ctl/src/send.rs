//! `ctl send`: events onto the bus, and what became of them.

use crate::{
    failure::Failure,
    out::note,
    stack::{Outputs, Stack},
    table,
};
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use comms::CommunicationId;
use flow::{LookUp, Plan};
use intake::{Ignored, Routed, work_item};
use jiff::Timestamp;
use reconcile::plans;
use serde::Deserialize;
use serde_json::value::RawValue;
use service::Service;
use shop_config::{ConfigStore, ShopConfig};
use shopify::{AdminApi, Event};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};
use work::WorkItem;

/// For what only Shopify knows of an event.
const LOOK_UP: Duration = Duration::from_secs(20);

pub async fn run(
    stack: &Stack,
    files: &[PathBuf],
    json: bool,
    wait: Option<Duration>,
) -> Result<ExitCode, Failure> {
    let sender = Sender {
        stack,
        configs: stack.configs(),
        shopify: AdminApi::new(Service::without_log().await?.http()),
    };
    let mut expected: Vec<CommunicationId> = Vec::new();
    let mut failed = 0_usize;
    for file in files {
        match sender.send(file).await {
            Ok(ids) => {
                for id in ids {
                    if !expected.contains(&id) {
                        expected.push(id);
                    }
                }
            }
            Err(error) => {
                note!("{}: not sent: {}", file.display(), comms::chain(error.as_ref()));
                failed = failed.saturating_add(1);
            }
        }
    }
    let code = match wait {
        Some(wait) => table::settle(stack, &expected, json, wait).await?,
        None => ExitCode::SUCCESS,
    };
    if failed > 0 {
        note!("ctl: {failed} of {} were not sent", files.len());
        return Ok(ExitCode::FAILURE);
    }
    Ok(code)
}

/// What all files are sent with.
struct Sender<'a> {
    stack: &'a Stack,
    configs: ConfigStore,
    shopify: AdminApi,
}

impl Sender<'_> {
    /// Puts the event of a file on the bus. Answers the communications that follow from it.
    async fn send(&self, file: &Path) -> Result<Vec<CommunicationId>, Failure> {
        may_put(&self.stack.outputs, file)?;
        let event = Event::parse(&std::fs::read(file)?)?;
        let loaded = self.configs.get(&event.shop, Timestamp::now()).await?;
        let ids = match work_item(&event, &loaded.config)? {
            Routed::Work(items) => self.expected(&event, &loaded.config, &items).await?,
            Routed::Ignored(reason) => {
                note!("{}: no document follows: {}", file.display(), why_ignored(reason, &event.topic));
                Vec::new()
            }
        };
        put(self.stack, file).await?;
        note!("{}: {} on the bus, {} expected", file.display(), event.topic, ids.len());
        Ok(ids)
    }

    async fn expected(
        &self,
        event: &Event,
        config: &ShopConfig,
        items: &[WorkItem],
    ) -> Result<Vec<CommunicationId>, Failure> {
        let (shop, now) = (&event.shop, Timestamp::now());
        let secrets = self.stack.secrets.shop(shop, now).await?;
        let mut ids = Vec::new();
        for item in items {
            let look_up = LookUp {
                item,
                payload: item.payload.as_ref().map(|payload| payload.get()),
                config,
                secrets: &secrets,
                shopify: &self.shopify,
                now,
                time_left: LOOK_UP,
            };
            let plans = plans(look_up).await.map_err(|error| error.reason)?;
            // a further issue is made only where there is something to correct
            let happened = item.trigger.triggered_at;
            let is_expected =
                |it: &&Plan| it.is_wanted(item, config, happened) && !exception_letters::is_correction(it);
            let expected = plans.iter().filter(is_expected);
            ids.extend(
                expected.map(|it| CommunicationId::derive(shop, it.document, &it.subject, &it.revision)),
            );
        }
        Ok(ids)
    }
}

/// Why no document follows from a topic, for a person.
fn why_ignored(reason: Ignored, topic: &str) -> String {
    match reason {
        Ignored::UnknownTopic => format!("the topic {topic} is not known"),
        Ignored::NoDocument => format!("{topic} is known, and what it tells leads to none"),
        Ignored::NotConfigured => format!("the shop has none of those of {topic} switched on"),
    }
}

/// What EventBridge is sent of an event. The detail stays as it is in the file: its numbers keep all digits.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(default)]
    source: String,
    #[serde(rename = "detail-type")]
    detail_type: String,
    #[serde(borrow)]
    detail: &'a RawValue,
}

/// The event's own source, if the stack accepts it.
fn source(of_event: &str, accepted: &str) -> String {
    if intake::is_of(of_event, accepted) {
        of_event.to_owned()
    } else {
        format!("{}/ctl", accepted.trim_end_matches('/'))
    }
}

/// Nobody but AWS may put events whose source begins with `aws.`, so a partner bus takes none from here.
fn may_put(outputs: &Outputs, file: &Path) -> Result<(), Failure> {
    if !outputs.event_source.starts_with("aws.") {
        return Ok(());
    }
    let Outputs { event_source, function_intake, .. } = outputs;
    let file = file.display();
    Err(format!(
        "this stack accepts events of `{event_source}` only, and nobody but AWS may put those on a bus; \
         invoke the intake function instead: aws lambda invoke --function-name {function_intake} \
         --invocation-type Event --payload fileb://{file} /dev/null"
    )
    .into())
}

async fn put(stack: &Stack, file: &Path) -> Result<(), Failure> {
    let json = std::fs::read(file)?;
    let envelope: Envelope<'_> = serde_json::from_slice(&json)?;
    let entry = PutEventsRequestEntry::builder()
        .event_bus_name(&stack.outputs.bus_name)
        .source(source(&envelope.source, &stack.outputs.event_source))
        .detail_type(envelope.detail_type)
        .detail(envelope.detail.get())
        .build();
    let output = stack.events.put_events().entries(entry).send().await?;
    match output.entries().iter().find_map(|entry| entry.error_code()) {
        None => Ok(()),
        Some(code) => Err(format!("{}: the bus refused the event: {code}", file.display()).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_detail_goes_out_as_it_is_in_the_file() {
        let detail = r#"{"id":12345678901234567890123,"price":1.10}"#;
        let json = format!(r#"{{"source":"x","detail-type":"shopifyWebhook","detail":{detail},"more":1}}"#);
        let envelope: Envelope<'_> = serde_json::from_slice(json.as_bytes()).unwrap();
        assert_eq!(envelope.detail.get(), detail);
    }

    #[test]
    fn an_event_gets_a_source_that_the_stack_accepts() {
        assert_eq!(source("local/shop", "local/"), "local/shop");
        assert_eq!(source("aws.partner/shopify.com/1/a", "local/"), "local/ctl");
        assert_eq!(source("local/123/shop", "local/12"), "local/12/ctl");
    }

    #[test]
    fn says_what_to_do_where_only_aws_may_put_events() {
        let outputs = |event_source: &str| Outputs {
            bus_name: "bus".to_owned(),
            event_source: event_source.to_owned(),
            secret_prefix: "p".to_owned(),
            table_name: "t".to_owned(),
            archive_bucket: "a".to_owned(),
            operations_bucket: "o".to_owned(),
            function_intake: "p-intake".to_owned(),
            more: Default::default(),
        };
        let file = Path::new("event.json");
        assert!(may_put(&outputs("local/"), file).is_ok());
        let error = may_put(&outputs("aws.partner/shopify.com/"), file).unwrap_err().to_string();
        assert!(error.contains("--function-name p-intake --invocation-type Event"), "{error}");
    }
}
