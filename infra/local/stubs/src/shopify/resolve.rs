//! Answers a validated operation from a shop, field by field, through the schema.
//!
//! The executor checks every value against the declared type, so a registered document cannot smuggle in
//! a field, an enum value or a type that Shopify does not have. A non-null field that a document lacks is
//! an error that names it, unless an empty list, an empty connection or `false` is the natural answer.

use super::{
    json::Json,
    metafield,
    schema::AdminSchema,
    search,
    shop::{MetafieldKey, Shop, type_of},
};
use apollo_compiler::{
    ast::Type,
    resolvers::{FieldError, ObjectValue, ResolveInfo, ResolvedValue},
    response::{JsonMap, JsonValue},
    schema::ExtendedType,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use std::{
    cell::RefCell,
    sync::{Mutex, MutexGuard, PoisonError},
};

pub(super) struct Execution<'a> {
    pub schema: &'a AdminSchema,
    pub shop: &'a Mutex<Shop>,
    pub now: jiff::Timestamp,
    /// What a search did not understand, for `extensions.search`.
    pub search: RefCell<Vec<Value>>,
}

/// The root of a query or a mutation.
pub(super) struct Root<'a> {
    pub execution: &'a Execution<'a>,
    pub mutation: bool,
}

/// An object of a registered document.
struct Node<'a> {
    execution: &'a Execution<'a>,
    type_name: String,
    json: Json,
}

/// A page of a connection.
struct Page<'a> {
    execution: &'a Execution<'a>,
    type_name: String,
    nodes: Vec<(usize, Json)>,
    has_next: bool,
    has_previous: bool,
    total: usize,
}

struct Edge<'a> {
    page: &'a Page<'a>,
    type_name: String,
    index: usize,
    node: Json,
}

fn fail(message: impl Into<String>) -> FieldError {
    FieldError { message: message.into() }
}

impl ObjectValue for Root<'_> {
    fn type_name(&self) -> &str {
        if self.mutation { "Mutation" } else { "QueryRoot" }
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        let execution = self.execution;
        let arguments = plain(info.arguments());
        let found = if self.mutation {
            Some(execution.mutate(info.field_name(), &arguments)?)
        } else {
            execution.query(info.field_name(), &arguments)?
        };
        execution.complete(&info.field_definition().ty, found, &arguments, info)
    }
}

impl ObjectValue for Node<'_> {
    fn type_name(&self) -> &str {
        &self.type_name
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        let arguments = plain(info.arguments());
        let id = self.json.text("id");
        let own = match (info.field_name(), id) {
            ("metafield", Some(owner)) if arguments.get("key").is_some() => {
                self.execution.metafield(owner, &arguments)
            }
            ("metafields", Some(owner)) => Some(self.execution.metafields(owner, &arguments)),
            (name, _) => self.json.key(name),
        };
        // a document that only mentions another one is completed from that one
        let found = own.or_else(|| self.execution.shop().document(id?)?.key(info.field_name()));
        self.execution.complete(&info.field_definition().ty, found, &arguments, info)
    }
}

impl ObjectValue for Page<'_> {
    fn type_name(&self) -> &str {
        &self.type_name
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        let definition = info.field_definition();
        match info.field_name() {
            "nodes" => {
                let item = definition.ty.item_type();
                let nodes = self.nodes.iter().map(|(_, json)| json.clone());
                let values: Vec<_> = nodes.map(|json| self.execution.value(item, json)).collect();
                Ok(ResolvedValue::List(Box::new(values.into_iter())))
            }
            "edges" => {
                let type_name = definition.ty.inner_named_type().to_string();
                let edges = self.nodes.iter().map(move |(index, node)| {
                    let edge =
                        Edge { page: self, type_name: type_name.clone(), index: *index, node: node.clone() };
                    Ok(ResolvedValue::object(edge))
                });
                Ok(ResolvedValue::List(Box::new(edges)))
            }
            "pageInfo" => {
                let cursor = |entry: Option<&(usize, Json)>| entry.map(|(index, _)| cursor(*index));
                let info = json!({
                    "hasNextPage": self.has_next,
                    "hasPreviousPage": self.has_previous,
                    "startCursor": cursor(self.nodes.first()),
                    "endCursor": cursor(self.nodes.last()),
                });
                self.execution.value(&definition.ty, Json::new(info))
            }
            "totalCount" => Ok(ResolvedValue::leaf(self.total as i64)),
            other => Err(fail(format!("the stub does not serve {}.{other}", self.type_name))),
        }
    }
}

