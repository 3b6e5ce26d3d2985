//! Holding the evidence of a communication for a matter, and ending such a hold.
//!
//! What people hold here bears a mark of its own, as what the staff of a shop holds in the Shopify admin does, so that nobody
//! ends a hold that others have placed elsewhere, whatever they call it.

use crate::{
    log_in::SignedIn,
    page::{csrf, text},
};
use decisions::{Decision, Matter, Refusal};
use ledger::Entry;
use maud::{Markup, html};

/// Begins the matters of the console.
const CONSOLE: &str = "console: ";

/// A matter of the console's, as evidence has it.
///
/// # Errors
/// When it is empty, too long, or not one visible line.
pub fn matter(name: &str) -> Result<Matter, Refusal> {
    if name.trim().is_empty() {
        return Err(Refusal::Matter);
    }
    Matter::new(format!("{CONSOLE}{}", name.trim()))
}

/// What it is held for; none if that cannot be read at the moment.
pub fn section(signed_in: &SignedIn, entry: &Entry, matters: Option<&[String]>) -> Markup {
    let id = &entry.communication;
    html! {
        section.box aria-labelledby="hold" {
            h2 #hold { "Hold" }
            @match matters {
                None => p.said.bad { "It cannot be read from the archive at the moment whether it is held." },
                Some([]) => p { "It is held for nothing." },
                Some(matters) => {
                    p { "It must not be deleted, because of:" }
                    ul { @for matter in matters { li {
                        @match matter.strip_prefix(CONSOLE) {
                            Some(own) => {
                                (text(own))
                                form.fields method="post" action={ "/c/" (id) "/release" } {
                                    (csrf(signed_in))
                                    input type="hidden" name="matter" value=(own);
                                    (reason())
                                    button { "End the hold for " (text(own)) }
                                }
                            },
                            None => { (text(matter)) " " span.note { "placed elsewhere, and ended there" } },
                        }
                    } } }
                }
            }
            p.note { "What is held is kept until the hold ends, whatever its retention." }
            form.fields method="post" action={ "/c/" (id) "/hold" } {
                (csrf(signed_in))
                label { "Matter" " " small { "such as the number of a case" } br;
                    input name="matter" required maxlength=(Matter::MOST - CONSOLE.len()) autocomplete="off";
                }
                (reason())
                button { "Hold" }
            }
        }
    }
}

fn reason() -> Markup {
    html! {
        label { "Why" " " small { "becomes evidence: nothing personal" } br;
            input.wide name="reason" required maxlength=(Decision::MOST) autocomplete="off";
        }
    }
}
