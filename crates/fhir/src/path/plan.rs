//! Compiling an expression for one type, and evaluating it.

use super::syntax::{Expr, PathError, Step, parse};
use crate::json::Json;
use crate::schema::{self, TypeDef};

/// An expression compiled for one type: alternatives, each with the one type of its results.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    pub routes: Vec<Route>,
}

/// One way from the context to values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    ops: Vec<Op>,
    /// The FHIR type at the end: `CodeableConcept`, `dateTime`, `Observation.component`.
    pub of: &'static str,
    from_resource: bool,
    /// Whether it may lead to several values.
    pub many: bool,
    /// `exists() and … != false`: the result is a boolean, said once for the context.
    truth: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Op {
    /// Into a member; arrays are entered.
    Key(String),
    Index(usize),
    WhereEqual(String, String),
    WhereResolvesTo(String),
    Extension(String),
}

/// What evaluating gives.
#[derive(Debug, Clone, Copy)]
pub enum Found<J> {
    /// A value of the route's type.
    Value(J),
    /// The answer of a question.
    Truth(bool),
}

/// Compiles an expression whose context is of type `context` within a resource of type `resource`. Alternatives that
/// begin with the name of another resource type are left out, as are elements the type does not have.
pub fn compile(text: &str, resource: &str, context: &str) -> Result<Plan, PathError> {
    let mut plan = Plan::default();
    add(&parse(text)?, resource, context, &mut plan.routes);
    Ok(plan)
}

fn add(expr: &Expr, resource: &str, context: &str, routes: &mut Vec<Route>) {
    match expr {
        Expr::Union(all) => all.iter().for_each(|e| add(e, resource, context, routes)),
        Expr::Path(steps) => add_path(steps, resource, context, routes),
        // The one question among the definitions: something is there and is not `false`.
        Expr::And(left, _) => {
            let from = routes.len();
            add(left, resource, context, routes);
            routes[from..].iter_mut().for_each(|r| r.truth = true);
        }
        Expr::NotEqual(path, _) => add(path, resource, context, routes),
    }
}

/// A route under way: what has been walked and the types reached, a choice still open.
#[derive(Clone)]
struct Way {
    ops: Vec<Op>,
    of: &'static str,
    many: bool,
}

fn add_path(steps: &[Step], resource: &str, context: &str, routes: &mut Vec<Route>) {
    let mut steps = steps;
    let mut start = context;
    let mut from_resource = false;
    match steps.first() {
        Some(Step::Resource) => {
            (start, from_resource) = (resource, true);
            steps = &steps[1..];
        }
        Some(Step::Name(name)) if name.starts_with(|c: char| c.is_ascii_uppercase()) => {
            if name != context && name != "Resource" && name != "DomainResource" {
                return;
            }
            steps = &steps[1..];
        }
        _ => {}
    }
    let Some(def) = schema::type_def(start) else {
        return;
    };
    let mut ways = vec![Way {
        ops: Vec::new(),
        of: def.name,
        many: false,
    }];
    let mut truth = false;
    for step in steps {
        ways = ways.into_iter().flat_map(|w| advance(w, step)).collect();
        truth |= *step == Step::Exists;
    }
    routes.extend(ways.into_iter().map(|w| Route {
        ops: w.ops,
        of: w.of,
        many: w.many,
        from_resource,
        truth,
    }));
}

fn advance(way: Way, step: &Step) -> Vec<Way> {
    let with = |op: Op| {
        let mut next = way.clone();
        next.ops.push(op);
        vec![next]
    };
    match step {
        Step::Name(name) => members(&way, name),
        // The definitions spell primitive types with either first letter.
        Step::OfType(of) if of.eq_ignore_ascii_case(way.of) => vec![way],
        Step::OfType(_) => Vec::new(),
        Step::Index(n) => with(Op::Index(*n)),
        Step::WhereEqual(key, text) => with(Op::WhereEqual(key.clone(), text.clone())),
        Step::WhereResolvesTo(kind) => with(Op::WhereResolvesTo(kind.clone())),
        Step::Extension(url) => {
            let mut next = way;
            next.ops.push(Op::Extension(url.clone()));
            next.of = "Extension";
            next.many = true;
            vec![next]
        }
        Step::Exists | Step::Resource => vec![way],
    }
}

fn members(way: &Way, name: &str) -> Vec<Way> {
    let Some(element) = schema::type_def(way.of).and_then(|d: &TypeDef| d.element(name)) else {
        return Vec::new();
    };
    element
        .types
        .iter()
        .map(|of| {
            let mut ops = way.ops.clone();
            ops.push(Op::Key(element.key(of)));
            Way {
                ops,
                of: of.name,
                many: way.many || element.many,
            }
        })
        .collect()
}

