//! All functions in one program, for the local run: it compiles in a fraction of the time that seventeen programs take,
//! because what they share is compiled once. The first argument says which function this process is. What is
//! deployed, tested end to end and measured are the programs of `functions/`.

use lambda_runtime::Error;
use service::Serving;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let name = std::env::args().nth(1).unwrap_or_default();
    serve(&name).ok_or_else(|| format!("`{name}` is no function: give its name as the first argument"))?.await
}

fn serve(name: &str) -> Option<Serving> {
    Some(match name {
        "account-statements" => account_statements::serve(),
        "archive-seal" => archive_seal::serve(),
        "delivery-status" => delivery_status::serve(),
        "documents" => documents::serve(),
        "exception-letters" => exception_letters::serve(),
        "intake" => intake::serve(),
        "offer-run" => offer_run::serve(),
        "order-confirmation" => order_confirmation::serve(),
        "outcome-events" => outcome_events::serve(),
        "privacy" => privacy::serve(),
        "reconcile" => reconcile::serve(),
        "return-letters" => return_letters::serve(),
        "shipping-documents" => shipping_documents::serve(),
        "staff-console" => staff_console::serve(),
        "statement-run" => statement_run::serve(),
        "targeted-offers" => targeted_offers::serve(),
        "write-back" => write_back::serve(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_function_is_in_the_program() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../functions");
        let names = std::fs::read_dir(folder).unwrap();
        let missing: Vec<String> = names
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| super::serve(name).is_none())
            .collect();
        assert_eq!(missing, [""; 0]);
        assert!(super::serve("intake ").is_none());
    }
}
