use super::*;
use serde_json::{Value, json};
use std::{fs, path::Path};

fn sample(name: &str) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(name);
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

#[test]
fn the_contract_is_published_and_the_samples_conform() {
    let [request, asked, not_asked] =
        [schemars::schema_for!(SendDocument), schemars::schema_for!(Asked), schemars::schema_for!(NotAsked)]
            .map(schemars::Schema::to_value);
    let all = json!({"request": request, "200": asked, "4xx and 503": not_asked});
    contract::published(&Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/flow-action.v1.json"), &all);
    let sent = sample("flow-action.json");
    contract::conforms(&request, &sent);
    contract::conforms(&asked, &sample("flow-action-asked.json"));
    contract::conforms(&not_asked, &sample("flow-action-not-asked.json"));
    let wanted = wanted(&serde_json::from_value(sent).unwrap()).unwrap();
    assert_eq!((wanted.document, wanted.order.as_str()), (Document::Receipt, "gid://shopify/Order/4501"));
    let answer =
        serde_json::to_value(NotAsked { message: ActionError::Refused(Refusal::SwitchedOff).to_string() });
    assert_eq!(answer.unwrap(), sample("flow-action-not-asked.json"));
}

/// The extension asks for what is read here, at the address that is served here.
#[test]
fn the_extension_has_the_fields_and_the_address_of_the_contract() {
    let file = "../../infra/shopify-app/extensions/flow-send-document/shopify.extension.toml";
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    assert!(text.contains(&format!("runtime_url = \"{}\"", crate::route::FLOW_ACTION)));
    assert!(text.contains(&format!("handle = \"{HANDLE}\"")));
    let keys: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("key = ")).collect();
    assert_eq!(keys, ["\"document\"", "\"language\"", "\"reason\""]);
}

fn with(change: impl FnOnce(&mut Value)) -> Result<DocumentRequest, u16> {
    let mut sent = sample("flow-action.json");
    change(&mut sent);
    let sent = serde_json::from_value(sent).map_err(|_| 400_u16)?;
    wanted(&sent).map_err(|error| error.status())
}

#[test]
fn an_order_is_read_however_shopify_writes_it() {
    for (written, order) in [
        (json!(9_007_199_254_740_993_u64), Ok("gid://shopify/Order/9007199254740993")),
        (json!("4501"), Ok("gid://shopify/Order/4501")),
        (json!("gid://shopify/Order/4501"), Ok("gid://shopify/Order/4501")),
        // checked with the shop's settings
        (json!("gid://shopify/Customer/1"), Ok("gid://shopify/Customer/1")),
        (json!(""), Err(422)),
        (json!("#1001"), Err(422)),
        (json!("1/../2"), Err(422)),
        (json!(-1), Err(400)),
        (json!(1.5), Err(400)),
        (Value::Null, Err(400)),
    ] {
        let read = with(|it| it["properties"]["order_id"] = written.clone()).map(|it| it.order.to_string());
        assert_eq!(read, order.map(str::to_owned), "{written}");
    }
}

#[test]
fn a_document_is_named_as_merchants_write_it_and_everything_is_bounded() {
    let named = |name: &str| with(|it| it["properties"]["document"] = name.into()).map(|it| it.document);
    assert_eq!(named(" Order confirmation "), Ok(Document::OrderConfirmation));
    assert_eq!((named("postcard"), named("")), (Err(422), Err(422)));
    for run in ["", "a/b", "a\nb", &"x".repeat(65)] {
        assert_eq!(with(|it| it["action_run_id"] = run.into()).map(|it| it.name), Err(400), "{run}");
    }
    assert_eq!(with(|it| it["handle"] = "other".into()).map(|it| it.name), Err(400), "another action's");
    let reason = |text: &str| {
        with(|it| it["properties"]["reason"] = text.into()).map(|it| it.decision.reason().to_owned())
    };
    assert_eq!(reason(" "), Ok(NO_REASON.to_owned()));
    assert_eq!(reason("VIP"), Ok("VIP".to_owned()));
    for bad in ["a\nb", "\u{202e}x", &"x".repeat(201)] {
        assert_eq!(reason(bad), Err(422));
    }
    assert_eq!(with(|it| it["properties"]["language"] = "".into()).unwrap().language, None);
    let message = named_error("\u{202e}<script>\n".repeat(20).as_str());
    assert!(comms::is_one_line(&message) && message.len() < 200, "{message}");
}

fn named_error(text: &str) -> String {
    named(text).unwrap_err().to_string()
}
