//! A document from its sample, or from a designer's own driver data. Nothing is asked of AWS or Shopify.
//!
//! With `--watch` nothing that is wrong with the file, with Exstream or with the template ends it: the next change of the file
//! may be what puts it right. A file that is being written is read once it stands still.

use super::{
    TIME,
    data::{Mistakes, customer_of},
    saved::{Made, Saver},
};
use crate::{
    failure::Failure,
    out::note,
    samples::{Which, published, with_rows},
};
use bytes::Bytes;
use comms::{Document, ShopDomain, chain};
use exstream::{Catalogue, Credentials, Exstream, TokenSource};
use flow::preview::TrialCall;
use jiff::Timestamp;
use serde::Deserialize;
use shop_config::DocumentConfig;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    pin::pin,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

/// How often a file is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// No driver data or configuration of a person's is larger.
const MOST_BYTES: u64 = 64 * 1024 * 1024;
/// Whose token it is, where the file names no shop.
const NOBODY: &str = "sample.myshopify.com";

/// What Exstream is reached with.
#[derive(Debug, Clone, clap::Args)]
pub struct Connection {
    /// How Exstream is reached: a shop's configuration, of which the table `exstream` is enough.
    #[arg(long)]
    pub config: PathBuf,
    /// Exstream's credentials, a JSON file in the form of a shop's secret, or its part `exstream`. Without it, none are
    /// sent.
    #[arg(long, env = "EXSTREAM_SECRET_FILE")]
    pub secret: Option<PathBuf>,
}

/// The same, read.
#[derive(Debug)]
pub struct Settings {
    pub shop: ShopDomain,
    pub exstream: shop_config::Exstream,
    pub credentials: Credentials,
    pub documents: BTreeMap<Document, DocumentConfig>,
}

impl Connection {
    pub fn read(&self) -> Result<Settings, Failure> {
        #[derive(Deserialize)]
        struct Config {
            shop: Option<ShopDomain>,
            exstream: shop_config::Exstream,
            #[serde(default)]
            documents: BTreeMap<Document, DocumentConfig>,
        }
        let text = read(&self.config)?;
        let config: Config =
            toml::from_str(&text).map_err(|error| format!("{}: {error}", self.config.display()))?;
        let Config { shop, exstream, documents } = config;
        let shop = shop.map_or_else(|| NOBODY.parse(), Ok)?;
        Ok(Settings { shop, exstream, credentials: self.credentials()?, documents })
    }

    /// What is in the file is told nobody, not even by the parser.
    fn credentials(&self) -> Result<Credentials, Failure> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Secret {
            Shop { exstream: Credentials },
            Exstream(Credentials),
        }
        let Some(file) = &self.secret else { return Ok(Credentials::None) };
        match serde_json::from_str(&read(file)?) {
            Ok(Secret::Shop { exstream } | Secret::Exstream(exstream)) => Ok(exstream),
            Err(_) => Err(format!(
                "{}: expected {{\"exstream\": {{\"client_id\": …, \"client_secret\": …}}}} or the same with `username` and `password`",
                file.display()
            )
            .into()),
        }
    }
}

fn read(file: &Path) -> Result<String, Failure> {
    let about = |error: std::io::Error| format!("{}: {error}", file.display());
    if std::fs::metadata(file).map_err(about)?.len() > MOST_BYTES {
        return Err(format!("{}: is larger than 64 MB", file.display()).into());
    }
    Ok(std::fs::read_to_string(file).map_err(about)?)
}

/// Where the driver data comes from.
pub enum From {
    Published(Which),
    Rows(usize),
    File(PathBuf),
}

pub async fn run(
    document: Document,
    from: &From,
    connection: &Connection,
    saver: &Saver,
    watch: bool,
) -> Result<ExitCode, Failure> {
    let composer = Composer::new(document, connection.read()?, service::http()?)?;
    match from {
        From::File(file) if watch => {
            let stop = async { drop(tokio::signal::ctrl_c().await) };
            composer.watch(file, saver, LOOK, stop).await
        }
        from => composer.compose(&driver_data(document, from)?, saver).await,
    }
}

