//! Every route of the protocols, as data: what the access test walks.

/// Who gets an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody: nothing in the answer belongs to a person or a record.
    Public,
    /// Checks credentials of its own in the body (`/oauth/token`).
    Own,
    /// The machine itself, or a bearer token of the operator.
    Operator,
    /// A bearer token, or the session of our own pages for safe requests.
    Bearer,
}

/// One route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GatewayRoute {
    pub method: &'static str,
    pub path: &'static str,
    pub access: Access,
}

pub(crate) const fn route(
    method: &'static str,
    path: &'static str,
    access: Access,
) -> GatewayRoute {
    GatewayRoute {
        method,
        path,
        access,
    }
}

/// The routes of this crate apart from FHIR (those are [`crate::fhir::ROUTES`]).
pub const ROUTES: &[GatewayRoute] = &[
    route("GET", "/healthz", Access::Public),
    route("GET", "/readyz", Access::Public),
    route("GET", "/metrics", Access::Operator),
    route("GET", "/keys/{hospital}", Access::Public),
    route("POST", "/oauth/token", Access::Own),
];
