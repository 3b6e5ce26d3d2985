//! Messages that were given up: how many are in which queue. All that a deployment has are here: the list comes with it.

use crate::{Console, audit::Act, log_in::SignedIn, page::Page};
use comms::chain;
use downloads::HttpResponse;
use maud::{Markup, html};
use tokio::task::JoinSet;

struct Depth {
    name: String,
    /// Messages, if that is known.
    count: Option<u64>,
}

pub async fn answer(console: &Console, signed_in: &SignedIn) -> HttpResponse {
    console.audit.note(&signed_in.person, Act::SeeOperations, None);
    let depths = depths(console).await;
    let content = html! {
        h1 { "Dead letters" }
        p { "Messages that failed again and again, or that nobody could take. Look at why, remove the cause, and have them delivered again; what was sent is not sent twice." }
        (list(&depths))
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

/// All at once: one after the other would take as long as all of them together.
async fn depths(console: &Console) -> Vec<Depth> {
    let mut asked = JoinSet::new();
    for (index, (_, url)) in console.dead_letters.iter().enumerate() {
        let (sqs, url) = (console.sqs.clone(), url.clone());
        asked.spawn(async move { (index, dead_letters::count(&sqs, &url).await) });
    }
    let names = console.dead_letters.iter().map(|(name, _)| name.clone());
    let mut depths: Vec<_> = names.map(|name| Depth { name, count: None }).collect();
    while let Some(answer) = asked.join_next().await {
        match answer {
            Ok((index, Ok(count))) => {
                if let Some(depth) = depths.get_mut(index) {
                    depth.count = Some(count);
                }
            }
            Ok((_, Err(error))) => {
                tracing::warn!(error = %chain(&error), "the depth of a queue is not known")
            }
            Err(error) => tracing::warn!(error = %chain(&error), "the depth of a queue was not asked for"),
        }
    }
    depths
}

fn list(depths: &[Depth]) -> Markup {
    html! {
        div.table tabindex="0" role="region" aria-label="Dead letters" { table {
            thead { tr { th { "Queue" } th { "Messages" } } }
            tbody { @for depth in depths { tr {
                td { a href={ "/dead-letters/" (depth.name) } { (depth.name) } }
                td { @match depth.count {
                    Some(0) => "none",
                    Some(count) => { span.state.bad { (count) } },
                    None => "not known",
                } }
            } } }
        } }
    }
}
