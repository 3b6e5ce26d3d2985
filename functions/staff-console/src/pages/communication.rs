//! One communication: where it stands and why, its timeline, its document, and what can be done about it.

use crate::{
    Console,
    audit::Act,
    document::{Outputs, outputs},
    http::HttpRequest,
    log_in::SignedIn,
    page::{Notice, Page, csrf, moment, of_person, state, text, unavailable},
    pages::{hold, search::about},
    person::Right,
};
use comms::{CommunicationId, State, masked};
use decisions::{can_settle_as, matters, why, why_not_again};
use downloads::{HttpResponse, PART_BYTES};
use jiff::Timestamp;
use ledger::Entry;
use maud::{Markup, html};
use uuid::Uuid;

pub async fn answer(
    console: &Console,
    signed_in: &SignedIn,
    id: &CommunicationId,
    request: &HttpRequest,
    now: Timestamp,
) -> HttpResponse {
    let entry = match console.entry(&signed_in.person, id).await {
        Ok(Some(entry)) => entry,
        Ok(None) => return of_person(signed_in, Notice::NotFound),
        Err(error) => return unavailable(signed_in, &error),
    };
    if let Err(error) = console.audit.record(&signed_in.person.subject, Act::See, &entry, None).await {
        return unavailable(signed_in, &error);
    }
    let said = request.query().get("done").and_then(said);
    show(console, signed_in, &entry, said, 200, now).await
}

/// What a communication is held for, if that can be read. Not asked for where nobody would see it.
async fn held_for(console: &Console, signed_in: &SignedIn, entry: &Entry) -> Option<Vec<String>> {
    if entry.archived.is_none() || !signed_in.person.may(Right::Hold) {
        return None;
    }
    let matters = matters(&console.archive, entry).await;
    matters.inspect_err(|error| tracing::warn!(error = %comms::chain(error), "holds not shown")).ok()
}

/// What a decision led to.
fn said(done: &str) -> Option<(&'static str, bool)> {
    Some(match done {
        "resend" => {
            ("Another issue is on its way. This page shows it as soon as it is begun: reload it.", true)
        }
        "settle" => ("It is settled.", true),
        "hold" => ("It is held.", true),
        "release" => ("The hold has ended.", true),
        _ => return None,
    })
}

/// The page, with what is said of a decision: whether that is good news, too.
pub async fn show(
    console: &Console,
    signed_in: &SignedIn,
    entry: &Entry,
    said: Option<(&str, bool)>,
    status: u16,
    now: Timestamp,
) -> HttpResponse {
    let title = entry.document.title("en");
    let person = &signed_in.person;
    // the page is of use without the record: what is wrong with it is said there
    let (outputs, held) = tokio::join!(outputs(console, entry), held_for(console, signed_in, entry));
    let outputs = &outputs;
    let has_script = outputs.list().iter().any(|output| output.bytes > PART_BYTES);
    let content = html! {
        h1 { (title) }
        p { (state(entry.state)) " · " (about(&entry.reported_on, &entry.shop)) " · " (entry.shop) }
        @if let Some((said, good)) = said {
            // whoever uses the keyboard is where it is said
            p.said.bad[!good] role=(if good { "status" } else { "alert" }) tabindex="-1" autofocus { (said) }
        }
        section aria-labelledby="why" {
            h2 #why { "Why" }
            @for sentence in why(entry, now) { p { (text(&sentence)) } }
        }
        @if person.may(Right::Open) { (document(entry, outputs)) }
        @if person.may(Right::Resend) { (resend(signed_in, entry, outputs)) }
        @if entry.state == State::Unknown && person.may(Right::Settle) { (settle(signed_in, entry)) }
        @if entry.archived.is_some() && person.may(Right::Hold) { (hold::section(signed_in, entry, held.as_deref())) }
        (timeline(entry))
        (details(entry, outputs))
        @if entry.archived.is_some() && person.may(Right::Evidence) {
            p { a href={ "/c/" (entry.communication) "/evidence" } { "Evidence and its verification" } }
        }
    };
    Page { signed_in: Some(signed_in), title, here: "", content, has_script }.answer(status)
}

