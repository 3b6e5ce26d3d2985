//! The function against servers in the place of DynamoDB and S3: what it answers to whom, and what it asks for before.

mod answers;
mod browser;
mod documents_in_parts;
mod logs;
mod world;