impl ObjectValue for Edge<'_> {
    fn type_name(&self) -> &str {
        &self.type_name
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        match info.field_name() {
            "node" => self.page.execution.value(&info.field_definition().ty, self.node.clone()),
            "cursor" => Ok(ResolvedValue::leaf(cursor(self.index))),
            other => Err(fail(format!("the stub does not serve {}.{other}", self.type_name))),
        }
    }
}

impl Execution<'_> {
    fn shop(&self) -> MutexGuard<'_, Shop> {
        self.shop.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn query(&self, field: &str, arguments: &Value) -> Result<Option<Json>, FieldError> {
        let shop = self.shop();
        let by_id = |id: &Value| id.as_str().and_then(|id| shop.document(id)).cloned();
        Ok(match field {
            "shop" => shop.document("gid://shopify/Shop/1").cloned(),
            "currentAppInstallation" => shop.document("gid://shopify/AppInstallation/1").cloned(),
            "nodes" => {
                let ids = arguments["ids"].as_array().into_iter().flatten();
                let found: Vec<Value> =
                    ids.map(|id| by_id(id).map_or(Value::Null, |json| json.value().clone())).collect();
                Some(Json::new(json!(found)))
            }
            "orders" => {
                let (found, warnings) = search::orders(&shop, arguments);
                self.search.borrow_mut().extend(warnings);
                Some(Json::new(json!(found)))
            }
            _ if arguments["id"].is_string() => by_id(&arguments["id"]),
            other => return Err(fail(format!("the stub does not serve QueryRoot.{other}"))),
        })
    }

    fn mutate(&self, field: &str, arguments: &Value) -> Result<Json, FieldError> {
        let mut guard = self.shop();
        let shop: &mut Shop = &mut guard;
        let inputs = || arguments["metafields"].as_array().map(Vec::as_slice).unwrap_or_default();
        let payload = match field {
            "metafieldsSet" => metafield::set(shop, inputs(), self.now),
            "metafieldsDelete" => metafield::delete(shop, inputs()),
            "tagsAdd" | "tagsRemove" => change_tags(shop, arguments, field == "tagsAdd"),
            other => return Err(fail(format!("the stub does not serve Mutation.{other}"))),
        };
        Ok(Json::new(payload))
    }

    fn metafield(&self, owner: &str, arguments: &Value) -> Option<Json> {
        let key = MetafieldKey {
            owner: owner.to_owned(),
            namespace: metafield::resolve_namespace(arguments["namespace"].as_str()),
            key: arguments["key"].as_str()?.to_owned(),
        };
        let shop = self.shop();
        Some(Json::new(shop.metafields.get(&key)?.document(owner)))
    }

    fn metafields(&self, owner: &str, arguments: &Value) -> Json {
        let namespace = arguments["namespace"].as_str().map(|n| metafield::resolve_namespace(Some(n)));
        let shop = self.shop();
        let list: Vec<Value> = shop
            .metafields
            .iter()
            .filter(|(key, _)| key.owner == owner && namespace.as_ref().is_none_or(|n| *n == key.namespace))
            .map(|(_, metafield)| metafield.document(owner))
            .collect();
        Json::new(json!(list))
    }

    /// The value of a field: what was found, or what stands for nothing in the declared type.
    fn complete<'a>(
        &'a self,
        declared: &'a Type,
        found: Option<Json>,
        arguments: &Value,
        info: &ResolveInfo<'_>,
    ) -> Result<ResolvedValue<'a>, FieldError> {
        let named = declared.inner_named_type().as_str();
        let found = found.filter(|json| !json.value().is_null());
        if !declared.is_list() && named.ends_with("Connection") {
            let nodes = found.map(|json| json.nodes()).unwrap_or_default();
            return Ok(ResolvedValue::object(self.page(named, nodes, arguments)));
        }
        let Some(json) = found else {
            return match declared {
                _ if !declared.is_non_null() => Ok(ResolvedValue::null()),
                Type::NonNullList(_) => Ok(ResolvedValue::list([])),
                _ if named == "Boolean" => Ok(ResolvedValue::leaf(false)),
                _ => Err(fail(format!("the stub has no value for the field `{}`", info.field_name()))),
            };
        };
        if declared.is_list() {
            let limit = arguments["first"].as_u64().map_or(usize::MAX, |first| first as usize);
            let values: Vec<_> = json
                .nodes()
                .into_iter()
                .take(limit)
                .map(|element| self.value(declared.item_type(), element))
                .collect();
            return Ok(ResolvedValue::List(Box::new(values.into_iter())));
        }
        self.value(declared, json)
    }

    /// One value that is there, as the declared type.
    fn value<'a>(&'a self, declared: &Type, json: Json) -> Result<ResolvedValue<'a>, FieldError> {
        let named = declared.inner_named_type().as_str();
        let value = json.value();
        if value.is_null() {
            return Ok(ResolvedValue::null());
        }
        if declared.is_list() {
            let elements = json.elements().into_iter();
            let values: Vec<_> = elements.map(|element| self.value(declared.item_type(), element)).collect();
            return Ok(ResolvedValue::List(Box::new(values.into_iter())));
        }
        match self.schema.schema.types.get(named) {
            Some(ExtendedType::Scalar(_)) => Ok(ResolvedValue::Leaf(scalar(named, value)?)),
            Some(ExtendedType::Enum(_)) => Ok(ResolvedValue::Leaf(JsonValue::from(value.clone()))),
            Some(_) if value.is_object() => {
                let type_name = self.concrete(named, value)?;
                Ok(ResolvedValue::object(Node { execution: self, type_name, json }))
            }
            _ => Err(fail(format!("the stub holds no {named}"))),
        }
    }

    /// The object type of a document: its `__typename`, its GID's type, or the only type it can be.
    fn concrete(&self, declared: &str, value: &Value) -> Result<String, FieldError> {
        let named = value.get("__typename").and_then(Value::as_str);
        let by_id = value.get("id").and_then(Value::as_str).and_then(type_of);
        [named, Some(declared), by_id]
            .into_iter()
            .flatten()
            .find(|candidate| self.schema.is_a(candidate, declared))
            .map(str::to_owned)
            .ok_or_else(|| fail(format!("the stub cannot tell which {declared} a document is")))
    }

    fn page<'a>(&'a self, type_name: &str, nodes: Vec<Json>, arguments: &Value) -> Page<'a> {
        let total = nodes.len();
        let mut all: Vec<(usize, Json)> = nodes.into_iter().enumerate().collect();
        // `orders` and the like were ordered by their search; other lists turn around here
        if arguments["reverse"] == true && arguments.get("query").is_none() {
            all.reverse();
        }
        let position = |name: &str| {
            let text = arguments[name].as_str()?;
            let index = String::from_utf8(BASE64_STANDARD.decode(text).ok()?).ok()?.parse::<usize>().ok()?;
            all.iter().position(|(known, _)| *known == index)
        };
        let from = position("after").map_or(0, |at| at + 1);
        let to = position("before").unwrap_or(total);
        let window = all.get(from..to.max(from)).unwrap_or_default();
        let count = |name: &str| arguments[name].as_u64().map(|n| n as usize);
        let kept = match (count("first"), count("last")) {
            (Some(first), _) => &window[..first.min(window.len())],
            (None, Some(last)) => &window[window.len().saturating_sub(last)..],
            (None, None) => window,
        };
        let skipped_in_front = match kept.first() {
            Some((first, _)) => all.iter().position(|(index, _)| index == first).unwrap_or(0),
            None => from,
        };
        Page {
            execution: self,
            type_name: type_name.to_owned(),
            has_previous: skipped_in_front > 0,
            has_next: skipped_in_front + kept.len() < total,
            nodes: kept.to_vec(),
            total,
        }
    }
}

