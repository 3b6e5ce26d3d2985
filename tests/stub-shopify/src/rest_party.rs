//! The people of a REST order in GraphQL's shape: customer, company and addresses.

use crate::{
    gid::number_of,
    rest_value::{gid, tags, time, upper},
};
use serde_json::{Value, json};

pub(crate) fn customer(rest: &Value) -> Value {
    let customer = &rest["customer"];
    if customer.is_null() {
        return Value::Null;
    }
    let id = gid(customer, "Customer");
    let names = [&customer["first_name"], &customer["last_name"]];
    let full: Vec<_> = names.iter().filter_map(|name| name.as_str()).filter(|n| !n.is_empty()).collect();
    let email = if customer["email"].is_null() { &rest["email"] } else { &customer["email"] };
    let display =
        if full.is_empty() { email.as_str().unwrap_or_default().to_owned() } else { full.join(" ") };
    let consent = |key: &str| match upper(&customer[key]["state"]) {
        Value::Null => json!("NOT_SUBSCRIBED"),
        state => state,
    };
    let email_address = email.as_str().map(|address| {
        json!({
            "emailAddress": address,
            "marketingState": consent("email_marketing_consent"),
            "marketingOptInLevel": null,
            "marketingUpdatedAt": null,
            "validFormat": true,
            "openTrackingLevel": "UNKNOWN",
        })
    });
    let phone = customer["phone"]
        .as_str()
        .map(|number| json!({"phoneNumber": number, "marketingState": consent("sms_marketing_consent")}));
    let locale = customer["locale"].as_str().or(rest["customer_locale"].as_str()).unwrap_or("en");
    json!({
        "__typename": "Customer",
        "id": id,
        "legacyResourceId": number_of(&id),
        "displayName": display,
        "firstName": customer["first_name"],
        "lastName": customer["last_name"],
        "email": email,
        "phone": customer["phone"],
        "note": customer["note"],
        "locale": locale,
        "state": upper(&customer["state"]),
        "taxExempt": customer["tax_exempt"].as_bool().unwrap_or_default(),
        "verifiedEmail": customer["verified_email"].as_bool().unwrap_or_default(),
        "tags": tags(&customer["tags"]),
        "defaultEmailAddress": email_address,
        "defaultPhoneNumber": phone,
        "defaultAddress": address(&customer["default_address"], &id, "default"),
        "createdAt": time(&customer["created_at"]),
        "updatedAt": time(&customer["updated_at"]),
    })
}

/// A business order names its company and location, any other its customer.
pub(crate) fn purchasing_entity(rest: &Value) -> Value {
    let company = &rest["company"];
    if !company.is_object() {
        return customer(rest);
    }
    let named = |kind: &str, id: &Value| json!({"id": format!("gid://shopify/{kind}/{id}"), "name": format!("{kind} {id}"), "externalId": null});
    json!({
        "__typename": "PurchasingCompany",
        "company": named("Company", &company["id"]),
        "location": named("CompanyLocation", &company["location_id"]),
        "contact": {"id": "gid://shopify/CompanyContact/1", "title": null, "customer": customer(rest)},
    })
}

pub(crate) fn address(rest: &Value, owner: &str, kind: &str) -> Value {
    if !rest.is_object() {
        return Value::Null;
    }
    let text = |key: &str| rest[key].as_str().filter(|t| !t.trim().is_empty());
    let place: Vec<_> = ["zip", "city", "province_code"].iter().filter_map(|key| text(key)).collect();
    let formatted: Vec<String> = ["name", "company", "address1", "address2"]
        .iter()
        .filter_map(|key| text(key).map(str::to_owned))
        .chain((!place.is_empty()).then(|| place.join(" ")))
        .chain(text("country").map(str::to_owned))
        .collect();
    let area: Vec<_> = ["city", "province_code", "country"].iter().filter_map(|key| text(key)).collect();
    json!({
        "id": format!("gid://shopify/MailingAddress/{}-{kind}", number_of(owner)),
        "name": rest["name"],
        "firstName": rest["first_name"],
        "lastName": rest["last_name"],
        "company": rest["company"],
        "address1": rest["address1"],
        "address2": rest["address2"],
        "city": rest["city"],
        "province": rest["province"],
        "provinceCode": rest["province_code"],
        "zip": rest["zip"],
        "country": rest["country"],
        "countryCode": rest["country_code"],
        "countryCodeV2": rest["country_code"],
        "phone": rest["phone"],
        "latitude": rest["latitude"],
        "longitude": rest["longitude"],
        "formatted": formatted,
        "formattedArea": area.join(", "),
        "coordinatesValidated": false,
    })
}
