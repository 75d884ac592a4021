//! Measurements for `/metrics`: requests by route template, never by address.

use std::collections::HashMap;
use std::sync::{LazyLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use anyhow::Context;
use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use gateway::Scrape;
use metrics::{Counter, Histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};

use super::around::Route;

const DURATION: &str = "karez_http_request_duration_seconds";
const COUNT: &str = "karez_http_requests_total";
const MEMORY: &str = "karez_resident_memory_bytes";
/// What is measured is put into its buckets this often: until then each measurement takes memory.
const UPKEEP: Duration = Duration::from_secs(5);
/// Writes in one commit.
const TOGETHER: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];
/// Seconds; from one record to a large bundle.
const BUCKETS: &[f64] = &[
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0, 30.0,
];

/// Starts to measure in this process and returns what renders the numbers.
pub fn install() -> anyhow::Result<Scrape> {
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), BUCKETS)?
        .set_buckets_for_metric(Matcher::Full("karez_store_commit_writes".into()), TOGETHER)?
        .build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).context("metrics")?;
    metrics::describe_histogram!(DURATION, "Time until an answer began, by route");
    metrics::describe_counter!(COUNT, "Requests answered, by route and status");
    metrics::describe_gauge!(MEMORY, "Resident memory of the process");
    metrics::describe_histogram!(
        "karez_store_write_wait_seconds",
        "Time a write waited for the one writer"
    );
    metrics::describe_histogram!(
        "karez_store_commit_seconds",
        "Time a commit took until it was on disk"
    );
    metrics::describe_histogram!("karez_store_commit_writes", "Writes that one commit held");
    let upkeep = handle.clone();
    tokio::spawn(async move {
        let mut turn = tokio::time::interval(UPKEEP);
        loop {
            turn.tick().await;
            upkeep.run_upkeep();
        }
    });
    Ok(Scrape::new(move || {
        handle.run_upkeep();
        if let Some(bytes) = resident_bytes() {
            metrics::gauge!(MEMORY).set(bytes);
        }
        handle.render()
    }))
}

/// What counts and times the requests of one route that ended alike.
type Meters = (Counter, Histogram);
type OfRoute = HashMap<(Method, u16), Meters>;

/// The meters by route: found once, not by their labels at each request.
static METERS: LazyLock<RwLock<HashMap<String, OfRoute>>> = LazyLock::new(RwLock::default);

fn meters(route: &str, method: &Method, status: u16) -> Meters {
    let ended = (method.clone(), status);
    {
        let known = METERS.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(meters) = known.get(route).and_then(|r| r.get(&ended)) {
            return meters.clone();
        }
    }
    let labels = route.to_owned();
    let counter = metrics::counter!(COUNT, "route" => labels.clone(),
        "method" => method.as_str().to_owned(), "status" => status.to_string());
    let made = (
        counter,
        metrics::histogram!(DURATION, "route" => labels.clone()),
    );
    let mut known = METERS.write().unwrap_or_else(PoisonError::into_inner);
    known.entry(labels).or_default().insert(ended, made.clone());
    made
}

/// Counts and times each request by the template of its route.
pub async fn measure(request: Request, next: Next) -> Response {
    let route = Route(request.extensions().get::<MatchedPath>().cloned());
    let method = request.method().clone();
    let started = Instant::now();
    let mut answer = next.run(request).await;
    let (counter, histogram) = meters(route.as_str(), &method, answer.status().as_u16());
    counter.increment(1);
    histogram.record(started.elapsed());
    answer.extensions_mut().insert(route);
    answer
}

/// Resident set size; none where the system does not tell.
#[allow(clippy::cast_precision_loss)] // memory is below 2^52 bytes
fn resident_bytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some((kib * 1024) as f64)
}
