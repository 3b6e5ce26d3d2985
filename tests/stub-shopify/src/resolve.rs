//! Answers a validated operation from a shop, field by field, through the schema.
//!
//! The executor checks every value against the declared type, so a registered document cannot smuggle in
//! a field, an enum value or a type that Shopify does not have. A non-null field that a document lacks is
//! an error that names it, unless an empty list, an empty connection or `false` is the natural answer.

use crate::{
    derived,
    execution::{Execution, fail, plain},
    gid::{number_of, type_of},
    json::Json,
    metafield::{self, MetafieldKey},
};
use apollo_compiler::{
    ast::Type,
    resolvers::{FieldError, ObjectValue, ResolveInfo, ResolvedValue},
    response::JsonValue,
    schema::ExtendedType,
};
use serde_json::{Value, json};

/// An object of a registered document.
struct Node<'a> {
    execution: &'a Execution<'a>,
    type_name: String,
    json: Json,
}

impl ObjectValue for Node<'_> {
    fn type_name(&self) -> &str {
        &self.type_name
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        let arguments = plain(info.arguments());
        let declared = &info.field_definition().ty;
        let name = info.field_name();
        if let Some(nodes) = self.derived(name, &arguments) {
            let page = self.execution.page(declared.inner_named_type(), nodes, &arguments);
            return Ok(ResolvedValue::object(page));
        }
        let found = match (name, self.json.text("id")) {
            ("metafield", Some(id)) if arguments.get("key").is_some() => {
                self.execution.metafield(&metafield_owner(id), &arguments)
            }
            ("metafields", Some(id)) => Some(self.execution.metafields(&metafield_owner(id), &arguments)),
            (_, Some(id)) => self.field(id, name),
            (_, None) => self.json.key(name),
        };
        let found = found.or_else(|| derived::field(&self.type_name, &self.whole(), name).map(Json::new));
        self.execution.complete(declared, found, &arguments, info)
    }
}

impl Node<'_> {
    /// The document of something that is only named here.
    fn whole(&self) -> Json {
        let named = self.json.text("id").and_then(|id| self.execution.shop().document(id).cloned());
        named.filter(Json::is_root).unwrap_or_else(|| self.json.clone())
    }

    /// A field of something with an id: its own document's, what is said here, what is said elsewhere.
    fn field(&self, id: &str, name: &str) -> Option<Json> {
        let shop = self.execution.shop();
        if let ("tags", Some(tags)) = (name, shop.given_tags(id)) {
            return Some(Json::new(json!(tags)));
        }
        let known = shop.document(id);
        let own = known.filter(|document| document.is_root()).and_then(|document| document.key(name));
        let said = own.or_else(|| self.json.key(name)).or_else(|| known?.key(name));
        said.or_else(|| match name {
            "legacyResourceId" => Some(Json::new(json!(number_of(id)))),
            // most orders of a customer's past say nothing about it: they arrived
            "displayFulfillmentStatus" => Some(Json::new(json!("FULFILLED"))),
            _ => None,
        })
    }

    /// The nodes of a connection that other documents make up, unless the document lists them itself.
    fn derived(&self, name: &str, arguments: &Value) -> Option<Vec<Json>> {
        let (all, kind) = match (self.type_name.as_str(), name) {
            ("ShopifyPaymentsAccount", "disputes") => {
                (self.execution.shop().of_type("ShopifyPaymentsDispute"), "ShopifyPaymentsDispute")
            }
            ("Return", "refunds") => {
                let id = self.json.text("id")?;
                if self.field(id, name).is_some() {
                    return None;
                }
                let mine = |refund: &Json| refund.key("return").is_some_and(|it| it.text("id") == Some(id));
                let all = self.execution.shop().of_type("Refund");
                (all.into_iter().filter(mine).collect(), "Refund")
            }
            ("Customer" | "CompanyLocation", "orders") => {
                let id = self.json.text("id")?;
                if self.field(id, name).is_some() {
                    return None;
                }
                (self.execution.shop().orders_of(id), "Order")
            }
            _ => return None,
        };
        Some(self.execution.search(all, kind, name, arguments))
    }
}

/// A segment member's metafields are those of the customer.
fn metafield_owner(id: &str) -> String {
    id.replace("gid://shopify/CustomerSegmentMember/", "gid://shopify/Customer/")
}

impl Execution<'_> {
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
    pub(crate) fn complete<'a>(
        &'a self,
        declared: &'a Type,
        found: Option<Json>,
        arguments: &Value,
        info: &ResolveInfo<'_>,
    ) -> Result<ResolvedValue<'a>, FieldError> {
        let named = declared.inner_named_type().as_str();
        let found = found.filter(|json| !json.value().is_null() && !self.is_deleted(json));
        if !declared.is_list() && named.ends_with("Connection") {
            let mut nodes = found.map(|json| json.nodes()).unwrap_or_default();
            nodes.retain(|node| !self.is_deleted(node));
            if arguments["reverse"] == true {
                nodes.reverse();
            }
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

    fn is_deleted(&self, json: &Json) -> bool {
        json.text("id").is_some_and(|id| self.shop().is_deleted(id))
    }

    /// One value that is there, as the declared type.
    pub(crate) fn value<'a>(&'a self, declared: &Type, json: Json) -> Result<ResolvedValue<'a>, FieldError> {
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

    /// The object type of a document: its `__typename`, its GID's type, or the only type that has all its
    /// fields.
    fn concrete(&self, declared: &str, value: &Value) -> Result<String, FieldError> {
        let named = value.get("__typename").and_then(Value::as_str);
        let by_id = value.get("id").and_then(Value::as_str).and_then(type_of);
        [named, Some(declared), by_id]
            .into_iter()
            .flatten()
            .find(|candidate| self.schema.is_a(candidate, declared))
            .map(str::to_owned)
            .or_else(|| self.schema.only_type_with(declared, value))
            .ok_or_else(|| fail(format!("the stub cannot tell which {declared} a document is")))
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
