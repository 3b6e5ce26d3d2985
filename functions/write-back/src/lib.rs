//! write-back
