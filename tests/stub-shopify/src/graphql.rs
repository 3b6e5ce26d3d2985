//! One GraphQL request from its bytes to its answer: parse, validate, price, throttle, execute.
//!
//! Operations are parsed and validated once per text, because a client sends the same few again and
//! again. A refused operation takes nothing from the bucket and executes nothing.

use crate::{
    bucket::Bucket, cost::Costs, execution::Execution, mutation::MutationRoot, options::ShopifySettings,
    query::QueryRoot, schema::AdminSchema, shop::Shop,
};
use apollo_compiler::{
    ExecutableDocument,
    executable::Operation,
    request::coerce_variable_values,
    resolvers::{self, ObjectValue},
    response::{GraphQLError, JsonMap},
    validation::Valid,
};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    cell::RefCell,
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};
use stub_http::Answer;

const MAX_CACHED: usize = 500;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct GraphqlRequest {
    query: String,
    #[serde(default)]
    variables: Option<serde_json::Map<String, Value>>,
    operation_name: Option<String>,
}

/// Where a request is answered.
pub(crate) struct Target<'a> {
    pub schema: &'a Arc<AdminSchema>,
    pub shop: &'a Arc<Mutex<Shop>>,
    pub settings: Arc<ShopifySettings>,
    /// Where the stub was reached.
    pub base: &'a str,
}

type Checked = Result<Valid<ExecutableDocument>, Vec<Value>>;

/// Operations that were parsed before.
#[derive(Debug, Default)]
pub(crate) struct ParsedOperations(Mutex<HashMap<String, Arc<Checked>>>);

impl ParsedOperations {
    fn document(&self, schema: &AdminSchema, query: &str) -> Arc<Checked> {
        let cached = |map: &HashMap<String, Arc<Checked>>| map.get(query).cloned();
        if let Some(known) = cached(&self.0.lock().unwrap_or_else(PoisonError::into_inner)) {
            return known;
        }
        let parsed = ExecutableDocument::parse_and_validate(&schema.schema, query, "operation.graphql");
        let checked = Arc::new(parsed.map_err(|refused| {
            refused
                .errors
                .iter()
                .map(|found| {
                    let code = found.error.unstable_error_name().map_or("PARSE_ERROR".to_owned(), lower_first);
                    let shown = found.unstable_to_json_compat();
                    json!({"message": shown.message, "locations": shown.locations, "extensions": {"code": code}})
                })
                .collect()
        }));
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if map.len() >= MAX_CACHED {
            map.clear();
        }
        map.insert(query.to_owned(), Arc::clone(&checked));
        checked
    }

