//! The fields of the query root: what a shop is asked for.

use crate::{
    execution::{Execution, fail, plain},
    gid::type_of,
    installation,
    json::Json,
    segment,
};
use apollo_compiler::resolvers::{FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use serde_json::Value;

/// The root of a query.
pub(crate) struct QueryRoot<'a> {
    pub execution: &'a Execution<'a>,
}

/// What a root field found.
enum Found {
    Value(Option<Json>),
    /// The nodes of a connection, in their order.
    Nodes(Vec<Json>),
}

impl ObjectValue for QueryRoot<'_> {
    fn type_name(&self) -> &str {
        "QueryRoot"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        let execution = self.execution;
        let arguments = plain(info.arguments());
        let declared = &info.field_definition().ty;
        let named = declared.inner_named_type().as_str();
        match execution.query(info.field_name(), named, &arguments)? {
            Found::Value(found) => execution.complete(declared, found, &arguments, info),
            Found::Nodes(nodes) => Ok(ResolvedValue::object(execution.page(named, nodes, &arguments))),
        }
    }
}

impl Execution<'_> {
    fn query(&self, field: &str, named: &str, arguments: &Value) -> Result<Found, FieldError> {
        let by_id = |id: &Value| id.as_str().and_then(|id| self.by_id(id));
        let document = |id: &str| Ok(Found::Value(self.by_id(id)));
        match field {
            "shop" => document("gid://shopify/Shop/1"),
            "currentAppInstallation" => document("gid://shopify/AppInstallation/1"),
            "shopifyPaymentsAccount" => document("gid://shopify/ShopifyPaymentsAccount/1"),
            "nodes" => {
                let ids = arguments["ids"].as_array().into_iter().flatten();
                let found = ids.map(|id| by_id(id).map_or(Value::Null, |json| json.value().clone()));
                Ok(Found::Value(Some(Json::new(found.collect()))))
            }
            "customerSegmentMembers" => {
                let shop = self.shop();
                segment::members(&shop, arguments).map(Found::Nodes).map_err(|error| fail(error.to_string()))
            }
            "customerSegmentMembership" => {
                Ok(Found::Value(Some(Json::new(segment::membership(&self.shop(), arguments)))))
            }
            "metafieldDefinitions" => Ok(Found::Nodes(installation::definitions(&self.shop(), arguments))),
            // only the whole list: what a filter of it does is not known here
            "webhookSubscriptions"
                if ["topics", "uri", "callbackUrl", "format", "query"]
                    .iter()
                    .any(|filter| !arguments[filter].is_null()) =>
            {
                Err(fail("the stub does not filter webhookSubscriptions"))
            }
            "currentBulkOperation" => {
                let newest = self.shop().bulk.documents(&self.settings, self.base).pop();
                Ok(Found::Value(newest.map(Json::new)))
            }
            "bulkOperations" => {
                let all = self.shop().bulk.documents(&self.settings, self.base);
                let all = all.into_iter().map(Json::new).collect();
                Ok(Found::Nodes(self.search(all, "BulkOperation", field, arguments)))
            }
            _ if arguments["id"].is_string() => Ok(Found::Value(by_id(&arguments["id"]))),
            _ => match named.strip_suffix("Connection") {
                Some(type_name) => {
                    let all = self.shop().of_type(type_name);
                    Ok(Found::Nodes(self.search(all, type_name, field, arguments)))
                }
                None => Err(fail(format!("the stub does not serve QueryRoot.{field}"))),
            },
        }
    }

    fn by_id(&self, id: &str) -> Option<Json> {
        let shop = self.shop();
        match type_of(id) {
            Some("BulkOperation") => shop.bulk.document(id, &self.settings, self.base).map(Json::new),
            Some("CustomerSegmentMembersQuery") => segment::query(&shop, id).map(Json::new),
            _ => shop.document(id).cloned(),
        }
    }
}