fn document(entry: &Entry, outputs: &Outputs) -> Markup {
    let id = &entry.communication;
    html! {
        section aria-labelledby="document" {
            h2 #document { "Document" }
            @match outputs {
                Outputs::None => p { "Nothing of it is archived." },
                Outputs::Erased => p { "It was erased, as the customer asked. That it was sent, and when, stays on record." },
                Outputs::Unreadable => p.said.bad { "It cannot be read from the archive at the moment." },
                Outputs::Record(record) => {
                    p #status role="status" {}
                    @for (number, output) in record.outputs.iter().enumerate() {
                        p {
                            @if output.bytes > PART_BYTES {
                                a.button href={ "/c/" (id) "/document/" (number) } download=(crate::document::saved_as(record, number))
                                    data-bytes=(output.bytes) data-sha256=(output.sha256) data-type=(output.media_type)
                                    data-loading="Loading" data-loaded="Saved" data-failed="It could not be loaded." { "Download" }
                            } @else {
                                a.button href={ "/c/" (id) "/document/" (number) } { "Open" }
                            }
                            " " span.note {
                                (text(&output.media_type)) ", " (output.bytes.div_ceil(1000)) " KB"
                                @if !output.uses.is_empty() { ", for " (text(&output.uses.join(" and "))) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn resend(signed_in: &SignedIn, entry: &Entry, outputs: &Outputs) -> Markup {
    let recipient = outputs.record().and_then(|record| record.recipient.as_ref());
    let address = recipient.and_then(|it| it.email.as_deref().or(it.phone.as_deref())).map(masked);
    html! {
        section.box aria-labelledby="resend" {
            h2 #resend { "Send again" }
            @if let Some(refusal) = why_not_again(entry) {
                p { "It cannot be sent again: " (text(&refusal.to_string())) "." }
            } @else {
                p.note { "The same document, byte for byte, as a communication of its own." }
                form.fields method="post" action={ "/c/" (entry.communication) "/resend" } {
                    (csrf(signed_in))
                    input type="hidden" name="request" value=(Uuid::new_v4());
                    label { "Reason" " " small { "seen in Shopify: nothing personal" } br;
                        input.wide name="reason" required maxlength="200" value="The customer asked for it again" autocomplete="off";
                    }
                    label { "Corrected address" " "
                        small { "empty: to " @if let Some(address) = &address { bdi { (address) } } @else { "where it went" } } br;
                        input.wide name="to" maxlength="254" autocomplete="off" inputmode="email";
                    }
                    button { "Send again" }
                }
            }
        }
    }
}

fn settle(signed_in: &SignedIn, entry: &Entry) -> Markup {
    html! {
        section.box aria-labelledby="settle" {
            h2 #settle { "Settle" }
            form.fields method="post" action={ "/c/" (entry.communication) "/settle" } {
                (csrf(signed_in))
                label { "What became of it" br; select name="state" required {
                    option value="" { "choose" }
                    @for state in State::ALL.iter().filter(|state| can_settle_as(**state)) {
                        option value=(state.name()) { (state.name()) }
                    }
                } }
                label { "How you know" " " small { "seen in Shopify: nothing personal" } br;
                    input.wide name="reason" required maxlength="200" autocomplete="off";
                }
                button { "Settle" }
            }
        }
    }
}

fn timeline(entry: &Entry) -> Markup {
    let ended = (entry.updated_epoch_ms, entry.state);
    html! {
        section aria-labelledby="timeline" {
            h2 #timeline { "Timeline" }
            dl {
                dt { "begun" } dd { (moment(entry.created_epoch_ms)) }
                @if let Some(accepted) = entry.accepted_epoch_ms { dt { "sent" } dd { (moment(accepted)) } }
                dt { (ended.1.name()) } dd { (moment(ended.0)) }
                @if let Some(opened) = entry.opened_epoch_ms { dt { "first opened" } dd { (moment(opened)) } }
                @if let Some(check) = entry.check_epoch_ms { dt { "the channel is asked next" } dd { (moment(check)) } }
                dt { "attempts, sends" } dd { (entry.attempts) ", " (entry.sends) }
                dt { "report to Shopify" } dd {
                    (entry.write_back.name())
                    @if let Some(reason) = &entry.write_back_reason { ": " (text(reason)) }
                }
            }
        }
    }
}

fn details(entry: &Entry, outputs: &Outputs) -> Markup {
    let record = outputs.record();
    html! {
        section aria-labelledby="details" {
            h2 #details { "Details" }
            dl {
                dt { "communication" } dd { code { (entry.communication) } }
                @if let Some(name) = record.and_then(|record| record.name.as_deref()) { dt { "name" } dd { (text(name)) } }
                dt { "flow" } dd { (entry.flow.name()) }
                dt { "subject" } dd { code { (text(entry.subject.as_str())) } }
                dt { "issue" } dd { (text(entry.revision.as_str())) }
                @if let Some(channel) = &entry.channel { dt { "channel" } dd { (text(channel)) } }
                @if let Some(reference) = &entry.reference { dt { "the channel's reference" } dd { code { (text(reference)) } } }
                @if let Some(again) = record.and_then(|record| record.resend.as_ref()) {
                    dt { "asked for by" } dd { (text(&again.actor)) ": " (text(&again.reason)) }
                    dt { "issue of" } dd { a href={ "/c/" (again.of) } { code { (again.of) } } }
                }
            }
        }
    }
}
