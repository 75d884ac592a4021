//! Calls from several connections at once, and what they took: time as the client sees it, and processor time of the server.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

use super::http::Client;
use super::percentile;

/// What one kind of call took.
pub struct Measured {
    pub name: String,
    /// What is counted: calls, or the resources in them.
    pub units: usize,
    pub wall: Duration,
    /// Shortest first.
    pub sorted: Vec<Duration>,
    /// Processor time of the server, where it is told.
    pub server: Option<Duration>,
}

impl Measured {
    /// A row of the table: what, how many a second, median, 99th percentile, processor time of the server for each.
    pub fn row(&self) -> String {
        let per_unit = self.server.map_or_else(
            || "-".to_owned(),
            |d| format!("{:.0} µs", d.as_secs_f64() * 1e6 / self.units.max(1) as f64),
        );
        format!(
            "| {} | {:.0} | {:.2} ms | {:.2} ms | {per_unit} |",
            self.name,
            self.units as f64 / self.wall.as_secs_f64().max(1e-9),
            percentile(&self.sorted, 50).as_secs_f64() * 1e3,
            percentile(&self.sorted, 99).as_secs_f64() * 1e3,
        )
    }
}

/// The head of the table.
pub const HEAD: &str =
    "| what | per second | p50 | p99 | server CPU each |\n| --- | ---: | ---: | ---: | ---: |";

/// Who is asked, by how many at once.
#[derive(Clone, Copy)]
pub struct Load<'a> {
    pub connect: &'a (dyn Fn() -> Result<Client> + Sync),
    pub connections: usize,
    /// Processor time of the server so far.
    pub cpu: &'a (dyn Fn() -> Option<Duration> + Sync),
}

impl Load<'_> {
    /// Makes `calls` calls, each counted as `units`; a call is told its number.
    pub fn run(
        &self,
        name: &str,
        calls: usize,
        units: usize,
        call: impl Fn(&mut Client, usize) -> Result<()> + Sync,
    ) -> Result<Measured> {
        let next = AtomicUsize::new(0);
        let cpu = (self.cpu)();
        let began = Instant::now();
        let parts: Vec<Result<Vec<Duration>>> = thread::scope(|s| {
            let threads: Vec<_> = (0..self.connections)
                .map(|_| {
                    s.spawn(|| {
                        let mut client = (self.connect)()?;
                        let mut done = Vec::with_capacity(calls / self.connections + 1);
                        loop {
                            let n = next.fetch_add(1, Ordering::Relaxed);
                            if n >= calls {
                                return Ok(done);
                            }
                            let began = Instant::now();
                            call(&mut client, n)?;
                            done.push(began.elapsed());
                        }
                    })
                })
                .collect();
            threads
                .into_iter()
                .map(|t| t.join().unwrap_or_else(|_| Err(anyhow!("a client ended"))))
                .collect()
        });
        let wall = began.elapsed();
        let server = (self.cpu)().zip(cpu).map(|(after, before)| after - before);
        let mut sorted = Vec::with_capacity(calls);
        for part in parts {
            sorted.extend(part?);
        }
        sorted.sort();
        Ok(Measured {
            name: name.to_owned(),
            units: calls * units,
            wall,
            sorted,
            server,
        })
    }
}
