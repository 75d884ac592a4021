//! Measurements for `/metrics`: requests by route template, never by address.

use std::time::Instant;

use anyhow::Context;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use gateway::Scrape;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};

use super::around::{Route, template};

const DURATION: &str = "karez_http_request_duration_seconds";
const COUNT: &str = "karez_http_requests_total";
const MEMORY: &str = "karez_resident_memory_bytes";
/// Seconds; from a cached page to a large bundle.
const BUCKETS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

/// Starts to measure in this process and returns what renders the numbers.
pub fn install() -> anyhow::Result<Scrape> {
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), BUCKETS)?
        .build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).context("metrics")?;
    metrics::describe_histogram!(DURATION, "Time until an answer began, by route");
    metrics::describe_counter!(COUNT, "Requests answered, by route and status");
    metrics::describe_gauge!(MEMORY, "Resident memory of the process");
    Ok(Scrape::new(move || {
        handle.run_upkeep();
        if let Some(bytes) = resident_bytes() {
            metrics::gauge!(MEMORY).set(bytes);
        }
        handle.render()
    }))
}

/// Counts and times each request by the template of its route.
pub async fn measure(request: Request, next: Next) -> Response {
    let route = template(&request);
    let method = request.method().as_str().to_owned();
    let started = Instant::now();
    let mut answer = next.run(request).await;
    let status = answer.status().as_u16().to_string();
    metrics::counter!(COUNT, "route" => route.clone(), "method" => method, "status" => status)
        .increment(1);
    metrics::histogram!(DURATION, "route" => route.clone()).record(started.elapsed().as_secs_f64());
    answer.extensions_mut().insert(Route(route));
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
