//! Whether an object is missing from S3, as a role sees it that may list below prefixes only.
//!
//! S3 says 404 for a missing key to callers who may list the whole bucket, and 403 to all others. A permission to
//! list that depends on the prefix does not count: a read carries none. No role here may list a whole bucket, so a
//! refusal is looked into before it is believed. That costs a second request, and only for what is refused.

use aws_sdk_s3::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
};

/// Whether a read of `key` failed because there is no such object.
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
    if matches!(refusal.code(), Some("NoSuchKey" | "NotFound")) {
        return true;
    }
    if error.raw_response().is_none_or(|response| response.status().as_u16() != 403) {
        return false;
    }
    let listed = s3.list_objects_v2().bucket(bucket).prefix(key).max_keys(1).send().await;
    // keys come in order, so the one that was asked for would be the first
    listed.is_ok_and(|page| page.contents().first().and_then(|object| object.key()) != Some(key))
}
