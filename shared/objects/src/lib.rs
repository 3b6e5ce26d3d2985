//! What reading and writing objects of S3 has in common: whether an object is missing, as a role sees it that may list
//! below prefixes only, and puts that are made under a condition.
//!
//! S3 says 404 for a missing key to callers who may list the whole bucket, and 403 to all others. A permission to
//! list that depends on the prefix does not count: a read carries none. No role here may list a whole bucket, so a
//! refusal is looked into before it is believed. That costs a second request, and only for what is refused.

use aws_sdk_s3::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::put_object::{PutObjectError, PutObjectOutput},
};

/// Puts an object under a condition. Where the put meets another one of the same key it is sent again, up to `repeats`
/// times: the next answer says who was first. `None` if the condition does not hold.
///
/// # Errors
/// What S3 says otherwise. The object may have been put; putting it again tells.
pub async fn put_if<F>(
    repeats: usize,
    send: impl Fn() -> F,
) -> Result<Option<PutObjectOutput>, SdkError<PutObjectError>>
where
    F: Future<Output = Result<PutObjectOutput, SdkError<PutObjectError>>>,
{
    let mut result = send().await;
    for _ in 0..repeats {
        if refusal(&result) != Some("ConditionalRequestConflict") {
            break;
        }
        result = send().await;
    }
    match refusal(&result) {
        Some("PreconditionFailed") => Ok(None),
        _ => result.map(Some),
    }
}

/// The code of S3's refusal.
fn refusal(result: &Result<PutObjectOutput, SdkError<PutObjectError>>) -> Option<&str> {
    result.as_ref().err()?.as_service_error()?.code()
}

/// Whether a read of `key`, or of one of its versions, failed because there is no such object.
///
/// After a refusal the key itself is listed. Where that fails, too, the answer is no: the refusal stands.
pub async fn is_missing<E: ProvideErrorMetadata>(
    s3: &Client,
    bucket: &str,
    key: &str,
    error: &SdkError<E>,
) -> bool {
    let Some(refusal) = error.as_service_error() else { return false };
    // `NotFound` is the answer to HEAD, which has no body to say more in
    if matches!(refusal.code(), Some("NoSuchKey" | "NoSuchVersion" | "NotFound")) {
        return true;
    }
    match error.raw_response().map(|response| response.status().as_u16()) {
        // what was asked for is the marker of a deletion
        Some(405) => return true,
        Some(403) => {}
        _ => return false,
    }
    let listed = s3.list_objects_v2().bucket(bucket).prefix(key).max_keys(1).send().await;
    // keys come in order, so the one that was asked for would be the first
    listed.is_ok_and(|page| page.contents().first().and_then(|object| object.key()) != Some(key))
}
