//! `karez admin ae`: a hospital's own DICOM title and the machines it speaks with, on the machine itself.

use std::path::PathBuf;

use anyhow::{Context, bail};
use app::App;
use app::imaging::{NewEntity, Service};
use clap::{Args, Subcommand};
use kernel::HospitalId;

use super::admin::{explained, parts, say};

#[derive(Debug, Subcommand)]
pub enum EntityCommand {
    /// Say what scanners call the hospital's archive, and whose patient numbers images carry
    Title {
        #[arg(long)]
        hospital: String,
        /// Up to 16 characters; one title names one hospital of the node
        #[arg(long)]
        title: String,
        /// Identifier system (URI) of numbers that come without an issuer
        #[arg(long, default_value = "")]
        issuer: String,
    },
    /// Register an application entity; prints its id
    Add(EntityArgs),
}

#[derive(Debug, Args)]
pub struct EntityArgs {
    #[arg(long)]
    hospital: String,
    /// What it calls itself
    #[arg(long)]
    title: String,
    /// Which machine it is, for people
    #[arg(long)]
    name: String,
    /// What it may do, separated by commas: store, query, retrieve, worklist
    #[arg(long)]
    may: String,
    /// Addresses it calls from, separated by commas: 10.1.2.3 or 10.1.2.0/24
    #[arg(long, default_value = "")]
    addresses: String,
    /// File with the certificate it shows, in PEM
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// Where it listens
    #[arg(long, default_value = "", requires = "port")]
    host: String,
    #[arg(long)]
    port: Option<u16>,
    /// It is spoken to over TLS
    #[arg(long)]
    encrypted: bool,
    /// Identifier system (URI) of its patient numbers, where it is another than the hospital's
    #[arg(long, default_value = "")]
    issuer: String,
}

pub async fn run(app: &App, what: EntityCommand) -> anyhow::Result<()> {
    let cx = app.operator_cx();
    match what {
        EntityCommand::Title {
            hospital,
            title,
            issuer,
        } => {
            let hospital = HospitalId::new(&hospital).context("hospital")?;
            let done = app.name_archive(&cx, &hospital, &title, &issuer).await;
            done.map_err(explained)?;
            say(&format!("{hospital} is called {title}"))
        }
        EntityCommand::Add(new) => {
            let hospital = HospitalId::new(&new.hospital).context("hospital")?;
            let mut may = std::collections::BTreeSet::new();
            for word in parts(&new.may) {
                let known = Service::ALL.iter().find(|s| s.as_str() == word);
                let Some(service) = known else {
                    bail!("may: {word:?} is none of store, query, retrieve, worklist");
                };
                may.insert(*service);
            }
            let certificate = match &new.certificate {
                Some(path) => {
                    std::fs::read_to_string(path).with_context(|| path.display().to_string())?
                }
                None => String::new(),
            };
            let entity = NewEntity {
                title: new.title,
                name: new.name,
                host: new.host,
                port: new.port,
                tls: new.encrypted,
                certificate,
                addresses: parts(&new.addresses),
                may,
                issuer: new.issuer,
            };
            let added = app.add_entity_at(&cx, &hospital, entity).await;
            say(added.map_err(explained)?.as_str())
        }
    }
}