impl Plan {
    /// Hands every result to `found`, with its type. `resource` is the whole resource, `context` where relative paths
    /// begin.
    pub fn evaluate<'a, J: Json<'a>>(
        &self,
        resource: J,
        context: J,
        found: &mut impl FnMut(&'static str, Found<J>),
    ) {
        let mut asked = false;
        let mut answer = false;
        for route in &self.routes {
            let start = if route.from_resource {
                resource
            } else {
                context
            };
            if route.truth {
                asked = true;
                walk(&route.ops, start, &mut |v: J| {
                    answer |= v.boolean() != Some(false)
                });
            } else {
                walk(&route.ops, start, &mut |v| found(route.of, Found::Value(v)));
            }
        }
        if asked {
            found("boolean", Found::Truth(answer));
        }
    }
}

impl Route {
    /// This route, kept to references that lead to one type.
    pub(crate) fn only_to(&self, kind: &str) -> Self {
        let mut ops = self.ops.clone();
        ops.push(Op::WhereResolvesTo(kind.to_owned()));
        Self {
            ops,
            ..self.clone()
        }
    }
}

fn walk<'a, J: Json<'a>>(ops: &[Op], at: J, found: &mut impl FnMut(J)) {
    let Some((op, rest)) = ops.split_first() else {
        return found(at);
    };
    match op {
        Op::Key(key) => {
            let Some(value) = at.get(key) else { return };
            if let [Op::Index(n), rest @ ..] = rest {
                let mut nth = value.items().nth(*n);
                if !value.is_array() && *n == 0 {
                    nth = Some(value);
                }
                nth.into_iter().for_each(|v| walk(rest, v, found));
            } else if value.is_array() {
                value.items().for_each(|v| walk(rest, v, found));
            } else {
                walk(rest, value, found);
            }
        }
        Op::Index(_) => walk(rest, at, found),
        Op::WhereEqual(key, text) => {
            if at.str_at(key) == Some(text) {
                walk(rest, at, found);
            }
        }
        Op::WhereResolvesTo(kind) => {
            if reference_type(at) == Some(kind) {
                walk(rest, at, found);
            }
        }
        Op::Extension(url) => at
            .list("extension")
            .filter(|e| e.str_at("url") == Some(url))
            .for_each(|e| walk(rest, e, found)),
    }
}

/// The type a Reference points at, from its text or its `type`.
pub(crate) fn reference_type<'a, J: Json<'a>>(reference: J) -> Option<&'a str> {
    let from_text = reference.str_at("reference").and_then(|text| {
        let text = text.split_once("/_history/").map_or(text, |(t, _)| t);
        let (head, _id) = text.rsplit_once('/')?;
        schema::resource_type(head.rsplit('/').next()?)
    });
    from_text.or_else(|| reference.str_at("type"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::search::params;

    fn results(expression: &str, kind: &str, resource: &Value) -> Vec<(String, String)> {
        let plan = compile(expression, kind, kind).unwrap();
        let mut out = Vec::new();
        plan.evaluate(resource, resource, &mut |of, found| {
            let text = match found {
                Found::Value(v) => v.to_string(),
                Found::Truth(t) => t.to_string(),
            };
            out.push((of.to_owned(), text));
        });
        out
    }

    #[test]
    fn every_definition_leads_somewhere() {
        for kind in schema::resource_types() {
            for p in params::of_type(kind) {
                let plan = compile(p.expression, kind, kind).unwrap();
                assert!(
                    !plan.routes.is_empty(),
                    "{kind} {} {}",
                    p.code,
                    p.expression
                );
            }
        }
    }

    #[test]
    fn a_choice_is_told_apart_by_type() {
        let o = json!({"resourceType": "Observation", "valueQuantity": {"value": 1}});
        let found = results("Observation.value.ofType(Quantity)", "Observation", &o);
        assert_eq!(found, [("Quantity".into(), "{\"value\":1}".into())]);
        assert!(results("(Observation.value as CodeableConcept)", "Observation", &o).is_empty());
    }

    #[test]
    fn a_reference_is_kept_by_what_it_points_at() {
        let o = json!({"subject": {"reference": "http://h/fhir/a/Patient/1/_history/2"}});
        let found = results(
            "Observation.subject.where(resolve() is Patient)",
            "Observation",
            &o,
        );
        assert_eq!(found.len(), 1);
        assert!(
            results(
                "Observation.subject.where(resolve() is Group)",
                "Observation",
                &o
            )
            .is_empty()
        );
        let typed = json!({"subject": {"type": "Patient", "identifier": {"value": "x"}}});
        assert_eq!(
            results(
                "Observation.subject.where(resolve() is Patient)",
                "Observation",
                &typed
            )
            .len(),
            1
        );
    }

    #[test]
    fn deceased_is_a_question() {
        let question = "Patient.deceased.exists() and Patient.deceased != false";
        for (patient, answer) in [
            (json!({}), "false"),
            (json!({"deceasedBoolean": false}), "false"),
            (json!({"deceasedBoolean": true}), "true"),
            (json!({"deceasedDateTime": "2020"}), "true"),
        ] {
            assert_eq!(
                results(question, "Patient", &patient),
                [("boolean".into(), answer.into())]
            );
        }
    }

    #[test]
    fn an_index_takes_one() {
        let b = json!({"entry": [{"resource": {"id": "a"}}, {"resource": {"id": "b"}}]});
        assert_eq!(
            results("Bundle.entry[0].resource", "Bundle", &b),
            [("Resource".into(), "{\"id\":\"a\"}".into())]
        );
    }

    #[test]
    fn alternatives_of_other_types_are_left_out() {
        let plan = compile("Patient.name | Practitioner.name", "Patient", "Patient").unwrap();
        assert_eq!(plan.routes.len(), 1);
    }
}
