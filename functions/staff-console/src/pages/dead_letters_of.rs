//! The dead letters of one queue: what they are about and why they were given up, and what can be done with those that a
//! person chooses: having them delivered again, or discarding them.
//!
//! What is shown is a plan: the messages that were looked at, and of these the ones that are meant. Doing it is done to
//! messages of the same choice that SQS had taken when the plan was shown, so that pressing late, or twice, meets nothing
//! that nobody has seen. One press moves no more, and takes no longer, than a page may. It is on record before it begins and when it
//! ends; a crash in between leaves a message in both places at worst.

use crate::{
    Console,
    audit::Act,
    http::{Fields, HttpRequest},
    log_in::SignedIn,
    page::{Notice, Page, csrf, moment, of_person, text, unavailable},
    person::Right,
};
use comms::{ShopDomain, chain, one_line};
use dead_letters::{
    Batches, Bounds, Choice, DeadLetterError, Letter, NoWayBack, Patience, Plan, Progress, Way, count, look,
    move_all,
};
use decisions::{AuditEntry, Decision, Stage};
use downloads::HttpResponse;
use jiff::Timestamp;
use maud::{Markup, html};
use std::time::Duration;
use tokio::time::Instant;
use work::GivenUp;

/// So many are looked at.
const LOOKED_AT: usize = 50;
/// So many are listed.
const LISTED: usize = 40;
/// So many kinds of each sort are counted on the page.
const KINDS: usize = 8;
/// So many are moved by one press, at this pace, for so long.
const MOVED: u64 = 1000;
const PACE: Duration = Duration::from_millis(50);
const MOVES_FOR: Duration = Duration::from_secs(10);
const MOST_FIELD: usize = 200;

/// The queue, and what of it is meant.
struct Chosen<'a> {
    name: &'a str,
    url: &'a str,
    choice: Choice,
}

/// The fields that a choice is made of.
const FIELDS: [&str; 4] = ["cause", "shop", "reason", "message"];

fn chosen<'a>(console: &'a Console, queue: &str, fields: &Fields) -> Result<Chosen<'a>, Notice> {
    let (name, url) = console.dead_letters.iter().find(|(name, _)| name == queue).ok_or(Notice::NotFound)?;
    let given = |name: &str| fields.get(name).filter(|it| it.len() <= MOST_FIELD);
    let is_too_long = FIELDS.iter().any(|name| fields.get(name).is_some_and(|it| it.len() > MOST_FIELD));
    // what is meant is never more than what was named
    let shop = given("shop").map(str::parse).transpose().map_err(|_| Notice::BadForm)?;
    let cause = given("cause").map(str::parse).transpose().map_err(|_| Notice::BadForm)?;
    let choice = Choice {
        cause,
        shop,
        reason_contains: given("reason").map(str::to_owned),
        message_id: given("message").map(str::to_owned),
        sent_before_ms: None,
    };
    if is_too_long { Err(Notice::BadForm) } else { Ok(Chosen { name, url, choice }) }
}

pub async fn answer(
    console: &Console,
    signed_in: &SignedIn,
    queue: &str,
    request: &HttpRequest,
    now: Timestamp,
) -> HttpResponse {
    let fields = request.query();
    let chosen = match chosen(console, queue, &fields) {
        Ok(chosen) => chosen,
        Err(notice) => return of_person(signed_in, notice),
    };
    console.audit.note(&signed_in.person, Act::SeeOperations, chosen.choice.shop.as_ref());
    page(console, signed_in, &chosen, said(&fields), 200, now).await
}

/// What came of a move, from the address that it led to: numbers alone.
fn said(fields: &Fields) -> Option<(String, bool)> {
    let number = |name: &str| fields.get(name).and_then(|text| text.parse::<u64>().ok());
    let what = match fields.get("done")? {
        "redrive" => "delivered again",
        "discard" => "discarded",
        _ => return None,
    };
    let (moved, failed) = (number("moved")?, number("failed")?);
    let stayed = if failed == 0 {
        String::new()
    } else {
        format!(" {failed} could not be moved and stay: the log says why.")
    };
    Some((format!("{moved} messages were {what}.{stayed}"), failed == 0))
}

