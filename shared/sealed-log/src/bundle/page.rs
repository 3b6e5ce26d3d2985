//! The page of a bundle: what became of the document and how to check each part, in plain language.

use super::{Bundle, Proved, fact_stem, names};
use archive::{AddressField, Fact, FactKind};
use comms::one_line;

/// What all this is and how to check it with tools of others. `documents` are the names of those parts, and `proved` is what
/// [`super::check`] found the bundle to prove.
pub fn page(bundle: &Bundle, documents: &[&str], proved: &Proved) -> String {
    let check = |name: &&str| {
        format!("  grep -o \"\\\"sha256\\\":\\\"$(sha256sum < {name} | cut -c 1-64)\\\"\" record.json\n")
    };
    let checks: String = documents.iter().map(check).collect();
    let listed: String = documents.iter().map(|name| format!("  {name}\n")).collect();
    let stems: Vec<String> = bundle.leaves().map(|(stem, _)| stem).collect();
    let stamped: Vec<String> =
        bundle.leaves().filter(|(_, leaf)| leaf.time.is_some()).map(|(stem, _)| stem).collect();
    let [parts, time, limits] = if proved.leaf.time.is_some() {
        let time = include_str!("page-time.txt").replace("{stamped}", &stamped.join(" "));
        let limits = "When the document was composed: only that it was there when it was stamped.";
        [include_str!("page-parts.txt").to_owned(), time, limits.to_owned()]
    } else {
        let limits = "When the checkpoint was signed: it has no time-stamp. Compare with a checkpoint that somebody else has kept.";
        [String::new(), String::new(), limits.to_owned()]
    };
    include_str!("page.txt")
        .replace("{documents}\n", &listed)
        .replace("{checks}\n", &checks)
        .replace("{parts}\n", &parts)
        .replace("{time}\n", &time)
        .replace("{limits}", &limits)
        .replace("{stems}", &stems.join(" "))
        .replace("{facts}\n", &facts(proved, &stems))
}

/// What the facts say, and the commands that check their chain.
fn facts(proved: &Proved, stems: &[String]) -> String {
    if proved.facts.is_empty() {
        return include_str!("page-no-facts.txt").to_owned();
    }
    let line = |(fact, leaf): &(archive::FactRecord, super::ProvedLeaf)| {
        let stamped = match &leaf.time {
            Some(time) => format!(" In the log at {} at the latest.", time.time),
            None => String::new(),
        };
        let stem = fact_stem(fact.number);
        format!("  {stem}{}  {}\n      {}{stamped}\n", names::JSON, fact.fact.at, fact_text(&fact.fact))
    };
    let lines: String = proved.facts.iter().map(line).collect();
    let chain = stems.get(1..).unwrap_or_default().join(" ");
    include_str!("page-facts.txt").replace("{chain}", &chain).replace("{lines}\n", &lines)
}

/// A fact as a sentence, which does not begin with words of others. Names no address.
pub fn fact_text(fact: &Fact) -> String {
    let channel = match &fact.channel {
        Some(channel) => format!("The channel {}", one_line(channel)),
        None => "The channel".to_owned(),
    };
    let by = match &fact.decision {
        Some(decision) => format!("By decision of {}", one_line(&decision.actor)),
        None => "By decision".to_owned(),
    };
    let matter = fact
        .matter
        .as_deref()
        .map_or_else(|| "a matter".to_owned(), |it| format!("the matter {}", one_line(it)));
    let mut text = match fact.kind {
        FactKind::Addressed => {
            "It was about to go by another channel, or to another address, than the record says".to_owned()
        }
        FactKind::Accepted => format!("{channel} took it{}", reference(fact)),
        FactKind::Refused => format!("{channel} did not take it and never will"),
        FactKind::Failed => "It could not be sent".to_owned(),
        FactKind::Unknown => "It may or may not have been sent".to_owned(),
        FactKind::Suppressed => "It was decided not to send it".to_owned(),
        FactKind::Delivered => format!("{channel} says that it reached the recipient"),
        FactKind::Bounced => format!("{channel} says that it did not reach the recipient, or came back"),
        FactKind::Unconfirmed => format!("{channel} said nothing more of it"),
        FactKind::OptedOut => "The recipient wants no more of the kind".to_owned(),
        FactKind::Settled => match fact.settled_as {
            Some(state) => format!("{by}, it counts as {state}"),
            None => format!("{by}, its outcome was settled"),
        },
        FactKind::Reissued => match &fact.issue {
            Some(issue) => format!("{by}, another issue of it was asked for, {issue}"),
            None => format!("{by}, another issue of it was asked for"),
        },
        FactKind::Opened => match fact.opened.as_deref() {
            None | Some("page") => "Its page was opened for the first time".to_owned(),
            Some(file) => format!("On its page, {} was opened for the first time", one_line(file)),
        },
        FactKind::Held => format!("{by}, it must not be deleted, for {matter}"),
        FactKind::Released => format!("{by}, it may be deleted as far as {matter} goes"),
    };
    if let Some(at) = fact.said_at {
        text = format!("{text}, at {at} by the channel's clock");
    }
    let words = fact.words.as_deref().or(fact.decision.as_ref().map(|decision| decision.reason.as_str()));
    match words.map(one_line).filter(|words| !words.is_empty()) {
        Some(words) => format!("{text}: \"{words}\"."),
        None => format!("{text}."),
    }
}

/// What the channel calls the delivery, and which address of the record it used.
fn reference(fact: &Fact) -> String {
    let address = match fact.address {
        Some(AddressField::Email) => " for the e-mail address in the record",
        Some(AddressField::Phone) => " for the telephone number in the record",
        Some(AddressField::PostalAddress) => " for the postal address in the record",
        None => "",
    };
    match &fact.reference {
        Some(reference) => format!("{address} and calls it {}", one_line(reference)),
        None => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use archive::Decision;

    fn fact(kind: FactKind) -> Fact {
        Fact::new(kind, "2026-11-27T09:00:00Z".parse().unwrap())
    }

    #[test]
    fn every_fact_is_one_sentence() {
        for kind in FactKind::ALL {
            let text = fact_text(&fact(*kind));
            assert!(text.ends_with('.') && !text.contains('\n'), "{text}");
        }
        let accepted = Fact {
            channel: Some("email".to_owned()),
            reference: Some("job-1".to_owned()),
            address: Some(AddressField::Email),
            ..fact(FactKind::Accepted)
        };
        assert_eq!(
            fact_text(&accepted),
            "The channel email took it for the e-mail address in the record and calls it job-1."
        );
        let settled = Fact {
            settled_as: Some(comms::State::Delivered),
            decision: Some(Decision { actor: "anna".to_owned(), reason: "the printer\n  rang".to_owned() }),
            ..fact(FactKind::Settled)
        };
        assert_eq!(fact_text(&settled), "By decision of anna, it counts as delivered: \"the printer rang\".");
        let bounced = Fact { channel: Some("print".to_owned()), ..fact(FactKind::Bounced) };
        let bounced = bounced.saying(Some("moved away\r\n  sed -i x README.txt"));
        assert_eq!(
            fact_text(&bounced),
            "The channel print says that it did not reach the recipient, or came back: \"moved away sed -i x README.txt\"."
        );
    }
}
