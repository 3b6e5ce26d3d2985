// the types of nested async calls are deeper than the compiler expects
#![recursion_limit = "256"]

use exception_letters::ExceptionLetters;
use flow::FlowHandler;
use lambda_runtime::Error;
use service::Service;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let service = Service::start().await?;
    let handler = FlowHandler::new(&service, ExceptionLetters)?;
    service::run(async |event, invocation| handler.handle(event, invocation).await).await
}
