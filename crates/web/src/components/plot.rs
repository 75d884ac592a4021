//! Plots drawn by the server as SVG, each with its numbers as a table under it.

use maud::{Markup, html};

use crate::words::Words;

/// A line over time: labels of the horizontal axis with their values.
#[derive(Debug, Clone)]
pub struct Series {
    pub title: String,
    pub unit: String,
    /// (label, value), in order.
    pub points: Vec<(String, f64)>,
    /// Reference interval, drawn as a band.
    pub normal: Option<(f64, f64)>,
}

const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 96.0;
const EDGE: f64 = 6.0;

impl Series {
    fn bounds(&self) -> (f64, f64) {
        let values = self
            .points
            .iter()
            .map(|(_, v)| *v)
            .chain(self.normal.into_iter().flat_map(|(a, b)| [a, b]));
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| {
            (l.min(v), h.max(v))
        });
        if low.is_finite() && high > low {
            (low, high)
        } else {
            (low.min(0.0), low.max(0.0) + 1.0)
        }
    }

    fn place(&self, width: f64, height: f64) -> Vec<(f64, f64)> {
        let (low, high) = self.bounds();
        let step = (width - 2.0 * EDGE) / (self.points.len().max(2) - 1) as f64;
        self.points
            .iter()
            .enumerate()
            .map(|(i, (_, v))| {
                (
                    EDGE + step * i as f64,
                    height - EDGE - (v - low) / (high - low) * (height - 2.0 * EDGE),
                )
            })
            .collect()
    }

    /// The plot with its table folded under it.
    pub fn plot(&self, w: &Words) -> Markup {
        let at = self.place(WIDTH, HEIGHT);
        let (low, high) = self.bounds();
        let y = |v: f64| HEIGHT - EDGE - (v - low) / (high - low) * (HEIGHT - 2.0 * EDGE);
        html! {
            figure class="plot" {
                figcaption { b { (self.title) } " " span class="soft small" { (self.unit) } }
                svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(self.title) {
                    @if let Some((from, to)) = self.normal {
                        rect class="band" x="0" width=(WIDTH) y=(format!("{:.1}", y(to))) height=(format!("{:.1}", y(from) - y(to))) {}
                    }
                    path d=(path(&at)) {}
                    @for (x, y) in &at { circle cx=(format!("{x:.1}")) cy=(format!("{y:.1}")) r="2.5" {} }
                }
                details {
                    summary class="small" { (w.t("plot-numbers")) }
                    table class="list" { tbody { @for (label, value) in &self.points {
                        tr { th scope="row" { (label) } td class="num" { (trimmed(*value)) } }
                    } } }
                }
            }
        }
    }

    /// A word-sized line beside a number.
    pub fn spark(&self) -> Markup {
        html! {
            svg class="spark" viewBox="0 0 72 20" role="img" aria-label=(self.title) {
                path d=(path(&self.place(72.0, 20.0))) {}
            }
        }
    }
}

fn path(at: &[(f64, f64)]) -> String {
    at.iter()
        .enumerate()
        .map(|(i, (x, y))| format!("{}{x:.1} {y:.1}", if i == 0 { 'M' } else { 'L' }))
        .collect()
}

fn trimmed(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_or_flat_series_still_draws() {
        let mut s = Series {
            title: "Hb".into(),
            unit: "g/L".into(),
            points: vec![("a".into(), 121.0)],
            normal: None,
        };
        assert!(path(&s.place(WIDTH, HEIGHT)).starts_with('M'));
        s.points.push(("b".into(), 121.0));
        assert!(!path(&s.place(WIDTH, HEIGHT)).contains("NaN"));
        assert_eq!(trimmed(1.10), "1.1");
    }
}
