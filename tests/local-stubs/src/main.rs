//! Runs the stubs until SIGTERM or SIGINT. One JSON line on standard output says where they listen.

use clap::Parser;
use std::{error::Error, io::Write as _, net::SocketAddr, path::PathBuf, process::ExitCode};
use stub_authority::Authority;
use stub_exstream::{Communication, ExstreamOptions, ExstreamStub};
use stub_http::{Recorder, RecorderOptions};
use stub_oidc::OidcStub;
use stub_shopify::{ShopifyOptions, ShopifyStub, find_schema};
use tokio::signal::unix::{SignalKind, signal};

/// Stand-ins for Exstream, Core Messaging and Shopify's Admin API, an identity provider and a time-stamping authority.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Where Exstream and Core Messaging listen.
    #[arg(long, env = "STUB_EXSTREAM", default_value = "127.0.0.1:4601")]
    exstream: SocketAddr,
    /// Where the Admin API listens.
    #[arg(long, env = "STUB_SHOPIFY", default_value = "127.0.0.1:4602")]
    shopify: SocketAddr,
    /// Where an identity provider for the console listens.
    #[arg(long)]
    oidc: Option<SocketAddr>,
    /// Where a time-stamping authority listens.
    #[arg(long, requires = "authority_folder")]
    authority: Option<SocketAddr>,
    /// Where its certificates are made, `root.pem` among them. What is there is removed.
    #[arg(long)]
    authority_folder: Option<PathBuf>,
    /// Introspection result of the Admin API (.json.gz or .json), or its SDL.
    #[arg(long, env = "ADMIN_SCHEMA")]
    schema: Option<PathBuf>,
    /// Client id (or user name) that both stubs accept.
    #[arg(long, default_value = "local")]
    client_id: String,
    /// Client secret (or password) that both stubs accept.
    #[arg(long, default_value = "local-secret")]
    client_secret: String,
    /// JSON list of the Exstream communications that exist; without it every UUID is one.
    #[arg(long)]
    communications: Option<PathBuf>,
    /// Where a proxy before the local AWS listens that records every request.
    #[arg(long, requires_all = ["aws", "calls"])]
    recorder: Option<SocketAddr>,
    /// Base URL of the local AWS.
    #[arg(long)]
    aws: Option<String>,
    /// File of the recording.
    #[arg(long)]
    calls: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut text = format!("local-stubs: {error}");
            let mut source = error.source();
            while let Some(cause) = source {
                text += &format!(": {cause}");
                source = cause.source();
            }
            let _ = writeln!(std::io::stderr(), "{text}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let communications: Vec<Communication> = match &arguments.communications {
        Some(path) => serde_json::from_slice(&std::fs::read(path)?)?,
        None => Vec::new(),
    };
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let recorder = match (arguments.recorder, arguments.aws, arguments.calls) {
        (Some(addr), Some(aws), Some(calls)) => {
            Some(Recorder::start(addr, RecorderOptions { aws, calls }).await?)
        }
        _ => None,
    };
    if let (Some(addr), Some(folder)) = (arguments.authority, arguments.authority_folder) {
        serve(addr, Authority::in_folder(&folder).router()).await?;
    }
    let schema = arguments.schema.or_else(find_schema).unwrap_or_default();
    let options = ShopifyOptions {
        schema,
        client_id: arguments.client_id.clone(),
        client_secret: arguments.client_secret.clone(),
        ..ShopifyOptions::default()
    };
    let shopify = ShopifyStub::start(arguments.shopify, options).await?;
    let options = ExstreamOptions {
        client_id: arguments.client_id,
        client_secret: arguments.client_secret,
        communications,
        ..ExstreamOptions::default()
    };
    let exstream = ExstreamStub::start(arguments.exstream, options).await?;
    if let Some(addr) = arguments.oidc {
        serve(addr, OidcStub::new(format!("http://{addr}")).router()).await?;
    }
    let missing = letter_render::missing_fonts();
    if !missing.is_empty() {
        let names = missing.join(", ");
        writeln!(
            std::io::stderr(),
            "fonts are missing, so PDFs spell other scripts with Latin letters or `?`: `python3 infra/local/local.py \
             install` installs {names}"
        )?;
    }
    let ready = serde_json::json!({"ready": true, "exstream": exstream.url(), "shopify": shopify.url()});
    writeln!(std::io::stdout(), "{ready}")?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    if let Some(recorder) = recorder {
        recorder.shutdown().await;
    }
    exstream.shutdown().await;
    shopify.shutdown().await;
    Ok(())
}

async fn serve(addr: SocketAddr, router: axum::Router) -> Result<(), std::io::Error> {
    let listener = tokio::net::TcpListener::bind(addr).await?;
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(())
}
