//! `karez admin`: hospitals, first accounts and tokens, on the machine itself.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Read as _, Write as _};
use std::path::PathBuf;

use anyhow::{Context, bail};
use app::accounts::{Licence, Membership, NewAccount, PrivilegeGrant, RoleGrant, Validity};
use app::hospitals::Hospital;
use app::tokens::NewMachine;
use app::{App, Language, Privilege, Role};
use clap::{Args, Subcommand};
use kernel::{Clock as _, Entropy as _, HospitalId, Phi, SystemClock, SystemEntropy};

use super::entities::EntityCommand;
use crate::config::{self, Config};
use crate::node::{self, Node};

#[derive(Debug, Subcommand)]
pub enum Admin {
    /// Hospitals of this node
    #[command(subcommand)]
    Hospital(HospitalCommand),
    /// Accounts
    #[command(subcommand)]
    User(UserCommand),
    /// Machine clients of a hospital
    #[command(subcommand)]
    Machine(MachineCommand),
    /// DICOM: what a hospital's archive is called, and which machines it speaks with
    #[command(subcommand)]
    Ae(EntityCommand),
    /// Begin a new signing key for a hospital: in the token, where keys.pkcs11_module names one
    RotateHospitalKey {
        #[arg(long)]
        hospital: String,
    },
    /// Put a new node key in the place of the one in use and wrap every secret anew; the server is stopped meanwhile
    RotateNodeKey {
        /// Make no new key: only wrap anew what an older one wrapped
        #[arg(long)]
        rewrap_only: bool,
    },
    /// Print a short-lived bearer token for scripts; works while the server runs
    Token {
        #[arg(long)]
        hospital: String,
        /// clinician, coordinator, consultant, administrator, operator or machine
        #[arg(long)]
        role: String,
        /// How long it is valid, at most 720
        #[arg(long, default_value_t = 60)]
        minutes: u32,
    },
}

#[derive(Debug, Subcommand)]
pub enum HospitalCommand {
    /// Found a hospital
    Add(HospitalArgs),
    /// List the hospitals
    List,
}

#[derive(Debug, Args)]
pub struct HospitalArgs {
    /// Short name in addresses: small letters, digits, hyphens
    id: String,
    /// Name in English
    #[arg(long)]
    name: String,
    /// Name in Chinese
    #[arg(long)]
    name_zh: Option<String>,
    /// Two letters for the tile; from the name when not given
    #[arg(long)]
    tile: Option<String>,
    /// ISO 3166-1 alpha-2 code of the jurisdiction
    #[arg(long)]
    country: String,
    /// IANA time zone, as Asia/Shanghai
    #[arg(long)]
    zone: String,
    /// BCP 47 tags separated by commas, the preferred first
    #[arg(long, default_value = "en")]
    languages: String,
    #[arg(long, default_value = "")]
    city: String,
}

