//! Prefixes and ranges: what `gt2020` asks of a stored range (FHIR R4 §3.1.1.4.3 and §3.1.1.4.6).
//!
//! Every stored date is a half-open range `low <= t < high` in microseconds. A stored number is a point, or a closed
//! interval for a Range, with `low` and `high` inclusive; so is what is asked, widened by the digits that were given.

/// A comparison prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Prefix {
    Eq,
    Ne,
    Gt,
    Lt,
    Ge,
    Le,
    /// Starts after.
    Sa,
    /// Ends before.
    Eb,
    /// Approximately: overlaps with the widened range.
    Ap,
}

impl Prefix {
    /// Splits a prefix off; no prefix means `eq`.
    pub fn split(text: &str) -> (Self, &str) {
        let prefix = match text.get(..2) {
            Some("eq") => Self::Eq,
            Some("ne") => Self::Ne,
            Some("gt") => Self::Gt,
            Some("lt") => Self::Lt,
            Some("ge") => Self::Ge,
            Some("le") => Self::Le,
            Some("sa") => Self::Sa,
            Some("eb") => Self::Eb,
            Some("ap") => Self::Ap,
            _ => return (Self::Eq, text),
        };
        (prefix, &text[2..])
    }
}

/// A prefix with the range it speaks of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RangeTest<T> {
    pub prefix: Prefix,
    pub low: T,
    pub high: T,
}

/// Which end of the stored range is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Low,
    High,
}

/// How it is compared with the bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Lt,
    Le,
    Gt,
    Ge,
}

/// `stored.end op bound`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bound<T> {
    pub end: End,
    pub op: Op,
    pub to: T,
}

impl<T: Copy + PartialOrd> RangeTest<T> {
    /// The test as a disjunction of conjunctions over the stored ends: any inner list holds whole. This is what a
    /// store turns into its own language. It holds for half-open dates and for closed numbers alike, because the ends
    /// of both are compared with ends of the same kind; where a point is asked for, `touching` says whether equal ends
    /// meet.
    pub fn any_of(&self, kind: RangeKind) -> Vec<Vec<Bound<T>>> {
        use End::{High, Low};
        use Op::{Ge, Gt, Le, Lt};
        let b = |end, op, to| Bound { end, op, to };
        // Whether the end itself belongs to the range decides if ranges that share an end overlap.
        let (meets_above, meets_below) = match kind {
            RangeKind::HalfOpen => (Gt, Lt),
            RangeKind::Closed => (Ge, Le),
        };
        let (after, before) = match kind {
            RangeKind::HalfOpen => (Ge, Le),
            RangeKind::Closed => (Gt, Lt),
        };
        let within = vec![b(Low, Ge, self.low), b(High, Le, self.high)];
        match self.prefix {
            Prefix::Eq => vec![within],
            Prefix::Ne => vec![vec![b(Low, Lt, self.low)], vec![b(High, Gt, self.high)]],
            Prefix::Gt => vec![vec![b(High, Gt, self.high)]],
            Prefix::Lt => vec![vec![b(Low, Lt, self.low)]],
            Prefix::Ge => vec![vec![b(High, Gt, self.high)], within],
            Prefix::Le => vec![vec![b(Low, Lt, self.low)], within],
            Prefix::Sa => vec![vec![b(Low, after, self.high)]],
            Prefix::Eb => vec![vec![b(High, before, self.low)]],
            Prefix::Ap => vec![vec![
                b(High, meets_above, self.low),
                b(Low, meets_below, self.high),
            ]],
        }
    }

    /// Whether a stored range satisfies the test.
    pub fn holds(&self, kind: RangeKind, low: T, high: T) -> bool {
        self.any_of(kind)
            .iter()
            .any(|all| all.iter().all(|bound| bound.holds(low, high)))
    }
}

impl<T: Copy + PartialOrd> Bound<T> {
    fn holds(&self, low: T, high: T) -> bool {
        let end = match self.end {
            End::Low => low,
            End::High => high,
        };
        match self.op {
            Op::Lt => end < self.to,
            Op::Le => end <= self.to,
            Op::Gt => end > self.to,
            Op::Ge => end >= self.to,
        }
    }
}

/// Whether the upper end belongs to the stored range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RangeKind {
    /// Dates: `low <= t < high`.
    HalfOpen,
    /// Numbers and quantities: `low <= x <= high`.
    Closed,
}
