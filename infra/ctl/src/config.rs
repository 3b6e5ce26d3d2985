//! `ctl config`: check and store shop configurations.

use crate::{
    failure::Failure,
    out::{note, say},
    schedules,
    stack::Stack,
};
use aws_sdk_s3::primitives::ByteStream;
use comms::chain;
use shop_config::{ShopConfig, config_key};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

pub fn check(files: &[PathBuf], max_retention_days: u16) -> Result<ExitCode, Failure> {
    let mut code = ExitCode::SUCCESS;
    for file in files {
        match read(file, max_retention_days) {
            Ok((config, _)) => {
                say!("{}: ok, {}, {} documents on", file.display(), config.shop, on(&config))
            }
            Err(error) => {
                note!("{}: {}", file.display(), chain(error.as_ref()));
                code = ExitCode::FAILURE;
            }
        }
    }
    Ok(code)
}

/// Stores all files or, if one of them is wrong, none.
pub async fn push(stack: &Stack, files: &[PathBuf]) -> Result<ExitCode, Failure> {
    let mut configs = Vec::with_capacity(files.len());
    for file in files {
        configs.push(
            read(file, stack.outputs.max_retention_days())
                .map_err(|error| format!("{}: {}", file.display(), chain(error.as_ref())))?,
        );
    }
    for (config, text) in configs {
        let Stored { key, version, schedules } = store(stack, &config, text).await?;
        say!("{key} version {version}, {} documents on, {schedules} schedules", on(&config));
    }
    Ok(ExitCode::SUCCESS)
}

/// A configuration that was stored, and how many schedules belong to it.
pub struct Stored {
    pub key: String,
    pub version: String,
    pub schedules: usize,
}

/// Stores a configuration and makes its schedules. A crash between the two leaves the schedules of the one before, until
/// it is stored again.
pub async fn store(stack: &Stack, config: &ShopConfig, text: String) -> Result<Stored, Failure> {
    let key = config_key(&config.shop);
    let put = stack.s3.put_object().bucket(&stack.outputs.operations_bucket).key(&key);
    let put = put.content_type("application/toml").body(ByteStream::from(text.into_bytes())).send().await?;
    let schedules = schedules::sync(stack, config).await?;
    Ok(Stored { key, version: put.version_id().unwrap_or("-").to_owned(), schedules })
}

pub fn read(file: &Path, max_retention_days: u16) -> Result<(ShopConfig, String), Failure> {
    let text = std::fs::read_to_string(file)?;
    match ShopConfig::parse_within(&text, max_retention_days) {
        Ok(config) => Ok((config, text)),
        // the line itself is for the person who wrote it, and for nobody's log
        Err(error) => match error.excerpt(&text) {
            Some(line) => Err(format!("{error}\n    {line}").into()),
            None => Err(error.into()),
        },
    }
}

fn on(config: &ShopConfig) -> usize {
    config.documents.values().filter(|document| document.enabled).count()
}
