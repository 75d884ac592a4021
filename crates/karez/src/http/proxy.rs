//! The true peer behind a reverse proxy that the operator trusts.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;

/// Replaces the peer's address by the last one in `X-Forwarded-For` that is not a trusted proxy itself.
pub async fn peer(
    State(trusted): State<Arc<[IpAddr]>>,
    mut request: Request,
    next: Next,
) -> Response {
    let direct = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map(|c| c.0);
    if let Some(direct) = direct
        && trusted.contains(&direct.ip())
    {
        let forwarded = request
            .headers()
            .get_all("x-forwarded-for")
            .iter()
            .filter_map(|v| v.to_str().ok())
            .collect::<Vec<_>>()
            .join(",");
        if let Some(ip) = true_peer(&forwarded, &trusted) {
            request
                .extensions_mut()
                .insert(ConnectInfo(SocketAddr::new(ip, direct.port())));
        }
    }
    next.run(request).await
}

fn true_peer(forwarded: &str, trusted: &[IpAddr]) -> Option<IpAddr> {
    forwarded
        .split(',')
        .rev()
        .filter_map(|part| part.trim().parse().ok())
        .find(|ip| !trusted.contains(ip))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_trusted_proxies_added_is_believed() {
        let proxy: IpAddr = "10.0.0.1".parse().unwrap();
        // The client wrote the first part itself.
        let ip = true_peer("1.2.3.4, 203.0.113.9, 10.0.0.1", &[proxy]);
        assert_eq!(ip, "203.0.113.9".parse().ok());
        assert_eq!(true_peer("", &[proxy]), None);
    }
}