/// One customer's driver data.
fn driver_data(document: Document, from: &From) -> Result<Bytes, Failure> {
    let published = published(document);
    let customer = match from {
        From::Published(which) => published.customer(*which),
        From::Rows(rows) => with_rows(&published, *rows)
            .ok_or_else(|| format!("{document} has no list that could have many rows"))?,
        From::File(file) => {
            let text = read(file)?;
            customer_of(&text, published.schema).map_err(|Mistakes(all)| in_file(file, &all))?
        }
    };
    Ok(serde_json::to_vec(&customer)?.into())
}

/// Each mistake on a line of its own, as compilers name them.
fn in_file(file: &Path, mistakes: &[String]) -> String {
    let lines = mistakes.iter().map(|it| format!("{}:{}", file.display(), comms::one_line(it)));
    format!("{} mistakes in the driver data\n{}", mistakes.len(), lines.collect::<Vec<_>>().join("\n"))
}

/// One document's composition with a shop's Exstream.
pub struct Composer {
    document: Document,
    settings: Settings,
    config: DocumentConfig,
    exstream: Exstream,
    catalogue: Catalogue,
}

impl Composer {
    pub fn new(document: Document, settings: Settings, http: reqwest::Client) -> Result<Self, Failure> {
        let config = settings.documents.get(&document).cloned();
        let config = config.ok_or_else(|| {
            format!("the file has no table [documents.{document}] with `communication` and `data_source`")
        })?;
        let tokens = Arc::new(TokenSource::new(http.clone()));
        let catalogue = Catalogue::new(http.clone(), Arc::clone(&tokens));
        Ok(Self { document, settings, config, exstream: Exstream::new(http, tokens), catalogue })
    }

    /// Composes one customer's data and saves what comes of it.
    pub async fn compose(&self, driver: &Bytes, saver: &Saver) -> Result<ExitCode, Failure> {
        const ID: &str = "sample";
        let Self { document, settings, config, exstream, catalogue } = self;
        let call = TrialCall {
            shop: &settings.shop,
            settings: &settings.exstream,
            document: config,
            credentials: &settings.credentials,
            exstream,
            catalogue,
            now: Timestamp::now(),
            time: TIME,
        };
        let is_fine = match call.compose(driver.clone()).await {
            Ok(trial) => {
                let data = format!("driver data, {document}/1");
                let made = Made { template: &trial.template, outputs: &trial.outputs, driver, data };
                saver.save(*document, ID, &made)?
            }
            Err(error) => saver.tell_failure(*document, ID, &error)?,
        };
        Ok(if is_fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// Composes now and after each change of the file, until `stop`.
    pub async fn watch(
        &self,
        file: &Path,
        saver: &Saver,
        look: Duration,
        stop: impl Future<Output = ()>,
    ) -> Result<ExitCode, Failure> {
        let mut stop = pin!(stop);
        let (mut composed, mut before) = (None, None);
        loop {
            // one that is written at the moment changes until the next look
            let now = std::fs::read(file).ok();
            let stands_still = now.is_some() && now == before;
            if stands_still && now != composed {
                let made = async {
                    let driver = driver_data(self.document, &From::File(file.to_owned()))?;
                    self.compose(&driver, saver).await
                };
                let made = tokio::select! {
                    () = &mut stop => return Ok(ExitCode::SUCCESS),
                    made = made => made,
                };
                if let Err(error) = made {
                    // a mistake is a line of its own
                    chain(error.as_ref()).lines().for_each(|line| note!("ctl: {line}"));
                }
                composed.clone_from(&now);
            }
            before = now;
            tokio::select! {
                () = &mut stop => return Ok(ExitCode::SUCCESS),
                () = tokio::time::sleep(look) => {}
            }
        }
    }
}
