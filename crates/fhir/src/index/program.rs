//! The parameters of a type, compiled once.

use std::collections::HashMap;
use std::sync::{OnceLock, RwLock};

use crate::path::{Plan, compile};
use crate::search::params::{self, Param, ParamId, ParamType};

/// What extracting the index of one type takes.
pub(super) struct Program {
    pub plain: Vec<Plain>,
    pub composites: Vec<Composite>,
}

pub(super) struct Plain {
    pub param: ParamId,
    pub kind: ParamType,
    pub plan: Plan,
}

/// A composite parameter whose parts repeat together.
pub(super) struct Composite {
    pub param: ParamId,
    pub contexts: Vec<Context>,
}

/// One kind of element a composite stands on, with the plan of each part from there.
pub(super) struct Context {
    pub plan: Plan,
    pub parts: Vec<(ParamType, Plan)>,
}

/// The program of a type, compiled when it is first asked for.
pub(super) fn of(kind: &'static str) -> &'static Program {
    static PROGRAMS: OnceLock<RwLock<HashMap<&'static str, &'static Program>>> = OnceLock::new();
    let programs = PROGRAMS.get_or_init(RwLock::default);
    if let Some(p) = programs
        .read()
        .ok()
        .and_then(|known| known.get(kind).copied())
    {
        return p;
    }
    // One for each of the R4 types at most, kept for as long as the program runs.
    let built: &'static Program = Box::leak(Box::new(build(kind)));
    if let Ok(mut known) = programs.write() {
        return known.entry(kind).or_insert(built);
    }
    built
}

/// Whether every part of a composite stands on the resource itself. Its parts then have entries of their own already,
/// and a search asks for those.
pub(crate) fn stands_on_resource(kind: &str, param: &Param) -> bool {
    param.expression.trim() == kind
}

fn build(kind: &'static str) -> Program {
    let mut program = Program {
        plain: Vec::new(),
        composites: Vec::new(),
    };
    for p in params::of_type(kind) {
        match p.kind {
            // Kept by the store as columns of the record.
            _ if matches!(p.code, "_id" | "_lastUpdated") => {}
            ParamType::Special => {}
            ParamType::Composite if stands_on_resource(kind, p) => {}
            ParamType::Composite => program.composites.push(composite(kind, p)),
            _ => {
                let plan = compile(p.expression, kind, kind).unwrap_or_default();
                program.plain.push(Plain {
                    param: p.id,
                    kind: p.kind,
                    plan,
                });
            }
        }
    }
    program
}

fn composite(kind: &'static str, param: &'static Param) -> Composite {
    let whole = compile(param.expression, kind, kind).unwrap_or_default();
    let contexts = whole
        .routes
        .into_iter()
        .map(|route| {
            let parts = param
                .components
                .iter()
                .map(|c| {
                    let of =
                        params::find(kind, c.param.code()).map_or(ParamType::Special, |p| p.kind);
                    (
                        of,
                        compile(c.expression, kind, route.of).unwrap_or_default(),
                    )
                })
                .collect();
            Context {
                plan: Plan {
                    routes: vec![route],
                },
                parts,
            }
        })
        .collect();
    Composite {
        param: param.id,
        contexts,
    }
}