async fn page(
    console: &Console,
    signed_in: &SignedIn,
    chosen: &Chosen<'_>,
    said: Option<(String, bool)>,
    status: u16,
    now: Timestamp,
) -> HttpResponse {
    let (count, plan) = match plan(console, chosen).await {
        Ok(found) => found,
        Err(error) => return unavailable(signed_in, &error),
    };
    let name = chosen.name;
    let content = html! {
        h1 { "Dead letters of " (name) }
        @if let Some((said, good)) = &said {
            p.said.bad[!good] role=(if *good { "status" } else { "alert" }) tabindex="-1" autofocus { (said) }
        }
        p { "About " strong { (count) } @if count == 1 { " message." } @else { " messages." }
            " " a href="/dead-letters" { "All queues" } }
        (filter(chosen))
        @if count > 0 || plan.looked_at > 0 { (found(&plan, chosen)) }
        @if !plan.meant.is_empty() && signed_in.person.may(Right::Redrive) { (what_to_do(&plan, chosen, signed_in, now)) }
        @if !plan.meant.is_empty() { (list(&plan, name)) }
    };
    let title = format!("Dead letters of {name}");
    Page { signed_in: Some(signed_in), title: &title, here: "/dead-letters", content, has_script: false }
        .answer(status)
}

async fn plan(console: &Console, chosen: &Chosen<'_>) -> Result<(u64, Plan), DeadLetterError> {
    let count = count(&console.sqs, chosen.url).await?;
    // an empty queue is not waited for
    let most = usize::try_from(count).unwrap_or(usize::MAX).min(LOOKED_AT);
    let batches = Batches::of(&console.sqs, chosen.url, Patience::QUICK);
    Ok((count, look(batches, &chosen.choice, most).await?))
}

fn filter(Chosen { name, choice, .. }: &Chosen<'_>) -> Markup {
    let value = |it: Option<&str>| it.map(one_line).unwrap_or_default();
    html! {
        form.fields method="get" action={ "/dead-letters/" (name) } aria-label="Choose messages" {
            label { "Cause" br; select name="cause" {
                option value="" { "any" }
                @for cause in GivenUp::ALL {
                    option value=(cause.name()) selected[choice.cause == Some(*cause)] { (cause.name()) }
                }
            } }
            label { "Shop" br; input name="shop" value=(value(choice.shop.as_ref().map(ShopDomain::as_str))) maxlength=(MOST_FIELD) autocomplete="off"; }
            label { "Reason contains" br; input name="reason" value=(value(choice.reason_contains.as_deref())) maxlength=(MOST_FIELD) autocomplete="off"; }
            label { "Message" br; input name="message" value=(value(choice.message_id.as_deref())) maxlength=(MOST_FIELD) autocomplete="off"; }
            button { "Choose" }
        }
    }
}

/// How many are meant, and of which cause, shop and reason.
fn found(plan: &Plan, Chosen { name, .. }: &Chosen<'_>) -> Markup {
    let none = || "not known".to_owned();
    let by_cause = plan.counts(|it| it.cause.map_or_else(none, |cause| cause.name().to_owned()));
    let by_shop = plan.counts(|it| it.shop.clone().unwrap_or_else(none));
    let by_reason = plan.counts(|it| it.reason.clone());
    html! {
        h2 #plan { "What is meant" }
        p { "Of " (plan.looked_at) " that were looked at, " strong { (plan.meant.len()) } " are meant."
            @if plan.looked_at >= LOOKED_AT { " There are more: choose, or use " code { "ctl dlq" } " for all of them." } }
        @for (title, counts, field) in [("Cause", by_cause, "cause"), ("Shop", by_shop, "shop"), ("Reason", by_reason, "reason")] {
            @if !counts.is_empty() { div.table tabindex="0" role="region" aria-label={ "By " (title.to_lowercase()) } { table {
                thead { tr { th scope="col" { (title) } th scope="col" { "Messages" } } }
                tbody { @for (value, count) in counts.iter().take(KINDS) { tr {
                    td { @if can_choose(field, value) { a href={ "/dead-letters/" (name) "?" (query(field, value)) } { (text(value)) } }
                        @else { (text(value)) } }
                    td { (count) }
                } } }
            } } }
        }
    }
}