    /// The root fields a request asks for and the name of its operation; nothing if it is not valid.
    pub fn names(&self, schema: &AdminSchema, body: &Bytes) -> Vec<String> {
        let Ok(request) = serde_json::from_slice::<GraphqlRequest>(body) else { return Vec::new() };
        let checked = self.document(schema, &request.query);
        let Ok(document) = &*checked else { return Vec::new() };
        let Ok(operation) = document.operations.get(request.operation_name.as_deref()) else {
            return Vec::new();
        };
        let mut names: Vec<String> = Vec::new();
        let fields = operation.root_fields(document).map(|field| field.name.to_string());
        for name in fields.chain(operation.name.as_ref().map(ToString::to_string)) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    pub fn answer(&self, target: &Target<'_>, body: &Bytes) -> Answer {
        let schema = target.schema;
        let Ok(request) = serde_json::from_slice::<GraphqlRequest>(body) else {
            return Answer::json(400, &json!({"errors": {"query": "Required parameter missing or invalid"}}));
        };
        let checked = self.document(schema, &request.query);
        let document = match &*checked {
            Ok(document) => document,
            Err(errors) => return errors_only(errors),
        };
        let operation = match document.operations.get(request.operation_name.as_deref()) {
            Ok(operation) => operation,
            Err(error) => return errors_only(&[shown(&error.to_graphql_error(&document.sources), None)]),
        };
        let sent = serde_json::to_vec(&request.variables.unwrap_or_default()).unwrap_or_default();
        let sent: JsonMap = serde_json::from_slice(&sent).unwrap_or_default();
        let variables = match coerce_variable_values(&schema.schema, operation, &sent) {
            Ok(variables) => variables,
            Err(error) => {
                let error = error.to_graphql_error(&document.sources);
                return errors_only(&[shown(&error, Some("INVALID_VARIABLE"))]);
            }
        };
        run(target, document, operation, &variables)
    }
}

fn run(
    target: &Target<'_>,
    document: &Valid<ExecutableDocument>,
    operation: &Operation,
    variables: &Valid<JsonMap>,
) -> Answer {
    let &Target { schema, shop, ref settings, base } = target;
    let max_cost = settings.max_query_cost;
    let costs = Costs { document, variables };
    let requested = costs.requested(operation);
    if requested > max_cost {
        return too_dear(requested, max_cost);
    }
    let locked = || shop.lock().unwrap_or_else(PoisonError::into_inner);
    {
        let mut shop = locked();
        if !shop.bucket.take(requested, Instant::now()) {
            return throttled(requested, &shop.bucket);
        }
    }
    let execution = Execution {
        schema,
        shop,
        settings: Arc::clone(settings),
        base,
        now: jiff::Timestamp::now(),
        bulk: false,
        search: RefCell::default(),
    };
    let (query, mutation) = (QueryRoot { execution: &execution }, MutationRoot { execution: &execution });
    let root: &dyn ObjectValue = if operation.is_mutation() { &mutation } else { &query };
    let response = resolvers::Execution::new(&schema.schema, document)
        .operation(operation)
        .implementers_map(&schema.implementers)
        .coerced_variable_values(variables)
        .execute_sync(root);
    let search = execution.search.take();
    let response = match response {
        Ok(response) => response,
        Err(error) => return errors_only(&[shown(&error.to_graphql_error(&document.sources), None)]),
    };
    let data: Value = serde_json::to_value(response.data).unwrap_or_default();
    let actual = costs.actual(operation, &data);
    let mut shop = locked();
    shop.bucket.refund(requested.saturating_sub(actual));
    let mut answer = json!({"data": data, "extensions": {"cost": {
        "requestedQueryCost": requested,
        "actualQueryCost": actual,
        "throttleStatus": shop.bucket.status(),
    }}});
    if !search.is_empty() {
        answer["extensions"]["search"] = json!(search);
    }
    if !response.errors.is_empty() {
        answer["errors"] =
            response.errors.iter().map(|error| shown(error, Some("STUB_HAS_NO_VALUE"))).collect();
    }
    Answer::json(200, &answer)
}

fn shown(error: &GraphQLError, code: Option<&str>) -> Value {
    let mut value = serde_json::to_value(error).unwrap_or_default();
    if let Some(code) = code {
        value["extensions"] = json!({ "code": code });
    }
    value
}

/// Refusals before execution are answered with 200 and no data.
fn errors_only(errors: &[Value]) -> Answer {
    Answer::json(200, &json!({ "errors": errors }))
}

pub(crate) fn throttled(requested: u32, bucket: &Bucket) -> Answer {
    Answer::json(
        200,
        &json!({
            "errors": [{
                "message": "Throttled",
                "extensions": {"code": "THROTTLED", "documentation": "https://shopify.dev/api/usage/rate-limits"},
            }],
            "extensions": {"cost": {
                "requestedQueryCost": requested,
                "actualQueryCost": null,
                "throttleStatus": bucket.status(),
            }},
        }),
    )
}

fn too_dear(requested: u32, max_cost: u32) -> Answer {
    let message =
        format!("Query cost is {requested}, which exceeds the single query max cost limit ({max_cost}).");
    errors_only(&[json!({"message": message, "extensions": {
        "code": "MAX_COST_EXCEEDED",
        "cost": requested,
        "maxCost": max_cost,
        "documentation": "https://shopify.dev/api/usage/rate-limits",
    }})])
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}
