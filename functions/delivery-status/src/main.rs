// the types of nested async calls are deeper than the compiler expects
#![recursion_limit = "256"]

use delivery_status::DeliveryStatus;
use lambda_runtime::Error;
use serde::de::IgnoredAny;
use service::Service;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let service = Service::start().await?;
    let status = DeliveryStatus::new(&service)?;
    service::run(async |_: IgnoredAny, invocation| status.round(&invocation).await).await
}