/// What is no cause and no domain of a shop cannot be chosen.
fn can_choose(field: &str, value: &str) -> bool {
    match field {
        "cause" => value.parse::<GivenUp>().is_ok(),
        "shop" => value.parse::<ShopDomain>().is_ok(),
        _ => true,
    }
}

fn query(field: &str, value: &str) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .append_pair(field, comms::cut(value, MOST_FIELD))
        .finish()
}

fn what_to_do(plan: &Plan, chosen: &Chosen<'_>, signed_in: &SignedIn, now: Timestamp) -> Markup {
    let count = plan.meant.len();
    html! {
        section.box aria-labelledby="redrive" {
            h2 #redrive { "Deliver again" }
            @match NoWayBack::of(chosen.name) {
                Some(none) => p { "They cannot be delivered again from here: " (text(&none.to_string())) "." },
                None => {
                    p.note { "Whatever of this choice was here at " (moment(now.as_millisecond())) " goes back, up to " (MOVED) " messages at once." }
                    (form(chosen, signed_in, now, "redrive", "Why", html! { "Deliver " (count) " or more again" }))
                }
            }
        }
        section.box aria-labelledby="discard" {
            h2 #discard { "Discard" }
            p.note { "They are deleted, and their work is never done. Nobody can get them back." }
            (form(chosen, signed_in, now, "discard", "Why they are not needed", html! { "Discard " (count) " or more for good" }))
        }
    }
}

fn form(
    Chosen { name, choice, .. }: &Chosen<'_>,
    signed_in: &SignedIn,
    now: Timestamp,
    what: &str,
    label: &str,
    button: Markup,
) -> Markup {
    let hidden = [
        ("cause", choice.cause.map(|cause| cause.name().to_owned())),
        ("shop", choice.shop.as_ref().map(ToString::to_string)),
        ("reason", choice.reason_contains.clone()),
        ("message", choice.message_id.clone()),
        ("before", Some(now.as_millisecond().to_string())),
    ];
    html! {
        form.fields method="post" action={ "/dead-letters/" (name) "/" (what) } {
            (csrf(signed_in))
            @for (name, value) in hidden { @if let Some(value) = value { input type="hidden" name=(name) value=(value); } }
            label { (label) br; input.wide name="why" required maxlength=(Decision::MOST) autocomplete="off"; }
            @if what == "discard" {
                label { input type="checkbox" name="sure" value="yes" required; " Delete them" }
            }
            button { (button) }
        }
    }
}

fn list(plan: &Plan, queue: &str) -> Markup {
    html! {
        h2 #messages { "Messages" }
        @if plan.meant.len() > LISTED { p.note { "The first " (LISTED) " of them." } }
        div.table tabindex="0" role="region" aria-labelledby="messages" { table {
            thead { tr { th scope="col" { "Message" } th scope="col" { "About" } th scope="col" { "Why" } th scope="col" { "Here since" } } }
            tbody { @for letter in plan.meant.iter().take(LISTED) { (row(letter, queue)) } }
        } }
    }
}

fn row(letter: &Letter, queue: &str) -> Markup {
    html! { tr {
        td { a href={ "/dead-letters/" (queue) "?" (query("message", &letter.message_id)) } { (text(comms::cut(&letter.message_id, 8))) } }
        td {
            (text(letter.about.as_deref().unwrap_or("not known")))
            @if let Some(shop) = &letter.shop { br; span.note { (text(shop)) } }
        }
        td { @if let Some(cause) = letter.cause { (cause.name()) br; } span.note { (text(&letter.reason)) } }
        td { @if let Some(sent) = letter.sent_epoch_ms { (moment(sent)) } @else { "not known" } }
    } }
}

