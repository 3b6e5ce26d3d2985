//! Running stubs and the requests that a client of the real thing would send.

use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use std::{net::SocketAddr, path::Path, time::Duration};
use stub_exstream::{ExstreamOptions, ExstreamStub};
use stub_http::{Fault, Running};
use stub_shopify::{ShopifyOptions, ShopifyStub};

pub const SHOP: &str = "acme.myshopify.com";
pub const COMMUNICATION: &str = "0b2c1d3e-1111-4222-8333-444455556666";

pub struct Stub {
    pub running: Running,
    pub http: Client,
}

fn any_port() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

pub async fn exstream(options: ExstreamOptions) -> Stub {
    let running = ExstreamStub::start(any_port(), options).await.unwrap();
    Stub { running, http: Client::new() }
}

pub fn subset() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/admin-subset.sdl")
}

pub async fn shopify() -> Stub {
    let options = ShopifyOptions { schema: subset(), ..ShopifyOptions::default() };
    let running = ShopifyStub::start(any_port(), options).await.unwrap();
    Stub { running, http: Client::new() }
}

impl Stub {
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.running.url())
    }

    pub async fn control(&self, method: Method, what: &str, body: Option<Value>) -> Value {
        let mut request =
            self.http.request(method, self.url(&format!("/__stub/{what}"))).header("X-Stub-Shop", SHOP);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        assert!(response.status().is_success(), "{what}: {:?}", response.text().await);
        response.json().await.unwrap()
    }

    pub async fn look(&self, what: &str) -> Value {
        self.control(Method::GET, what, None).await
    }

    pub async fn set(&self, what: &str, body: Value) {
        self.control(Method::PUT, what, Some(body)).await;
    }

    pub async fn fail(&self, fault: Fault) {
        self.set("faults", json!([fault])).await;
    }

    pub async fn count(&self, operation: &str) -> u64 {
        self.look("requests").await["counts"][operation].as_u64().unwrap_or_default()
    }

    pub async fn token(&self) -> String {
        let body = json!({"client_id": "local", "client_secret": "local-secret", "grant_type": "client_credentials"});
        let request = self.http.post(self.url("/tenants/t1/oauth2/token")).json(&body);
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        answer["access_token"].as_str().unwrap().to_owned()
    }

    pub async fn on_demand(&self, driver: &Value, accept: Option<&str>) -> Response {
        let token = self.token().await;
        let url = self.url("/orchestration/api/v1/inputs/ondemand/dev/generate");
        let mut request = self
            .http
            .post(url)
            .bearer_auth(token)
            .header("communicationId", COMMUNICATION)
            .header("driverDataSource", "orders")
            .json(driver);
        if let Some(accept) = accept {
            request = request.header("Accept", accept);
        }
        request.send().await.unwrap()
    }

    pub async fn graphql_response(&self, query: &str, variables: Value) -> reqwest::Result<Response> {
        self.http
            .post(self.url(&format!("/shops/{SHOP}/admin/api/2026-10/graphql.json")))
            .header("X-Shopify-Access-Token", "shpat_local")
            .timeout(Duration::from_secs(5))
            .json(&json!({"query": query, "variables": variables}))
            .send()
            .await
    }

    pub async fn graphql(&self, query: &str, variables: Value) -> Value {
        let response = self.graphql_response(query, variables).await.unwrap();
        assert_eq!(response.status(), 200);
        response.json().await.unwrap()
    }
}

