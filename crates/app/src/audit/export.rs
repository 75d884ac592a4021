//! Exporting the audit: CSV for people and spreadsheets, NDJSON of AuditEvent for machines.

use agreements::SystemPurpose;
use store::AuditFilter;

use super::{AuditAsk, row};
use crate::{App, AppError, Cx};

/// Entries in one export; a longer one is asked for in parts by date.
pub const EXPORT_MAX: usize = 100_000;
const CHUNK: u32 = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    Csv,
    /// One FHIR AuditEvent a line (Bulk Data Access: application/fhir+ndjson).
    Ndjson,
}

impl ExportFormat {
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Ndjson => "application/fhir+ndjson",
        }
    }
}

impl App {
    /// The entries asked for, newest first, as one file. The export is itself an entry.
    pub async fn audit_export(
        &self,
        cx: &Cx,
        ask: &AuditAsk,
        format: ExportFormat,
    ) -> Result<Vec<u8>, AppError> {
        let hospital = self.may_audit(cx).await?;
        self.audit_looked(cx, &hospital, "audit.exported", ask)
            .await?;
        self.flush_reads().await?;
        let mut out = Vec::new();
        if format == ExportFormat::Csv {
            out.extend_from_slice(HEAD.as_bytes());
        }
        let mut before = ask.before;
        let mut count = 0;
        loop {
            let filter = AuditFilter {
                account: ask.account.clone(),
                patient: ask.patient.clone(),
                action: ask.action.clone(),
                from: ask.from,
                until: ask.until,
                before,
                limit: CHUNK,
            };
            let permit = self.system(SystemPurpose::Audit);
            let page = self.store.audit(&permit, &hospital, &filter).await?;
            for record in &page.records {
                match format {
                    ExportFormat::Csv => csv_line(&mut out, record),
                    ExportFormat::Ndjson => {
                        out.extend_from_slice(record.body.reveal());
                        out.push(b'\n');
                    }
                }
            }
            count += page.records.len();
            if count >= EXPORT_MAX && page.next.is_some() {
                return Err(AppError::TooMuch("audit entries in one export"));
            }
            match page.next {
                Some(next) => before = Some(next),
                None => return Ok(out),
            }
        }
    }
}

const HEAD: &str = "number,time,person,account,acting for,roles,action,denied,patient,subjects,ground,channel,hash\r\n";

fn csv_line(out: &mut Vec<u8>, record: &store::AuditRecord) {
    let r = row(record);
    let subjects: Vec<_> = r.subjects.iter().map(|(h, k)| format!("{h}/{k}")).collect();
    let hash: String = record.hash.iter().map(|b| format!("{b:02x}")).collect();
    let fields = [
        r.number.to_string(),
        r.at.to_string(),
        r.name,
        r.account.map(|a| a.to_string()).unwrap_or_default(),
        r.hospital.unwrap_or_default(),
        r.roles.join(" "),
        r.action,
        if r.denied { "yes" } else { "no" }.to_owned(),
        r.patient.map(|p| p.to_string()).unwrap_or_default(),
        subjects.join(" "),
        r.ground.unwrap_or_default(),
        r.channel,
        hash,
    ];
    let line: Vec<_> = fields.iter().map(|f| quoted(f)).collect();
    out.extend_from_slice(line.join(",").as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// RFC 4180 §2, and a leading apostrophe where a spreadsheet would take the text for a formula.
fn quoted(field: &str) -> String {
    let guarded = if field.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{field}")
    } else {
        field.to_owned()
    };
    if guarded.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", guarded.replace('"', "\"\""))
    } else {
        guarded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_cannot_break_out_of_its_cell() {
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(quoted("=HYPERLINK(1)"), "'=HYPERLINK(1)");
    }
}
