use super::*;
use std::{collections::BTreeSet, fs, path::Path};

fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

#[test]
fn each_function_is_in_the_table_and_nothing_else() {
    let deployment = Deployment::read().unwrap();
    let folders = fs::read_dir(repository().join("functions")).unwrap().map(|entry| entry.unwrap());
    let folders: BTreeSet<String> = folders
        .filter(|entry| entry.path().join("Cargo.toml").exists())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    let rows: Vec<&str> = KINDS.iter().flat_map(|kind| deployment.names(kind)).collect();
    assert_eq!(rows.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(), folders);
    assert_eq!(rows.len(), folders.len(), "a function is in the table twice");
}

#[test]
fn the_table_is_what_its_schema_describes() {
    let schema = fs::read_to_string(repository().join("infra/functions.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    let table: Value = serde_json::from_str(TABLE).unwrap();
    let errors: Vec<String> = schema.iter_errors(&table).map(|error| error.to_string()).collect();
    assert_eq!(errors, [""; 0]);
    let mut misspelt = table;
    misspelt["flow"]["shared"]["batchsize"] = 5.into();
    assert!(!schema.is_valid(&misspelt));
}

#[test]
fn each_kind_has_what_it_needs() {
    let deployment = Deployment::read().unwrap();
    for name in [FLOW, RUN, WRITE_BACK].into_iter().flat_map(|kind| deployment.names(kind)) {
        let batches = deployment.batches(name).unwrap();
        assert!(batches.timeout() > Duration::ZERO && batches.hidden() >= batches.timeout(), "{name}");
        // Lambda collects more than ten only with a window
        assert!(batches.batch_size <= 10 || batches.window() >= Duration::from_secs(1), "{name}");
    }
    for name in deployment.names(EVENTS) {
        deployment.per_event(name).unwrap();
    }
    for name in deployment.names(RUN) {
        let fills = deployment.run(name).unwrap().fills;
        assert!(deployment.names(FLOW).any(|flow| flow == fills), "{name} fills {fills}");
    }
    assert!(deployment.names(FLOW).all(|name| deployment.batches(name).unwrap().batch_concurrency.is_some()));
}

#[test]
fn a_function_has_its_own_value_before_that_of_its_kind() {
    let deployment = Deployment::read().unwrap();
    let [flow, statements] =
        ["order-confirmation", "account-statements"].map(|name| deployment.batches(name).unwrap());
    assert!(flow.timeout() < statements.timeout());
    assert_eq!(flow.batch_size, statements.batch_size);
    let missing = deployment.batches("intake").unwrap_err();
    assert_eq!(missing.to_string(), "infra/functions.json: `intake`");
    assert_eq!(
        deployment.batches("intakes").unwrap_err().to_string(),
        "infra/functions.json has no function `intakes`"
    );
}
