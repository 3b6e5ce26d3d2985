//! What `ctl dlq` adds to the library: a plan first, and a record of who did it.

use super::*;
use serde_json::json;

fn of() -> Of {
    Of { queue: "order-confirmation".to_owned(), cause: None, shop: None, reason_contains: None }
}

/// A deployment with this queue.
fn stack(aws: &aws_config::SdkConfig, url: &str) -> Stack {
    let outputs = json!({
        "BusName": "b", "EventSource": "e", "SecretPrefix": "s", "TableName": "t", "ArchiveBucket": "archive",
        "OperationsBucket": "operations", "FunctionIntake": "intake",
        "QueueUrlOrderConfirmation": format!("{url}/queue"),
        "DeadLetterUrlOrderConfirmation": format!("{url}/queue-dlq"),
    });
    Stack::of(aws, serde_json::from_value(outputs).unwrap(), "ctl-dlq-redrive")
}

fn confirmed() -> Move {
    let decision = Decision { actor: "ops".to_owned(), reason: "fixed".to_owned() };
    Move { of: of(), decision, confirm: true, rate: 1000, most: None, sample: 10 }
}

#[tokio::test]
async fn a_plan_or_a_look_that_fails_leaves_nothing_hidden() {
    let (sqs, aws, url) = fakes::dead_letters(30).await;
    let stack = stack(&aws, &url);
    for sample in [20, 1000] {
        sqs.lock().unwrap().receipts_left = Some(1);
        let way = way_back(&stack, "order-confirmation").unwrap();
        let request = Move { sample, ..confirmed() };
        assert!(carry_out(&stack, request, way, "redrive").await.is_err());
        sqs.lock().unwrap().receipts_left = Some(1);
        assert!(show(&stack, &of(), 30, true).await.is_err());
        let account = sqs.lock().unwrap();
        assert_eq!((account.visible.len(), account.hidden.len()), (30, 0), "sample {sample}");
        assert_eq!(
            (account.receipts_left, account.put.len()),
            (Some(0), 0),
            "it got as far as the second batch"
        );
    }
}

#[tokio::test]
async fn why_a_move_failed_is_said_even_if_its_end_cannot_be_put_on_record() {
    let (sqs, aws, url) = fakes::dead_letters(50).await;
    let stack = stack(&aws, &url);
    let carry = async || {
        let way = way_back(&stack, "order-confirmation").unwrap();
        carry_out(&stack, confirmed(), way, "redrive").await.unwrap_err().to_string()
    };
    sqs.lock().unwrap().puts_none_with = Some("-failed");
    sqs.lock().unwrap().sends_left = Some(0);
    assert_eq!(carry().await, "batch after batch fails as a whole, so nothing more is tried");
    // where only the record fails, that is the error
    sqs.lock().unwrap().puts_none_with = Some("-ended");
    sqs.lock().unwrap().sends_left = None;
    assert!(!carry().await.contains("batch after batch"));
    let account = sqs.lock().unwrap();
    assert_eq!((account.visible.len(), account.back.len(), account.put.len()), (0, 50, 2));
}
