// the types of nested async calls are deeper than the compiler expects
#![recursion_limit = "256"]

use lambda_runtime::Error;
use reconcile::Reconciliation;
use serde::de::IgnoredAny;
use service::Service;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let service = Service::start().await?;
    let reconciliation = Reconciliation::new(&service)?;
    service::run(async |_: IgnoredAny, invocation| reconciliation.round(&invocation).await).await
}
