//! How a shop's Exstream is reached. Defaults are the values shown in OpenText's own documentation.

use comms::HttpsUrl;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// How to reach Exstream. The credentials are in the shop's secret.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exstream {
    /// Which interface is called.
    pub adapter: Adapter,
    /// Scheme and host, such as `https://communication.us.api.opentext.com`.
    pub base_url: HttpsUrl,
    /// Orchestration: the domain. Service gateway: the tenant.
    pub domain: String,
    /// Orchestration: the last path segment (`generate` on SaaS, the HTTP input channel's name elsewhere).
    #[serde(default = "default_service")]
    pub service: String,
    /// The path of a request, with `{domain}`, `{service}` and `{tenant}`. Default for orchestration:
    /// `/orchestration/api/v1/inputs/ondemand/{domain}/{service}`; for the service gateway:
    /// `/{tenant}/sgw/v1/communications?name={service}&version=1`.
    pub path: Option<String>,
    /// The path of the design service, where template versions are looked up.
    #[serde(default = "default_design_path")]
    pub design_path: String,
    /// Whether template versions can be looked up. Off where the design service is closed to this client.
    #[serde(default = "yes")]
    pub catalogue: bool,
    /// Headers of every request to Exstream: CSRF tokens, flow variables, whatever a private deployment needs.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The time for one document.
    #[schemars(range(min = 100, max = 600_000))]
    #[serde(default = "default_compose_timeout_ms")]
    pub timeout_ms: u64,
    /// The largest answer that is accepted, in bytes as they are sent: base64 makes a document a third larger.
    #[schemars(range(min = 1, max = 33_554_432))]
    #[serde(default = "default_max_output_bytes")]
    pub max_output_bytes: usize,
    /// What stands around a customer's driver data, on demand and in batches alike.
    #[serde(default)]
    pub driver_root: DriverRoot,
    /// How an access token for Exstream is obtained.
    pub token: Token,
}

/// The root of a driver file. Data maps match whole paths from it, so every request has the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DriverRoot {
    /// `{"customers":[{…}]}`, in XML `<driver><customers>…</customers></driver>`.
    #[default]
    Customers,
    /// The customer's object alone. Not with batches, because a file then has one customer.
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Adapter {
    /// Orchestration REST of Cloud Native and SaaS.
    Orchestration,
    /// Service gateway of the 16.x communications server.
    Sgw,
}

/// How an access token is obtained. The credentials are in the shop's secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "mode", rename_all = "snake_case", deny_unknown_fields)]
pub enum Token {
    /// `POST` of a JSON body to the OpenText API gateway. Secret: `client_id`, `client_secret`.
    GatewayJson {
        /// The address of the token service.
        url: HttpsUrl,
    },
    /// `POST` of a form to the OpenText API gateway, with the credentials as HTTP Basic. Secret: `client_id`,
    /// `client_secret`.
    GatewayForm {
        /// The address of the token service.
        url: HttpsUrl,
    },
    /// `POST` of a form to OTDS on SaaS. Secret: `client_id`, `client_secret`.
    OtdsSaas {
        /// The address of the token service.
        url: HttpsUrl,
        /// The scope that is asked for.
        scope: String,
    },
    /// `POST` of a form to an OTDS of your own. Secret: `client_id`, `client_secret`.
    OtdsLocal {
        /// The address of the token service.
        url: HttpsUrl,
        /// The scope that is asked for.
        #[serde(default = "default_otds_scope")]
        scope: String,
    },
    /// A ticket of OTDS, sent as `OTDSTicket`. Secret: `username`, `password`.
    OtdsTicket {
        /// The address of the ticket service.
        url: HttpsUrl,
        /// What the OTDS calls the user's name; newer versions say `user_name`.
        #[serde(default)]
        user_field: UserField,
    },
    /// HTTP Basic with every request, in place of a token; Core Messaging takes it. Secret: `username`, `password`, or
    /// `client_id`, `client_secret`.
    Basic,
    /// No token: a private network vouches for the caller. No secret.
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum UserField {
    #[default]
    #[serde(rename = "userName")]
    UserName,
    #[serde(rename = "user_name")]
    UserUnderscoreName,
}

impl UserField {
    pub const fn name(self) -> &'static str {
        match self {
            Self::UserName => "userName",
            Self::UserUnderscoreName => "user_name",
        }
    }
}

impl Exstream {
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }
}

fn default_service() -> String {
    "generate".to_owned()
}

fn default_design_path() -> String {
    "/design/api/v1".to_owned()
}

fn default_otds_scope() -> String {
    "otds:groups".to_owned()
}

fn default_compose_timeout_ms() -> u64 {
    30_000
}

fn default_max_output_bytes() -> usize {
    16 * 1024 * 1024
}

fn yes() -> bool {
    true
}