#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Make an account; its password comes from standard input, or is made and printed
    Add(UserArgs),
    /// List who works at a hospital
    List {
        #[arg(long)]
        hospital: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum MachineCommand {
    /// Register a client by its public keys, its certificate, or both; prints its client_id
    Add {
        #[arg(long)]
        hospital: String,
        #[arg(long)]
        name: String,
        /// File with a JSON Web Key Set
        #[arg(long, value_name = "FILE", required_unless_present = "certificate")]
        jwks: Option<PathBuf>,
        /// File with a certificate in PEM
        #[arg(long, value_name = "FILE")]
        certificate: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub struct UserArgs {
    /// E-mail address or staff number
    login: String,
    #[arg(long)]
    name: String,
    #[arg(long)]
    latin_name: Option<String>,
    /// Hospital; `network` for an operator
    #[arg(long)]
    hospital: String,
    /// Roles separated by commas
    #[arg(long)]
    roles: String,
    /// Privileges separated by commas: sign-opinion, sensitive, sign-agreement, correct-record, audit
    #[arg(long, default_value = "")]
    privileges: String,
    #[arg(long)]
    title: Option<String>,
    /// en or zh-CN
    #[arg(long, default_value = "en")]
    language: String,
    /// Licence as number/issuer/country
    #[arg(long)]
    licence: Option<String>,
    /// Read the password from standard input
    #[arg(long)]
    password_stdin: bool,
}

pub async fn run(config: Config, what: Admin) -> anyhow::Result<()> {
    match what {
        Admin::Token {
            hospital,
            role,
            minutes,
        } => token(&config, &hospital, &role, minutes),
        Admin::Hospital(what) => {
            let node = Node::open(&config, "").await?;
            let done = hospitals(&node.app, what).await;
            node.app.close().await;
            done
        }
        Admin::RotateHospitalKey { hospital } => {
            let hospital = HospitalId::new(&hospital).context("hospital")?;
            let node = Node::open(&config, "").await?;
            let cx = node.app.operator_cx();
            let done = node.app.rotate_key_of(&cx, &hospital).await;
            node.app.close().await;
            say(&format!("{hospital} signs with {} from now on", done?))
        }
        Admin::RotateNodeKey { rewrap_only } => {
            if !rewrap_only {
                node::rotate_key(&config.data)?;
            }
            let node = Node::open(&config, "").await?;
            let done = node.app.rewrap_secrets().await;
            node.app.close().await;
            say(&format!("{} secrets were wrapped anew", done?))
        }
        Admin::Machine(what) => {
            let node = Node::open(&config, "").await?;
            let done = machines(&node.app, what).await;
            node.app.close().await;
            done
        }
        Admin::Ae(what) => {
            let node = Node::open(&config, "").await?;
            let done = super::entities::run(&node.app, what).await;
            node.app.close().await;
            done
        }
        Admin::User(what) => {
            let node = Node::open(&config, "").await?;
            let done = users(&node.app, what).await;
            node.app.close().await;
            done
        }
    }
}

/// Whoever can read the node key may give tokens; nothing is written, so a running server is not disturbed.
fn token(config: &Config, hospital: &str, role: &str, minutes: u32) -> anyhow::Result<()> {
    if config.store.postgres.is_none() && !config.data.dir.join("karez.db").exists() {
        bail!("data.dir: {} holds no data", config.data.dir.display());
    }
    let key = node::node_key(&config.data)?;
    let role = known_role(role)?;
    let now = SystemClock.now();
    let id = SystemEntropy.uuid_v7(now);
    let lifetime_s = i64::from(minutes) * 60;
    let token = App::admin_token(&key, HospitalId::new(hospital)?, role, id, now, lifetime_s)?;
    say(&token.token)
}

async fn hospitals(app: &App, what: HospitalCommand) -> anyhow::Result<()> {
    match what {
        HospitalCommand::Add(new) => {
            let mut names = BTreeMap::from([("en".to_owned(), new.name.clone())]);
            names.extend(new.name_zh.map(|n| ("zh-CN".to_owned(), n)));
            let tile = new.tile.unwrap_or_else(|| {
                new.name
                    .split_whitespace()
                    .filter_map(|w| w.chars().next())
                    .take(2)
                    .collect::<String>()
                    .to_uppercase()
            });
            let hospital = Hospital {
                id: HospitalId::new(&new.id).context("id")?,
                names,
                tile,
                jurisdiction: new.country.to_uppercase(),
                zone: new.zone,
                languages: parts(&new.languages),
                city: new.city,
                created: app.now(),
                services: Vec::new(),
            };
            app.found_hospital(hospital).await?;
            say(&format!("{} was founded", new.id))
        }
        HospitalCommand::List => {
            for h in app.all_hospitals() {
                say(&format!(
                    "{}\t{}\t{}\t{}",
                    h.id,
                    h.jurisdiction,
                    h.zone,
                    h.name("en")
                ))?;
            }
            Ok(())
        }
    }
}

async fn machines(app: &App, what: MachineCommand) -> anyhow::Result<()> {
    let MachineCommand::Add {
        hospital,
        name,
        jwks,
        certificate,
    } = what;
    let text = |file: Option<PathBuf>| match file {
        Some(path) => std::fs::read_to_string(&path).with_context(|| path.display().to_string()),
        None => Ok(String::new()),
    };
    let new = NewMachine {
        name,
        jwks: text(jwks)?,
        certificate: text(certificate)?,
    };
    let hospital = HospitalId::new(&hospital).context("hospital")?;
    let added = app
        .register_machine_at(&app.operator_cx(), &hospital, new)
        .await;
    say(added.map_err(explained)?.as_str())
}

async fn users(app: &App, what: UserCommand) -> anyhow::Result<()> {
    match what {
        UserCommand::Add(new) => add_user(app, new).await,
        UserCommand::List { hospital } => {
            for p in app.people_at(&HospitalId::new(hospital)?, None).await? {
                let roles: Vec<&str> = p.roles.iter().map(|r| r.as_str()).collect();
                say(&format!("{}\t{}\t{}", p.account, p.name, roles.join(",")))?;
            }
            Ok(())
        }
    }
}

async fn add_user(app: &App, new: UserArgs) -> anyhow::Result<()> {
    let hospital = HospitalId::new(&new.hospital).context("hospital")?;
    let now = Validity::since(app.now());
    let mut membership = Membership::new(hospital.clone());
    membership.title = new.title;
    for word in parts(&new.roles) {
        let role = known_role(&word)?;
        if (role == Role::Operator) != hospital.is_network() {
            bail!("roles: an operator belongs to `network`, everybody else to a hospital");
        }
        membership.roles.push(RoleGrant { role, valid: now });
    }
    for word in parts(&new.privileges) {
        let privilege: Privilege = serde_json::from_value(word.as_str().into())
            .with_context(|| format!("privileges: {word:?} is no privilege"))?;
        membership.privileges.push(PrivilegeGrant {
            privilege,
            valid: now,
        });
    }
    if let Some(text) = &new.licence {
        let [number, issuer, country] = text.split('/').collect::<Vec<_>>()[..] else {
            bail!("licence: number/issuer/country is expected");
        };
        membership.licences.push(Licence {
            number: number.into(),
            issuer: issuer.into(),
            country: country.into(),
            valid: now,
        });
    }
    let language = Language::from_tag(&new.language).context("language: en or zh-CN")?;
    let zone = app
        .hospital(&hospital)
        .map_or_else(|| "UTC".to_owned(), |h| h.zone.clone());
    let (password, made) = password(new.password_stdin)?;
    let account = NewAccount {
        email: Some(new.login.clone()).filter(|l| l.contains('@')),
        login: new.login,
        name: new.name,
        latin_name: new.latin_name,
        language,
        zone,
        password: Phi::new(password.clone()),
        totp_secret: None,
        memberships: vec![membership],
        patients: Vec::new(),
    };
    let id = app.create_account(&app.operator_cx(), account).await;
    let id = id.map_err(explained)?;
    say(&format!("account {id}"))?;
    if made {
        say(&format!("password {password}"))?;
    }
    Ok(())
}

/// A problem with a field, named.
pub(super) fn explained(e: app::AppError) -> anyhow::Error {
    match e {
        app::AppError::Invalid(problems) => {
            let all: Vec<String> = problems
                .iter()
                .map(|p| format!("{}: {}", p.field, p.text))
                .collect();
            anyhow::anyhow!(all.join("; "))
        }
        e => e.into(),
    }
}

/// From standard input, or a new one of 20 letters; true when it was made.
fn password(from_stdin: bool) -> anyhow::Result<(String, bool)> {
    if from_stdin {
        if std::io::stdin().is_terminal() {
            bail!("the password is read from a pipe: printf … | karez admin user add …");
        }
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        return Ok((text.trim_end_matches(['\r', '\n']).to_owned(), false));
    }
    const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
    let mut random = [0u8; 20];
    SystemEntropy.fill(&mut random);
    let text = random
        .iter()
        .map(|b| char::from(LETTERS[usize::from(b & 31)]))
        .collect();
    Ok((text, true))
}

fn known_role(word: &str) -> anyhow::Result<Role> {
    config::role(word).with_context(|| format!("role: {word:?} is no role"))
}

pub(super) fn parts(text: &str) -> Vec<String> {
    text.split(',')
        .map(|p| p.trim().to_owned())
        .filter(|p| !p.is_empty())
        .collect()
}

pub(super) fn say(line: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout().lock(), "{line}")?;
    Ok(())
}
