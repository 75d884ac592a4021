//! Calls from several connections at once, and what they took: time as the client sees it, and processor time of the server.

use std::collections::VecDeque;
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
    /// Units a second.
    pub fn rate(&self) -> f64 {
        self.units as f64 / self.wall.as_secs_f64().max(1e-9)
    }

    /// Processor time of the server for one unit, in microseconds.
    pub fn server_us(&self) -> Option<f64> {
        let server = self.server?.as_secs_f64();
        Some(server * 1e6 / self.units.max(1) as f64)
    }

    /// Milliseconds that half of the calls did not pass, and that 99 of 100 did not.
    pub fn p50_p99_ms(&self) -> (f64, f64) {
        let ms = |percent| percentile(&self.sorted, percent).as_secs_f64() * 1e3;
        (ms(50), ms(99))
    }

    /// A row of the table: what, how many a second, median, 99th percentile, processor time of the server for each.
    pub fn row(&self) -> String {
        let per_unit = self
            .server_us()
            .map_or_else(|| "-".to_owned(), |us| format!("{us:.0} µs"));
        let (p50, p99) = self.p50_p99_ms();
        format!(
            "| {} | {:.0} | {p50:.2} ms | {p99:.2} ms | {per_unit} |",
            self.name,
            self.rate(),
        )
    }
}

/// The head of the table.
pub const HEAD: &str =
    "| what | per second | p50 | p99 | server CPU each |\n| --- | ---: | ---: | ---: | ---: |";

/// Who is asked, by how many at once.
pub struct Load<'a, C = Client> {
    pub connect: &'a (dyn Fn() -> Result<C> + Sync),
    pub connections: usize,
    /// Processor time of the server so far.
    pub cpu: &'a (dyn Fn() -> Option<Duration> + Sync),
}

impl<C> Clone for Load<'_, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for Load<'_, C> {}

impl<C> Load<'_, C> {
    /// Makes `calls` calls, each counted as `units`; a call is told its number.
    pub fn run(
        &self,
        name: &str,
        calls: usize,
        units: usize,
        call: impl Fn(&mut C, usize) -> Result<()> + Sync,
    ) -> Result<Measured> {
        self.run_while(name, &|n, _| n < calls, units, call)
    }

    /// As [`Self::run`], the same number of calls on each connection.
    pub fn run_each(
        &self,
        name: &str,
        calls: usize,
        units: usize,
        call: impl Fn(&mut C, usize) -> Result<()> + Sync,
    ) -> Result<Measured> {
        self.run_while(name, &|_, mine| mine < calls, units, call)
    }

    fn run_while(
        &self,
        name: &str,
        // By the number of calls that were begun, and of those this connection has made.
        goes_on: &(dyn Fn(usize, usize) -> bool + Sync),
        units: usize,
        call: impl Fn(&mut C, usize) -> Result<()> + Sync,
    ) -> Result<Measured> {
        let next = AtomicUsize::new(0);
        self.threads(name, self.connections, units, &|| {
            let mut client = (self.connect)()?;
            let mut done = Vec::new();
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if !goes_on(n, done.len()) {
                    return Ok(done);
                }
                let began = Instant::now();
                call(&mut client, n)?;
                done.push(began.elapsed());
            }
        })
    }

    /// As many calls as begin within a time. Each of a few threads has several of the connections, asks on all of them and takes
    /// the answers in turn: an answer that is there already wakes nobody, which would be time taken from the server on
    /// the same processors.
    pub fn in_turn(
        &self,
        name: &str,
        time: Duration,
        threads: usize,
        ask: impl Fn(&mut C, usize) -> Result<()> + Sync,
        answer: impl Fn(&mut C) -> Result<()> + Sync,
    ) -> Result<Measured> {
        let (next, began) = (AtomicUsize::new(0), Instant::now());
        let ask = |client: &mut C| {
            ask(client, next.fetch_add(1, Ordering::Relaxed))?;
            anyhow::Ok(Instant::now())
        };
        self.threads(name, threads, 1, &|| {
            let mut waiting = VecDeque::new();
            for _ in 0..self.connections / threads {
                let mut client = (self.connect)()?;
                let asked = ask(&mut client)?;
                waiting.push_back((client, asked));
            }
            let mut done = Vec::new();
            while let Some((mut client, asked)) = waiting.pop_front() {
                answer(&mut client)?;
                done.push(asked.elapsed());
                if began.elapsed() < time {
                    let asked = ask(&mut client)?;
                    waiting.push_back((client, asked));
                }
            }
            Ok(done)
        })
    }

    /// Runs the same on several threads, which give the times of their calls.
    fn threads(
        &self,
        name: &str,
        threads: usize,
        units: usize,
        body: &(dyn Fn() -> Result<Vec<Duration>> + Sync),
    ) -> Result<Measured> {
        let cpu = (self.cpu)();
        let began = Instant::now();
        let parts: Vec<Result<Vec<Duration>>> = thread::scope(|s| {
            let threads: Vec<_> = (0..threads).map(|_| s.spawn(body)).collect();
            threads
                .into_iter()
                .map(|t| t.join().unwrap_or_else(|_| Err(anyhow!("a client ended"))))
                .collect()
        });
        let wall = began.elapsed();
        let server = (self.cpu)().zip(cpu).map(|(after, before)| after - before);
        let mut sorted = Vec::new();
        for part in parts {
            sorted.extend(part?);
        }
        sorted.sort();
        Ok(Measured {
            name: name.to_owned(),
            units: sorted.len() * units,
            wall,
            sorted,
            server,
        })
    }
}
