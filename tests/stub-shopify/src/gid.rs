//! The parts of a GID.

/// `Order` of `gid://shopify/Order/1?x=y`.
pub(crate) fn type_of(gid: &str) -> Option<&str> {
    gid.strip_prefix("gid://shopify/")?.split('/').next()
}

/// The last part of a GID, without its query.
pub(crate) fn number_of(gid: &str) -> &str {
    gid.rsplit('/').next().and_then(|last| last.split('?').next()).unwrap_or_default()
}
