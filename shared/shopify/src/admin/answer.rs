//! The envelope of every answer: data, errors, what it cost, and what Shopify ignored.

use super::{
    call::Operation,
    error::{AdminError, ErrorCode, GraphqlError, short},
};
use crate::decode::{decode, decode_bytes};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::time::Duration;

/// The `data` of an answer without errors.
#[derive(Debug)]
pub(crate) struct Data {
    operation: &'static str,
    json: Box<RawValue>,
}

impl Data {
    pub fn json(&self) -> &str {
        self.json.get()
    }

    pub fn read<'a, T: Deserialize<'a>>(&'a self) -> Result<T, AdminError> {
        decode(self.json()).map_err(|source| AdminError::Malformed { operation: self.operation, source })
    }

    pub const fn operation(&self) -> &'static str {
        self.operation
    }
}

/// What an operation takes from the shop's budget and what is left of it, in points.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cost {
    pub requested_query_cost: Option<f64>,
    pub throttle_status: ThrottleStatus,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ThrottleStatus {
    pub maximum_available: f64,
    pub currently_available: f64,
    /// Points per second.
    pub restore_rate: f64,
}

impl Cost {
    /// How long until the operation can be paid for.
    pub fn wait(&self) -> Option<Duration> {
        let ThrottleStatus { currently_available, restore_rate, .. } = self.throttle_status;
        let missing = (self.requested_query_cost? - currently_available).max(0.0);
        // a tenth of a second on top of an exact sum costs little and spares another refusal
        Duration::try_from_secs_f64(missing / restore_rate + 0.1).ok()
    }
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    errors: Option<Errors>,
    extensions: Option<Extensions>,
}

/// A list of errors, or a sentence where Shopify refuses a request before it becomes a query.
#[derive(Deserialize)]
#[serde(untagged)]
enum Errors {
    List(Vec<TopError>),
    Sentence(String),
}

/// Fields that a document can be without, and that need a scope which a shop may not have granted.
const DISPENSABLE: [&str; 1] = ["product"];

#[derive(Deserialize)]
struct TopError {
    #[serde(default)]
    message: String,
    extensions: Option<ErrorExtensions>,
    /// Where it happened: names of fields, positions in lists.
    path: Option<Vec<serde_json::Value>>,
}

#[derive(Deserialize)]
struct ErrorExtensions {
    code: Option<String>,
}

#[derive(Deserialize)]
struct Extensions {
    cost: Option<Cost>,
    search: Option<Vec<Search>>,
}

#[derive(Deserialize)]
struct Search {
    warnings: Option<Vec<serde::de::IgnoredAny>>,
}

impl Errors {
    fn into_list(self) -> Vec<GraphqlError> {
        match self {
            Self::List(errors) => {
                errors.into_iter().filter(|error| !error.is_dispensable()).map(TopError::read).collect()
            }
            Self::Sentence(message) => {
                vec![GraphqlError { code: ErrorCode::None, message: short(&message, 200) }]
            }
        }
    }
}

impl TopError {
    /// The app may not see a field that no document hangs on; Shopify says `null` for it and all the rest.
    fn is_dispensable(&self) -> bool {
        let code = self.extensions.as_ref().and_then(|extensions| extensions.code.as_deref());
        let field = self.path.as_deref().filter(|path| path.len() > 1).and_then(|path| path.last());
        let field = field.and_then(serde_json::Value::as_str);
        code == Some("ACCESS_DENIED") && field.is_some_and(|field| DISPENSABLE.contains(&field))
    }

    fn read(self) -> GraphqlError {
        let code = self.extensions.and_then(|extensions| extensions.code);
        GraphqlError { code: ErrorCode::new(code.as_deref()), message: short(&self.message, 200) }
    }
}

/// Reads an answer that came with HTTP success.
pub(super) fn read(
    operation: Operation,
    body: &[u8],
    retry_after: Option<Duration>,
) -> (Option<Cost>, Result<Data, AdminError>) {
    let operation = operation.name;
    let answer: Answer<'_> = match decode_bytes(body) {
        Ok(answer) => answer,
        // what begins as an answer is one, and something in it may be too much for whoever wrote or reads it
        Err(source) if body.trim_ascii_start().starts_with(b"{") => {
            return (None, Err(AdminError::Malformed { operation, source }));
        }
        Err(source) => return (None, Err(AdminError::NoAnswer { operation, source })),
    };
    let (cost, search) = answer.extensions.map(|it| (it.cost, it.search)).unwrap_or_default();
    let errors = answer.errors.map(Errors::into_list).unwrap_or_default();
    let result = if errors.iter().any(|error| error.code == ErrorCode::Throttled) {
        Err(AdminError::Throttled { retry_after: cost.and_then(|cost| cost.wait()).or(retry_after) })
    } else if !errors.is_empty() {
        Err(AdminError::Graphql { operation, errors })
    } else if search.into_iter().flatten().any(|search| search.warnings.is_some_and(|it| !it.is_empty())) {
        Err(AdminError::SearchIgnored { operation })
    } else {
        match answer.data {
            Some(data) => Ok(Data { operation, json: data.to_owned() }),
            None => Err(AdminError::NoData { operation }),
        }
    };
    (cost, result)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(path: &str, code: &str) -> Result<Data, AdminError> {
        let body = format!(
            r#"{{"data":{{"order":{{"id":"1"}}}},"errors":[{{"message":"Access denied","path":{path},"extensions":{{"code":"{code}"}}}}]}}"#
        );
        read(Operation { name: "Orders", text: "" }, body.as_bytes(), None).1
    }

    /// A shop that grants no access to its products still gets its documents, without links to them.
    #[test]
    fn a_field_that_no_document_hangs_on_may_be_denied() {
        assert!(answered(r#"["order","lineItems","nodes",0,"product"]"#, "ACCESS_DENIED").is_ok());
        for (path, code) in [
            (r#"["order"]"#, "ACCESS_DENIED"),
            (r#"["product"]"#, "ACCESS_DENIED"),
            (r#"["order","lineItems","nodes",0,"product"]"#, "INTERNAL_SERVER_ERROR"),
        ] {
            assert!(answered(path, code).is_err(), "{path} {code}");
        }
    }
}
