//! The sizes of a study's images, each with one that shows it: parts to blank are drawn on that.

use std::collections::BTreeMap;

use kernel::RecordKey;

use crate::imaging::InstanceLine;
use crate::{App, AppError, Cx};

/// Images of one size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SizeLine {
    pub columns: u32,
    pub rows: u32,
    pub images: u32,
    /// Study, series and instance of one of them.
    pub shown: [String; 3],
}

impl App {
    /// The sizes of the images of one of the own hospital's studies, the commonest first.
    pub async fn image_sizes(&self, cx: &Cx, study: &RecordKey) -> Result<Vec<SizeLine>, AppError> {
        let lines = self.copy_lines(cx, study).await?;
        let mut by_size: BTreeMap<(u32, u32), Vec<&InstanceLine>> = BTreeMap::new();
        for line in &lines {
            if let (Some(columns), Some(rows)) = (line.columns, line.rows) {
                by_size.entry((columns, rows)).or_default().push(line);
            }
        }
        let mut sizes: Vec<SizeLine> = by_size
            .into_iter()
            .filter_map(|((columns, rows), all)| {
                // One from the middle shows more than the edge of a stack.
                let shown = all.get(all.len() / 2)?;
                Some(SizeLine {
                    columns,
                    rows,
                    images: u32::try_from(all.len()).unwrap_or(u32::MAX),
                    shown: [&shown.study_uid, &shown.series_uid, &shown.uid].map(Clone::clone),
                })
            })
            .collect();
        sizes.sort_by_key(|s| std::cmp::Reverse(s.images));
        Ok(sizes)
    }
}
