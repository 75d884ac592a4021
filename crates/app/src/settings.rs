//! What the application is told at start. The binary reads and documents the keys.

/// Settings of the use cases.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Address under which browsers and partners reach this node, without a trailing slash.
    pub base_url: String,
    /// Where mail goes; none: notices stay in the page.
    pub smtp: Option<Smtp>,
    /// Cookies carry `Secure` (off only for plain HTTP on loopback).
    pub secure_cookies: bool,
    /// Roles that may be used only with a second factor.
    pub second_factor_for: Vec<agreements::Role>,
    /// Hospitals may name addresses of private networks for their sign-in provider and webhooks.
    pub outbound_private: bool,
    /// Who stamps the time of signatures; none: the hospital's clock alone states it.
    pub time_stamp: Option<TimeStamping>,
    /// Where packs for when the system is down are written; none: only on demand.
    pub downtime: Option<Downtime>,
}

/// Packs written without being asked. They hold patients' data in the clear.
#[derive(Debug, Clone)]
pub struct Downtime {
    pub folder: std::path::PathBuf,
    pub every: std::time::Duration,
}

/// A time-stamping authority (RFC 3161).
#[derive(Debug, Clone)]
pub struct TimeStamping {
    /// Where requests go, by HTTP.
    pub url: String,
    /// Certificates (DER) that its own must lead to; empty: any authority's token is taken.
    pub roots: Vec<Vec<u8>>,
    /// How long signing waits for it.
    pub timeout: std::time::Duration,
}

/// An SMTP relay.
#[derive(Debug, Clone)]
pub struct Smtp {
    pub host: String,
    pub port: u16,
    pub username: Option<String>,
    pub password: Option<kernel::Phi<String>>,
    pub from: String,
    pub starttls: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            base_url: "http://127.0.0.1:8080".into(),
            smtp: None,
            secure_cookies: false,
            second_factor_for: vec![
                agreements::Role::Consultant,
                agreements::Role::Administrator,
                agreements::Role::Operator,
            ],
            time_stamp: None,
            downtime: None,
            outbound_private: false,
        }
    }
}
