//! Messages that were given up: how many wait in which queue, and having them delivered again.

use crate::{
    Console,
    audit::Act,
    http::{Fields, HttpRequest},
    log_in::SignedIn,
    page::{Notice, Page, csrf, of_person},
    person::Right,
};
use aws_sdk_sqs::types::QueueAttributeName;
use comms::{chain, one_line};
use downloads::HttpResponse;
use maud::{Markup, html};

struct Depth {
    name: String,
    /// Messages, if that is known.
    count: Option<u64>,
}

pub async fn answer(console: &Console, signed_in: &SignedIn, request: &HttpRequest) -> HttpResponse {
    console.audit.note(&signed_in.person, Act::SeeOperations, None);
    let done = request.query().get("redriven").map(one_line);
    let mut depths = Vec::new();
    for (name, url) in &console.dead_letters {
        depths.push(Depth { name: name.clone(), count: count(console, url).await });
    }
    let content = html! {
        h1 { "Dead letters" }
        p { "Messages that failed again and again. Remove the cause first: its reason is in the function's log. Then have them delivered again; what was sent is not sent twice." }
        @if let Some(name) = done { p.said role="status" { "The messages of " bdi { (name) } " are on their way back." } }
        (list(&depths, signed_in))
    };
    Page {
        signed_in: Some(signed_in),
        title: "Dead letters",
        here: "/dead-letters",
        content,
        has_script: false,
    }
    .answer(200)
}

async fn count(console: &Console, url: &str) -> Option<u64> {
    let name = QueueAttributeName::ApproximateNumberOfMessages;
    let asked = console.sqs.get_queue_attributes().queue_url(url).attribute_names(name.clone());
    match asked.send().await {
        Ok(answer) => answer.attributes()?.get(&name)?.parse().ok(),
        Err(error) => {
            tracing::warn!(queue = url, error = chain(&error), "the depth of a queue is not known");
            None
        }
    }
}

fn list(depths: &[Depth], signed_in: &SignedIn) -> Markup {
    html! {
        div.table tabindex="0" role="region" aria-label="Dead letters" { table {
            thead { tr { th { "Queue" } th { "Messages" } th { "Do" } } }
            tbody { @for depth in depths { tr {
                td { (depth.name) }
                @match &depth.count {
                    Some(0) => { td { "none" } td {} },
                    Some(count) => {
                        td { span.state.bad { (count) } }
                        td { @if may_redrive(&depth.name, signed_in) {
                            form method="post" action="/dead-letters/redrive" {
                                (csrf(signed_in))
                                input type="hidden" name="queue" value=(depth.name);
                                button { "Deliver again" }
                            }
                        } }
                    },
                    None => { td { "not known" } td {} },
                }
            } } }
        } }
    }
}

/// What EventBridge or a schedule gave up has no queue to go back to.
fn may_redrive(name: &str, signed_in: &SignedIn) -> bool {
    signed_in.person.may(Right::Redrive) && has_source(name)
}

fn has_source(name: &str) -> bool {
    !matches!(name, "intake" | "schedules" | "outcome-events")
}

/// Asks SQS to move everything back to the queue it came from, which is named: of what a function gave up itself, SQS does not
/// know where it came from. Asked twice, the second is refused while the first runs.
pub async fn redrive(console: &Console, signed_in: &SignedIn, form: &Fields) -> HttpResponse {
    let wanted = form.get("queue").unwrap_or_default();
    let found = console.dead_letters.iter().find(|(name, _)| name == wanted && has_source(name));
    let Some((name, url)) = found else { return of_person(signed_in, Notice::BadForm) };
    console.audit.note(&signed_in.person, Act::Redrive, None);
    let attribute = QueueAttributeName::QueueArn;
    let asked =
        console.sqs.get_queue_attributes().queue_url(url).attribute_names(attribute.clone()).send().await;
    let arn = asked.ok().and_then(|answer| answer.attributes()?.get(&attribute).cloned());
    let Some(arn) = arn else { return of_person(signed_in, Notice::Unavailable) };
    // a queue and its dead letters have one name but for this
    let Some(queue) = arn.strip_suffix("-dlq") else { return of_person(signed_in, Notice::Unavailable) };
    let task = console.sqs.start_message_move_task().source_arn(&arn).destination_arn(queue);
    match task.send().await {
        Ok(_) => HttpResponse::redirect(&format!("/dead-letters?redriven={name}")),
        Err(error) => {
            tracing::error!(queue = name, error = %chain(&error), "dead letters not moved");
            of_person(signed_in, Notice::Unavailable)
        }
    }
}
