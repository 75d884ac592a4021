//! Requests that leave this node at a hospital's wish: to its sign-in provider, to its webhooks. Whoever sets an address
//! must not reach through us what only we can reach (server-side request forgery): private addresses are refused,
//! by number and after the name was resolved, unless the operator allows them.

mod address;

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::future::BoxFuture;
use openidconnect::{AsyncHttpClient, http};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

pub use address::is_public;

/// How long one request may take, from name to last byte.
const TIMEOUT: Duration = Duration::from_secs(10);
/// An answer longer than this is not read to its end, bytes.
const ANSWER_BYTES_MAX: usize = 512 * 1024;

/// Why nothing came of a request. The texts name no address and nothing of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    #[error("the address must begin with https://")]
    Scheme,
    #[error("the address carries a name and password, a fragment, or no host")]
    Form,
    #[error("the address is private, and the operator does not allow private ones")]
    Private,
    #[error("no answer in time")]
    Timeout,
    #[error("not reachable, or its certificate is not trusted")]
    Unreachable,
    #[error("the answer is too long")]
    TooLong,
}

/// The one client for such requests. Follows no redirects, knows no proxy, keeps no cookies.
#[derive(Clone)]
pub struct Outbound {
    private: bool,
    client: Arc<OnceLock<Option<reqwest::Client>>>,
}

impl Outbound {
    /// `private`: the operator allows addresses of private networks, and plain HTTP to them.
    pub fn new(private: bool) -> Self {
        Self {
            private,
            client: Arc::default(),
        }
    }

    /// Whether an address may be asked at all, before its name is resolved.
    pub fn check(&self, url: &Url) -> Result<(), OutboundError> {
        match url.scheme() {
            "https" => {}
            "http" if self.private => {}
            _ => return Err(OutboundError::Scheme),
        }
        let plain = url.username().is_empty() && url.password().is_none();
        if !plain || url.fragment().is_some() {
            return Err(OutboundError::Form);
        }
        let public = match url.host().ok_or(OutboundError::Form)? {
            Host::Ipv4(ip) => is_public(ip.into()),
            Host::Ipv6(ip) => is_public(ip.into()),
            // Decided once it is resolved.
            Host::Domain(_) => true,
        };
        if public || self.private {
            Ok(())
        } else {
            Err(OutboundError::Private)
        }
    }

    fn client(&self) -> Result<&reqwest::Client, OutboundError> {
        let build = || {
            reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .timeout(TIMEOUT)
                .dns_resolver(Arc::new(Guarded {
                    private: self.private,
                }))
                .user_agent(concat!("Karez/", env!("CARGO_PKG_VERSION")))
                .build()
                .inspect_err(
                    |error| tracing::error!(%error, "no client for requests that leave the node"),
                )
                .ok()
        };
        self.client
            .get_or_init(build)
            .as_ref()
            .ok_or(OutboundError::Unreachable)
    }

    /// Sends a request and reads its answer within the bounds.
    pub async fn send(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> Result<http::Response<Vec<u8>>, OutboundError> {
        let request = reqwest::Request::try_from(request).map_err(|_| OutboundError::Form)?;
        self.check(request.url())?;
        let mut answer = self
            .client()?
            .execute(request)
            .await
            .map_err(|e| failure(&e))?;
        let mut out = http::Response::new(Vec::new());
        *out.status_mut() = answer.status();
        *out.headers_mut() = answer.headers().clone();
        while let Some(part) = answer.chunk().await.map_err(|e| failure(&e))? {
            if out.body().len() + part.len() > ANSWER_BYTES_MAX {
                return Err(OutboundError::TooLong);
            }
            out.body_mut().extend_from_slice(&part);
        }
        Ok(out)
    }
}

impl<'c> AsyncHttpClient<'c> for Outbound {
    type Error = OutboundError;
    type Future = BoxFuture<'c, Result<http::Response<Vec<u8>>, OutboundError>>;

    fn call(&'c self, request: http::Request<Vec<u8>>) -> Self::Future {
        Box::pin(self.send(request))
    }
}

fn failure(error: &reqwest::Error) -> OutboundError {
    if error.is_timeout() {
        return OutboundError::Timeout;
    }
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if inner.downcast_ref::<OnlyPrivate>().is_some() {
            return OutboundError::Private;
        }
        source = inner.source();
    }
    OutboundError::Unreachable
}

#[derive(Debug, thiserror::Error)]
#[error("every address of the name is private")]
struct OnlyPrivate;

/// Resolves names and leaves out what may not be reached; the connection goes to what is left, so that a name cannot
/// answer differently a moment later.
struct Guarded {
    private: bool,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let private = self.private;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|a| private || is_public(a.ip())).collect();
            if allowed.is_empty() {
                return Err(OnlyPrivate.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(private: bool, url: &str) -> Result<(), OutboundError> {
        Outbound::new(private).check(&Url::parse(url).unwrap())
    }

    #[test]
    fn only_public_addresses_by_https_unless_the_operator_allows_more() {
        assert_eq!(check(false, "https://id.example/x?y=1"), Ok(()));
        assert_eq!(
            check(false, "http://id.example"),
            Err(OutboundError::Scheme)
        );
        assert_eq!(
            check(false, "file:///etc/passwd"),
            Err(OutboundError::Scheme)
        );
        assert_eq!(
            check(false, "https://a:b@id.example"),
            Err(OutboundError::Form)
        );
        for private in [
            "https://127.0.0.1",
            "https://10.1.2.3:8443/x",
            "https://[::1]/",
            "https://[::ffff:192.168.0.1]/",
            "https://169.254.169.254/latest/meta-data",
            "https://2130706433/",
            "https://0x7f.1/",
        ] {
            assert_eq!(
                check(false, private),
                Err(OutboundError::Private),
                "{private}"
            );
            assert_eq!(check(true, private), Ok(()), "{private}");
        }
        assert_eq!(check(true, "http://127.0.0.1:9000"), Ok(()));
    }
}
