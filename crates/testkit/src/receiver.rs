//! A receiver of webhooks on a free port: keeps what it was sent and answers as it is told.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;

/// One message as it came.
#[derive(Debug, Clone)]
pub struct Received {
    pub id: String,
    pub timestamp: String,
    pub signature: String,
    pub body: Vec<u8>,
}

#[derive(Default)]
struct Inner {
    received: Vec<Received>,
    status: u16,
    slow: bool,
}

/// A running receiver. It ends when this is dropped.
pub struct Receiver {
    pub url: String,
    inner: Arc<Mutex<Inner>>,
    server: tokio::task::JoinHandle<()>,
}

fn lock(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Receiver {
    #[allow(clippy::expect_used)] // a test without a receiver has nothing to test
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("an address");
        let inner = Arc::new(Mutex::new(Inner {
            status: 204,
            ..Inner::default()
        }));
        let router = Router::new()
            .route("/hook", post(take))
            .with_state(Arc::clone(&inner));
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Self {
            url: format!("http://{address}/hook"),
            inner,
            server,
        }
    }

    /// What it answers from now on.
    pub fn answers(&self, status: u16) {
        lock(&self.inner).status = status;
    }

    /// Never answers from now on, or answers again.
    pub fn is_slow(&self, slow: bool) {
        lock(&self.inner).slow = slow;
    }

    /// How much was received and not taken out.
    pub fn waiting(&self) -> usize {
        lock(&self.inner).received.len()
    }

    /// Everything received so far, taken out.
    pub fn received(&self) -> Vec<Received> {
        std::mem::take(&mut lock(&self.inner).received)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn take(
    State(inner): State<Arc<Mutex<Inner>>>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    };
    let (status, slow) = {
        let mut inner = lock(&inner);
        inner.received.push(Received {
            id: text("webhook-id"),
            timestamp: text("webhook-timestamp"),
            signature: text("webhook-signature"),
            body: body.to_vec(),
        });
        (inner.status, inner.slow)
    };
    if slow {
        std::future::pending::<()>().await;
    }
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