/// Driver data of an order confirmation with so many lines.
pub fn driver(lines: usize) -> Value {
    let money = |amount: &str| json!({"amount": amount, "currency": "EUR"});
    let line = |number: usize| {
        json!({
            "title": format!("Théière n° {number}"), "variant": "Noir", "sku": format!("TEA-{number}"), "quantity": 2,
            "unit_price": money("10.00"), "discount": money("1.50"), "total": money("18.50"),
            "properties": [{"name": "Engraving", "value": "Für Łucja"}],
        })
    };
    json!({
        "document": "order-confirmation", "communication": "c-1", "locale": "fr",
        "brand": {"name": "Maison Éclat"}, "shop": SHOP,
        "order": {"name": "#1001", "date": "2026-11-22T10:00:00+01:00", "currency": "EUR", "payment_status": "paid", "note": "Sonner (2 fois) \\ merci"},
        "customer": {"name": "Zoë Moreau", "email": "zoe@example.com"},
        "billing_address": {"name": "Zoë Moreau", "lines": ["12 rue de l’Église"], "postal_code": "75011", "city": "Paris", "country": "France"},
        "shipping_address": {"name": "Quai des Brumes", "lines": ["4 quai"], "postal_code": "29200", "city": "Brest", "country": "France"},
        "lines": (1..=lines).map(line).collect::<Vec<_>>(),
        "shipping": [{"title": "Colissimo", "amount": money("5.90")}],
        "taxes": [{"title": "TVA", "rate_percent": "20", "amount": money("3.08")}],
        "totals": {"subtotal": money("18.50"), "discounts": money("1.50"), "total": money("1234.50"), "outstanding": money("0.00")},
    })
}

/// The `orders/create` event of a shop's order, as EventBridge delivers it.
pub fn order_event(id: u64) -> Value {
    let set = |amount: &str| json!({"shop_money": {"amount": amount, "currency_code": "EUR"}, "presentment_money": {"amount": amount, "currency_code": "USD"}});
    let line = |number: u64, discount: &str| {
        json!({
            "id": number, "admin_graphql_api_id": format!("gid://shopify/LineItem/{number}"), "title": "Trail runner",
            "name": "Trail runner - 42", "variant_title": "42", "sku": "TR-42", "quantity": 3, "current_quantity": 3,
            "price": "10.00", "price_set": set("10.00"), "total_discount_set": set("0.00"), "product_id": 1, "variant_id": 2,
            "properties": [{"name": "Gift", "value": true}],
            "tax_lines": [{"title": "TVA", "rate": 0.055, "price": "1.50", "price_set": set("1.50")}],
            "discount_allocations": [{"amount": discount, "amount_set": set(discount), "discount_application_index": 0}],
        })
    };
    json!({
        "detail-type": "shopifyWebhook",
        "detail": {
            "metadata": {"X-Shopify-Topic": "orders/create", "X-Shopify-Shop-Domain": SHOP},
            "payload": {
                "id": id, "admin_graphql_api_id": format!("gid://shopify/Order/{id}"), "name": format!("#{}", id % 10_000),
                "order_number": 1001, "created_at": "2026-11-22T10:00:00+01:00", "processed_at": "2026-11-22T10:00:00+01:00",
                "updated_at": "2026-11-22T10:00:01+01:00", "currency": "EUR", "presentment_currency": "USD",
                "financial_status": "paid", "fulfillment_status": null, "tags": "vip, Angel", "email": "zoe@example.com",
                "customer_locale": "fr", "order_status_url": "https://example.com/s", "payment_gateway_names": ["visa"],
                "total_price_set": set("1234.50"), "total_outstanding": "0.00", "subtotal_price_set": set("28.00"),
                "customer": {"id": 7, "admin_graphql_api_id": "gid://shopify/Customer/7", "first_name": "Zoë", "last_name": "Moreau", "email": "zoe@example.com"},
                "billing_address": {"name": "Zoë Moreau", "address1": "12 rue", "city": "Paris", "zip": "75011", "country": "France", "country_code": "FR"},
                "discount_applications": [{"type": "discount_code", "code": "WELCOME", "value": "10.0", "value_type": "percentage", "allocation_method": "across", "target_selection": "all", "target_type": "line_item"}],
                "discount_codes": [{"code": "WELCOME"}],
                "line_items": [line(11, "2.00"), line(12, "0.10")],
                "shipping_lines": [{"id": 5, "title": "Colissimo", "price_set": set("5.90"), "tax_lines": []}],
            },
        },
    })
}