/// A custom scalar travels as text unless it is JSON itself.
fn scalar(name: &str, value: &Value) -> Result<JsonValue, FieldError> {
    let value = match (name, value) {
        ("Int" | "Float" | "Boolean" | "JSON", _) | (_, Value::String(_)) => value.clone(),
        (_, Value::Number(number)) => json!(number.to_string()),
        _ => return Err(fail(format!("the stub holds no {name}"))),
    };
    Ok(JsonValue::from(value))
}

fn change_tags(shop: &mut Shop, arguments: &Value, add: bool) -> Value {
    let id = arguments["id"].as_str().unwrap_or_default();
    if shop.document(id).is_none() {
        let kind = type_of(id).unwrap_or("Resource");
        let message = format!("{kind} does not exist");
        return json!({"node": null, "userErrors": [{"field": ["id"], "message": message}]});
    }
    let sent = arguments["tags"].as_array().into_iter().flatten().filter_map(Value::as_str);
    // one string may hold several tags, separated by commas
    let named: Vec<String> = sent.flat_map(|text| text.split(',')).map(|tag| tag.trim().to_owned()).collect();
    let mut tags = shop.tags(id);
    if add {
        tags.extend(named);
    } else {
        tags.retain(|tag| !named.iter().any(|gone| gone.to_lowercase() == tag.to_lowercase()));
    }
    shop.set_tags(id, tags);
    json!({"node": shop.document(id).map(Json::value), "userErrors": []})
}

fn cursor(index: usize) -> String {
    BASE64_STANDARD.encode(index.to_string())
}

fn plain(arguments: &JsonMap) -> Value {
    serde_json::to_value(arguments).unwrap_or_default()
}
