//! Parameters that shape the answer rather than filter it (FHIR R4 §3.1.1.5).

use kernel::limits::PAGE_SIZE_MAX;

use super::parse::QueryError;
use super::query::{Include, Query, Sort, SortKey, Summary, Total};
use crate::schema;
use crate::search::params::{self, ParamType};

/// Keys of one `_sort`.
const SORT_KEYS_MAX: usize = 4;

type Done = Result<(), QueryError>;

/// Takes the parameter if it is one of these.
pub(super) fn take(query: &mut Query, name: &str, value: &str) -> Option<Done> {
    let (code, modifier) = name
        .split_once(':')
        .map_or((name, None), |(c, m)| (c, Some(m)));
    let iterate = match (code, modifier) {
        ("_include" | "_revinclude", None) => false,
        ("_include" | "_revinclude", Some("iterate" | "recurse")) => true,
        (_, None) => false,
        _ => return None,
    };
    Some(match code {
        "_count" => count(query, value),
        "_sort" => sort(query, value),
        "_include" => {
            include(query.kind, name, value, iterate, false).map(|i| query.includes.push(i))
        }
        "_revinclude" => {
            include(query.kind, name, value, iterate, true).map(|i| query.revincludes.push(i))
        }
        "_total" => total(query, value),
        "_summary" => summary(query, value),
        "_elements" => {
            query.elements.extend(
                value
                    .split(',')
                    .map(str::trim)
                    .filter(|e| !e.is_empty())
                    .map(str::to_owned),
            );
            Ok(())
        }
        "_cursor" => {
            query.cursor = Some(value.to_owned());
            Ok(())
        }
        // Content negotiation: settled before the search is read.
        "_format" | "_pretty" => Ok(()),
        _ => return None,
    })
}

fn count(query: &mut Query, value: &str) -> Done {
    let asked: u32 = value
        .parse()
        .map_err(|_| QueryError::new("value", "_count", "a whole number from 0 is expected"))?;
    query.count = asked.min(PAGE_SIZE_MAX);
    Ok(())
}

fn sort(query: &mut Query, value: &str) -> Done {
    for key in value.split(',').map(str::trim) {
        let (descending, code) = key.strip_prefix('-').map_or((false, key), |k| (true, k));
        let by = match code {
            "_id" => SortKey::Id,
            "_lastUpdated" => SortKey::LastUpdated,
            _ => match params::find(query.kind, code) {
                Some(p) if !matches!(p.kind, ParamType::Composite | ParamType::Special) => {
                    SortKey::Param {
                        param: p.id,
                        kind: p.kind,
                    }
                }
                _ => {
                    return Err(QueryError::new(
                        "not-supported",
                        "_sort",
                        "cannot be sorted by this parameter",
                    ));
                }
            },
        };
        query.sort.push(Sort { by, descending });
    }
    if query.sort.len() > SORT_KEYS_MAX {
        let message = format!("more than {SORT_KEYS_MAX} sort keys");
        return Err(QueryError::new("too-costly", "_sort", message));
    }
    Ok(())
}

/// `[source]:[parameter](:[target])`; a source that is not the searched type needs `:iterate` or `_revinclude`.
fn include(
    kind: &'static str,
    name: &str,
    value: &str,
    iterate: bool,
    reverse: bool,
) -> Result<Include, QueryError> {
    let bad = |message: &str| QueryError::new("not-supported", name, message);
    let mut parts = value.split(':');
    let (Some(source), Some(code)) = (parts.next(), parts.next()) else {
        return Err(bad("Type:parameter is expected"));
    };
    let Some(source) = schema::resource_type(source) else {
        return Err(bad("the source is not a resource type"));
    };
    if !reverse && !iterate && source != kind {
        return Err(bad("the source is not the type that is searched"));
    }
    let Some(param) = params::find(source, code).filter(|p| p.kind == ParamType::Reference) else {
        return Err(bad("not a reference parameter of the source type"));
    };
    let target = match parts.next() {
        None | Some("") => None,
        Some(t) => {
            Some(schema::resource_type(t).ok_or_else(|| bad("the target is not a resource type"))?)
        }
    };
    if reverse && !iterate && !param.targets.is_empty() && !param.targets.contains(&kind) {
        return Err(bad(
            "the parameter does not point at the type that is searched",
        ));
    }
    Ok(Include {
        source,
        param: param.id,
        target,
        iterate,
    })
}

fn total(query: &mut Query, value: &str) -> Done {
    query.total = match value {
        "none" => Total::None,
        "estimate" => Total::Estimate,
        "accurate" => Total::Accurate,
        _ => {
            return Err(QueryError::new(
                "value",
                "_total",
                "none, estimate or accurate is expected",
            ));
        }
    };
    Ok(())
}

fn summary(query: &mut Query, value: &str) -> Done {
    query.summary = match value {
        "false" => Summary::False,
        "count" => Summary::Count,
        "data" => Summary::Data,
        "true" | "text" => {
            return Err(QueryError::new(
                "not-supported",
                "_summary",
                "only count, data and false are supported",
            ));
        }
        _ => {
            return Err(QueryError::new(
                "value",
                "_summary",
                "count, data or false is expected",
            ));
        }
    };
    Ok(())
}
