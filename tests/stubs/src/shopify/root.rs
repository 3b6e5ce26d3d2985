//! The fields of the root: what a query finds and what a mutation changes.

use super::{
    bulk,
    json::Json,
    metafield,
    resolve::{Execution, fail, plain},
    search, segment,
    shop::{Shop, type_of},
};
use apollo_compiler::resolvers::{FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use serde_json::{Value, json};

/// The root of a query or a mutation.
pub(super) struct Root<'a> {
    pub execution: &'a Execution<'a>,
    pub mutation: bool,
}

/// What a root field found.
enum Found {
    Value(Option<Json>),
    /// The nodes of a connection, in their order.
    Nodes(Vec<Json>),
}

impl ObjectValue for Root<'_> {
    fn type_name(&self) -> &str {
        if self.mutation { "Mutation" } else { "QueryRoot" }
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        let execution = self.execution;
        let arguments = plain(info.arguments());
        let declared = &info.field_definition().ty;
        let named = declared.inner_named_type().as_str();
        let found = if self.mutation {
            Found::Value(Some(execution.mutate(info.field_name(), &arguments)?))
        } else {
            execution.query(info.field_name(), named, &arguments)?
        };
        match found {
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
                segment::members(&shop, arguments).map(Found::Nodes).map_err(fail)
            }
            "customerSegmentMembership" => {
                Ok(Found::Value(Some(Json::new(segment::membership(&self.shop(), arguments)))))
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

    /// What the arguments select of `all`; terms that were not understood are noted.
    pub(super) fn search(
        &self,
        all: Vec<Json>,
        type_name: &str,
        field: &str,
        arguments: &Value,
    ) -> Vec<Json> {
        let (found, report) = search::select(all, type_name, field, arguments);
        self.search.borrow_mut().extend(report);
        found
    }

    fn by_id(&self, id: &str) -> Option<Json> {
        let shop = self.shop();
        match type_of(id) {
            Some("BulkOperation") => shop.bulk.document(id, &self.settings, self.base).map(Json::new),
            Some("CustomerSegmentMembersQuery") => segment::query(&shop, id).map(Json::new),
            _ => shop.document(id).cloned(),
        }
    }

    fn mutate(&self, field: &str, arguments: &Value) -> Result<Json, FieldError> {
        if field == "bulkOperationRunQuery" {
            return Ok(Json::new(bulk::run(self, arguments)));
        }
        let mut guard = self.shop();
        let shop: &mut Shop = &mut guard;
        let inputs = || arguments["metafields"].as_array().map(Vec::as_slice).unwrap_or_default();
        let payload = match field {
            "metafieldsSet" => metafield::set(shop, self.schema, inputs(), self.now),
            "metafieldsDelete" => metafield::delete(shop, inputs()),
            "tagsAdd" | "tagsRemove" => self.change_tags(shop, arguments, field == "tagsAdd"),
            "bulkOperationCancel" => shop.bulk.cancel(arguments, &self.settings, self.base),
            "customerSegmentMembersQueryCreate" => segment::create_query(shop, arguments),
            other => return Err(fail(format!("the stub does not serve Mutation.{other}"))),
        };
        Ok(Json::new(payload))
    }

    fn change_tags(&self, shop: &mut Shop, arguments: &Value, add: bool) -> Value {
        let id = arguments["id"].as_str().unwrap_or_default();
        let refuse =
            |message: String| json!({"node": null, "userErrors": [{"field": ["id"], "message": message}]});
        let kind = type_of(id).unwrap_or("Resource");
        if !self.schema.has_field(kind, "tags") {
            // the wording is a guess; that the type is refused is not
            return refuse(format!("{kind} does not support tags"));
        }
        if shop.document(id).is_none() {
            return refuse(format!("{kind} does not exist"));
        }
        let sent = arguments["tags"].as_array().into_iter().flatten().filter_map(Value::as_str);
        // one string may hold several tags, separated by commas
        let named: Vec<String> =
            sent.flat_map(|text| text.split(',')).map(|tag| tag.trim().to_owned()).collect();
        let mut tags = shop.tags(id);
        if add {
            tags.extend(named);
        } else {
            tags.retain(|tag| !named.iter().any(|gone| gone.to_lowercase() == tag.to_lowercase()));
        }
        shop.set_tags(id, tags);
        json!({"node": shop.document(id).map(Json::value), "userErrors": []})
    }
}
