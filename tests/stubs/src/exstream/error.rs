//! The shapes in which Exstream, its gateway and Core Messaging report failures.

use crate::http::Answer;
use serde_json::json;

/// The API gateway's refusal of a token or a client.
pub fn gateway_fault(status: u16, text: &str, code: &str) -> Answer {
    Answer::json(status, &json!({"fault": {"faultstring": text, "detail": {"errorcode": code}}}))
}

/// The services' own shape, used for what is wrong with the request itself.
pub fn service_error(status: u16, message: &str, code: &str, path: &str) -> Answer {
    let reason = match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        406 => "Not Acceptable",
        409 => "Conflict",
        415 => "Unsupported Media Type",
        429 => "Too Many Requests",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    };
    Answer::json(
        status,
        &json!({
            "timestamp": jiff::Timestamp::now().to_string(),
            "status": status,
            "message": message,
            "error": reason,
            "details": [],
            "errorCode": code,
            "path": path,
        }),
    )
}

/// The orchestration's shape, used for what went wrong while composing. `http` is 200 when it hides.
pub fn engine_error(http: u16, status_code: u16, message: &str) -> Answer {
    Answer::json(
        http,
        &json!({
            "status": "error",
            "data": [{
                "errorMessage": message,
                "statusCode": status_code.to_string(),
                "engineOutputContext": {},
            }],
        }),
    )
}

/// OAuth 2.0's error answer, as OTDS gives it.
pub fn oauth_error(status: u16, error: &str, description: &str) -> Answer {
    Answer::json(status, &json!({"error": error, "error_description": description}))
}

pub fn messaging_error(status: u16, code: &str, message: &str) -> Answer {
    Answer::json(status, &json!({"error": {"code": code, "message": message}}))
}
