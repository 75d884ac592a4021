//! The parameters of a type, compiled once.

use std::collections::HashMap;
use std::sync::{OnceLock, RwLock};

use crate::path::{Plan, compile};
use crate::schema;
use crate::search::params::{self, Param, ParamId, ParamType};

/// What extracting the index of one type takes.
pub(super) struct Program {
    pub plain: Vec<Plain>,
    pub composites: Vec<Composite>,
    /// Parameters that only repeat others, which are named.
    repeats: HashMap<ParamId, Vec<ParamId>>,
    /// Composites that stand on the resource among other places: the parameters that hold their parts there.
    on_resource: HashMap<ParamId, Vec<ParamId>>,
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

/// The parameters of the type that together hold every entry of this one, when it only repeats them (`combo-code` is
/// `code` and `component-code`): it has no entries of its own then, and a search asks for theirs. Empty otherwise.
pub fn repeated(kind: &str, param: ParamId) -> &'static [ParamId] {
    let known = schema::resource_type(kind).map(of);
    known
        .and_then(|p| p.repeats.get(&param))
        .map_or(&[], Vec::as_slice)
}

/// The parameters that hold the parts of a composite where it stands on the resource itself, when it stands on other
/// elements as well. Empty otherwise.
pub(crate) fn parts_on_resource(kind: &'static str, param: ParamId) -> &'static [ParamId] {
    of(kind).on_resource.get(&param).map_or(&[], Vec::as_slice)
}

/// Whether this parameter names the one patient that a resource of the type may be about: `patient`, or `subject` where
/// `patient` is just that. Never where the type may have several patients.
pub fn names_the_patient(kind: &str, param: ParamId) -> bool {
    let Some(program) = schema::resource_type(kind).map(of) else {
        return false;
    };
    let route = |wanted: &dyn Fn(&Plain) -> bool| {
        let found = program.plain.iter().find(|p| wanted(p))?;
        match found.plan.routes.as_slice() {
            [one] if !one.many => Some(one),
            _ => None,
        }
    };
    let patient = route(&|p| p.param.code() == "patient");
    let this = route(&|p| p.param == param && p.kind == ParamType::Reference);
    let (Some(patient), Some(this)) = (patient, this) else {
        return false;
    };
    patient == this || *patient == this.only_to("Patient")
}

fn build(kind: &'static str) -> Program {
    let mut plain = Vec::new();
    for p in params::of_type(kind) {
        // The first two are kept by the store as columns of the record.
        let kept = !matches!(p.code, "_id" | "_lastUpdated")
            && !matches!(p.kind, ParamType::Special | ParamType::Composite);
        if kept {
            plain.push(Plain {
                param: p.id,
                kind: p.kind,
                plan: compile(p.expression, kind, kind).unwrap_or_default(),
            });
        }
    }
    let on_resource: HashMap<_, _> = params::of_type(kind)
        .filter(|p| p.kind == ParamType::Composite && !stands_on_resource(kind, p))
        .filter_map(|p| Some((p.id, parts_of(kind, p, &plain)?)))
        .collect();
    let composites = params::of_type(kind)
        .filter(|p| p.kind == ParamType::Composite && !stands_on_resource(kind, p))
        .map(|p| composite(kind, p, on_resource.contains_key(&p.id)))
        .collect();
    let repeats: HashMap<_, _> = plain
        .iter()
        .filter_map(|p| Some((p.param, held_by(p, &plain)?)))
        .collect();
    plain.retain(|p| !repeats.contains_key(&p.param));
    Program {
        plain,
        composites,
        repeats,
        on_resource,
    }
}

/// The parameters of the same type of value whose alternatives, each a part of this one's, are together all of its own.
/// References keep their rows: they are followed by name.
fn held_by(p: &Plain, all: &[Plain]) -> Option<Vec<ParamId>> {
    if p.kind == ParamType::Reference {
        return None;
    }
    let routes = &p.plan.routes;
    let parts: Vec<&Plain> = all
        .iter()
        .filter(|q| q.kind == p.kind && q.plan.routes.len() < routes.len())
        .filter(|q| !q.plan.routes.is_empty() && q.plan.routes.iter().all(|r| routes.contains(r)))
        .collect();
    let whole = routes
        .iter()
        .all(|r| parts.iter().any(|q| q.plan.routes.contains(r)));
    (whole && !parts.is_empty()).then(|| parts.iter().map(|q| q.param).collect())
}

/// For a composite one of whose elements is the resource: for each part the narrowest parameter that holds it there.
fn parts_of(kind: &'static str, param: &Param, all: &[Plain]) -> Option<Vec<ParamId>> {
    if !alternatives(param).any(|a| a == kind) {
        return None;
    }
    let part = |c: &params::Component| {
        let of = params::find(kind, c.param.code())?.kind;
        let routes = compile(c.expression, kind, kind).ok()?.routes;
        all.iter()
            .filter(|q| q.kind == of && !routes.is_empty())
            .filter(|q| routes.iter().all(|r| q.plan.routes.contains(r)))
            .min_by_key(|q| q.plan.routes.len())
            .map(|q| q.param)
    };
    param.components.iter().map(part).collect()
}

fn alternatives(param: &Param) -> impl Iterator<Item = &'static str> {
    param.expression.split('|').map(str::trim)
}

fn composite(kind: &'static str, param: &'static Param, elsewhere: bool) -> Composite {
    let contexts = alternatives(param)
        // What stands on the resource has its entries under the parameters of its parts.
        .filter(|a| !(elsewhere && *a == kind))
        .filter_map(|a| compile(a, kind, kind).ok())
        .flat_map(|plan| plan.routes)
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
