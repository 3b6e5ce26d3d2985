//! The fields of the mutation root: what changes a shop.

use crate::{
    bulk_run,
    execution::{Execution, fail, plain},
    flow_trigger,
    gid::type_of,
    installation,
    json::Json,
    marketing_consent, metafields_set, segment,
    shop::Shop,
};
use apollo_compiler::resolvers::{FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use serde_json::{Value, json};

/// The root of a mutation.
pub(crate) struct MutationRoot<'a> {
    pub execution: &'a Execution<'a>,
}

impl ObjectValue for MutationRoot<'_> {
    fn type_name(&self) -> &str {
        "Mutation"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        let execution = self.execution;
        let arguments = plain(info.arguments());
        let payload = execution.mutate(info.field_name(), &arguments)?;
        execution.complete(&info.field_definition().ty, Some(payload), &arguments, info)
    }
}

impl Execution<'_> {
    fn mutate(&self, field: &str, arguments: &Value) -> Result<Json, FieldError> {
        if field == "bulkOperationRunQuery" {
            return Ok(Json::new(bulk_run::run(self, arguments)));
        }
        let mut guard = self.shop();
        let shop: &mut Shop = &mut guard;
        let inputs = || arguments["metafields"].as_array().map(Vec::as_slice).unwrap_or_default();
        let payload = match field {
            "metafieldsSet" => metafields_set::set(shop, self.schema, inputs(), self.now),
            "metafieldsDelete" => metafields_set::delete(shop, inputs()),
            "tagsAdd" | "tagsRemove" => self.change_tags(shop, arguments, field == "tagsAdd"),
            "customerEmailMarketingConsentUpdate" => {
                marketing_consent::update(shop, &arguments["input"], self.now)
            }
            "flowTriggerReceive" => flow_trigger::receive(shop, arguments),
            "webhookSubscriptionCreate" => installation::subscribe(shop, arguments),
            "metafieldDefinitionCreate" => installation::define(shop, arguments),
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