/// Why nothing is moved.
#[derive(Debug, thiserror::Error)]
enum NotMoved {
    #[error(transparent)]
    Decision(#[from] decisions::InvalidDecision),
    #[error("say that they are to be deleted")]
    NotSure,
    #[error(transparent)]
    NoWayBack(#[from] NoWayBack),
}

/// Moves what a form means. The caller has checked whose form it is.
pub async fn carry_out(
    console: &Console,
    signed_in: &SignedIn,
    (queue, act): (&str, Act),
    form: &Fields,
    now: Timestamp,
) -> HttpResponse {
    let mut chosen = match chosen(console, queue, form) {
        Ok(chosen) => chosen,
        Err(notice) => return of_person(signed_in, notice),
    };
    let Some(before) = form.get("before").and_then(|text| text.parse::<i64>().ok()) else {
        return of_person(signed_in, Notice::BadForm);
    };
    let (decision, way) = match decided(console, signed_in, &chosen, act, form) {
        Ok(decided) => decided,
        Err(error) => {
            let said = format!("Nothing was done: {error}.");
            return page(console, signed_in, &chosen, Some((said, false)), 409, now).await;
        }
    };
    chosen.choice.sent_before_ms = Some(before.min(now.as_millisecond()));
    match moved(console, signed_in, &chosen, (act, &decision), &way).await {
        Ok(progress) => {
            chosen.choice.sent_before_ms = None;
            let query = again(&chosen.choice, act, progress);
            HttpResponse::redirect(&format!("/dead-letters/{}?{query}", chosen.name))
        }
        Err(error) => unavailable(signed_in, &*error),
    }
}

fn decided(
    console: &Console,
    signed_in: &SignedIn,
    chosen: &Chosen<'_>,
    act: Act,
    form: &Fields,
) -> Result<(Decision, Way), NotMoved> {
    let why = form.get("why").unwrap_or_default().to_owned();
    let decision = Decision::new(signed_in.person.name.clone(), why)?;
    if act == Act::Discard {
        return if form.get("sure") == Some("yes") {
            Ok((decision, Way::Nowhere))
        } else {
            Err(NotMoved::NotSure)
        };
    }
    if let Some(none) = NoWayBack::of(chosen.name) {
        return Err(none.into());
    }
    if Way::is_to_intake(chosen.name) {
        let function = console.intake_function.clone();
        return Ok((decision, Way::Intake { lambda: console.lambda.clone(), function }));
    }
    // a queue and its dead letters have one name but for this
    let url = chosen.url.strip_suffix("-dlq").ok_or(NoWayBack::Unknown)?.to_owned();
    Ok((decision, Way::Queue { sqs: console.sqs.clone(), url }))
}

async fn moved(
    console: &Console,
    signed_in: &SignedIn,
    chosen: &Chosen<'_>,
    (act, decision): (Act, &Decision),
    way: &Way,
) -> Result<Progress, Box<dyn std::error::Error + Send + Sync>> {
    console.audit.note(&signed_in.person, act, chosen.choice.shop.as_ref());
    let (s3, bucket) = (&console.s3, &console.operations_bucket);
    let mut entry = AuditEntry::new(act.name(), decision, format!("dead letters of {}", chosen.name));
    entry.put(s3, bucket, Stage::Begun).await?;
    let bounds = Bounds { pace: PACE, most: MOVED, until: Some(Instant::now() + MOVES_FOR) };
    let mut progress = Progress::default();
    let batches = Batches::of(&console.sqs, chosen.url, Patience::QUICK);
    let moved = move_all(batches, &chosen.choice, way, bounds, &mut progress, |_, failures| {
        for error in failures {
            tracing::error!(queue = chosen.name, error = %chain(error), "a dead letter stays");
        }
    })
    .await;
    entry.moved = Some(progress.done);
    let stage = if moved.is_ok() { Stage::Ended } else { Stage::Failed };
    if let Err(error) = entry.put(s3, bucket, stage).await {
        // that it began is on record, and what was done is said
        tracing::error!(queue = chosen.name, error = %chain(&error), "how a move ended is not on record");
    }
    match moved {
        // what was moved is said, and that the others stay
        Ok(()) | Err(DeadLetterError::NothingMoves) => Ok(progress),
        Err(error) => Err(error.into()),
    }
}

/// What was done, and the choice, for the address of the page that says so.
fn again(choice: &Choice, act: Act, Progress { done, failed, .. }: Progress) -> String {
    let fields = [
        ("done", Some(act.name().to_owned())),
        ("moved", Some(done.to_string())),
        ("failed", Some(failed.to_string())),
        ("cause", choice.cause.map(|cause| cause.name().to_owned())),
        ("shop", choice.shop.as_ref().map(ToString::to_string)),
        ("reason", choice.reason_contains.clone()),
        ("message", choice.message_id.clone()),
    ];
    let given = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish()
}
