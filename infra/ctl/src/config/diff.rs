//! `ctl config diff`: what a file would change, or what changed between two versions.

use super::{
    change::{Plan, changes, print_lines},
    history, read,
};
use crate::{
    failure::Failure,
    out::{self, say},
    stack::Stack,
};
use comms::ShopDomain;
use shop_config::{ShopConfig, StoredText};
use std::{path::PathBuf, process::ExitCode};

#[derive(clap::Args)]
pub struct Question {
    /// The shop.
    shop: ShopDomain,
    /// Compare what is in force with this file.
    #[arg(conflicts_with_all = ["from", "to"])]
    file: Option<PathBuf>,
    /// Compare this version, as `ctl config history` shows it. Default: the one before the other.
    #[arg(long)]
    from: Option<String>,
    /// With this one. Default: what is in force.
    #[arg(long)]
    to: Option<String>,
    /// Print one JSON object per changed field instead.
    #[arg(long)]
    json: bool,
}

#[cfg(test)]
impl Question {
    pub fn of(shop: ShopDomain, from: Option<&str>, to: Option<&str>) -> Self {
        Self { shop, file: None, from: from.map(str::to_owned), to: to.map(str::to_owned), json: false }
    }
}

pub async fn run(stack: &Stack, question: &Question) -> Result<ExitCode, Failure> {
    let Question { shop, file, from, to, json } = question;
    let most = stack.outputs.max_retention_days();
    let (before, after) = match file {
        Some(file) => {
            let (config, text) = read(file, most)?;
            if config.shop != *shop {
                return Err(format!("the configuration is that of {}, not of {shop}", config.shop).into());
            }
            let stored = history(stack).in_force(shop).await?;
            (stored.map(|stored| stored.text).unwrap_or_default(), text)
        }
        None => of_versions(stack, shop, from.as_deref(), to.as_deref()).await?,
    };
    if *json {
        for change in changes(&before, &after) {
            out::json(&serde_json::to_string(&change)?);
        }
        return Ok(ExitCode::SUCCESS);
    }
    if before == after {
        say!("no difference");
        return Ok(ExitCode::SUCCESS);
    }
    let parse = |text: &str| ShopConfig::parse_within(text, most).ok();
    match parse(&after) {
        Some(new) => {
            let old = parse(&before);
            Plan { before: &before, after: &after, old: old.as_ref(), new: &new }.print();
        }
        // a former version may not be one for this software
        None => print_lines(&before, &after),
    }
    Ok(ExitCode::SUCCESS)
}

async fn of_versions(
    stack: &Stack,
    shop: &ShopDomain,
    from: Option<&str>,
    to: Option<&str>,
) -> Result<(String, String), Failure> {
    let history = history(stack);
    let after = match to {
        Some(version) => version_of(stack, shop, version).await?,
        None => history.in_force(shop).await?.ok_or("the shop has no configuration")?,
    };
    if let Some(version) = from {
        return Ok((version_of(stack, shop, version).await?.text, after.text));
    }
    let versions = history.versions(shop, usize::MAX).await?;
    let earlier = versions.iter().skip_while(|it| it.id != after.version).nth(1);
    let before = match earlier {
        Some(earlier) if !earlier.is_deletion => version_of(stack, shop, &earlier.id).await?.text,
        _ => String::new(),
    };
    Ok((before, after.text))
}

/// What is stored in a version that a person names.
pub async fn version_of(stack: &Stack, shop: &ShopDomain, version: &str) -> Result<StoredText, Failure> {
    let stored = history(stack).text(shop, version).await?;
    stored.ok_or_else(|| {
        format!("{shop} has no configuration of version {version}: `ctl config history {shop}` lists them")
            .into()
    })
}
