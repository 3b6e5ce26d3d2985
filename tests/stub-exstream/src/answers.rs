//! The shapes in which Exstream, its gateway and Core Messaging answer.

use serde_json::{Value, json};
use stub_http::{Answer, Request};

/// The API gateway's refusal of a token or a client.
pub(crate) fn gateway_fault(status: u16, text: &str, code: &str) -> Answer {
    Answer::json(status, &json!({"fault": {"faultstring": text, "detail": {"errorcode": code}}}))
}

/// The services' own shape, used for what is wrong with the request itself.
pub(crate) fn service_error(status: u16, message: &str, code: &str, path: &str) -> Answer {
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
pub(crate) fn engine_error(http: u16, status_code: u16, message: &str) -> Answer {
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
pub(crate) fn oauth_error(status: u16, error: &str, description: &str) -> Answer {
    Answer::json(status, &json!({"error": error, "error_description": description}))
}

pub(crate) fn messaging_error(status: u16, code: &str, message: &str) -> Answer {
    Answer::json(status, &json!({"error": {"code": code, "message": message}}))
}

/// A success of the runtime and design services.
pub(crate) fn ok(data: &Value) -> Answer {
    Answer::json(200, &json!({"status": "success", "data": data}))
}

/// One page of a list: as many as `count` says after the first `offset`.
pub(crate) fn page(all: Vec<Value>, request: &Request) -> Answer {
    const MOST: usize = 100;
    let number = |name| request.parameter(name).and_then(|n| n.parse::<usize>().ok());
    let (offset, size) = (number("offset").unwrap_or(0), number("count").unwrap_or(MOST).clamp(1, MOST));
    let total = all.len();
    let data: Vec<_> = all.into_iter().skip(offset).take(size).collect();
    let page = json!({
        "pageSize": size,
        "pageOffset": offset,
        "totalElements": total,
        "totalPages": total.div_ceil(size),
        "currentPageNumber": offset / size + 1,
    });
    Answer::json(200, &json!({"status": "success", "data": data, "page": page}))
}

pub(crate) fn unknown_parameter(name: &str, request: &Request) -> Answer {
    let message = format!("No parameter '{name}' is documented");
    service_error(400, &message, "UNKNOWN_PARAMETER", &request.path)
}

pub(crate) fn missing(request: &Request) -> Answer {
    service_error(404, "The resource does not exist", "NOT_FOUND", &request.path)
}
