// the types of nested async calls are deeper than the compiler expects
#![recursion_limit = "256"]

use intake::Intake;
use jiff::Timestamp;
use lambda_runtime::Error;
use service::Service;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let service = Service::start().await?;
    let intake = Intake::new(&service)?;
    service::run(async |event, _| intake.handle(event, Timestamp::now()).await).await
}
