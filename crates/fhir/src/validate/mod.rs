//! The base rules of R4, checked on every write: names, types and cardinalities of elements, formats of primitives,
//! codes of required bindings, references. What profiles and invariants add is not checked.

mod primitive;

use crate::json::Json;
use crate::outcome::{Issue, Severity};
use crate::raw::{Node, Shape};
use crate::reference::{self, Parsed};
use crate::schema::{self, Element, TypeDef, TypeRef};

/// More issues than this are not looked for.
const ISSUES_MAX: usize = 50;

/// Checks one resource. Nothing returned means it may be stored. Every issue is an error and has an expression; none
/// quotes a value.
pub fn validate(resource: Node<'_>) -> Vec<Issue> {
    let mut v = Validator { issues: Vec::new() };
    v.resource(resource, None);
    v.issues
}

/// As [`validate`], and the resource must be of this type.
pub fn validate_as(kind: &str, resource: Node<'_>) -> Vec<Issue> {
    if let Some(found) = resource.str_at("resourceType")
        && found != kind
    {
        let issue = Issue::error("invalid", format!("the address asks for a {kind}"))
            .at(format!("{kind}.resourceType"));
        return vec![issue];
    }
    validate(resource)
}

struct Validator {
    issues: Vec<Issue>,
}

/// Where we are, built into a text only when there is something to say.
#[derive(Clone, Copy)]
enum Path<'p> {
    Root(&'p str),
    Member(&'p Path<'p>, &'p str),
    Index(&'p Path<'p>, usize),
}

impl std::fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Path::Root(name) => f.write_str(name),
            Path::Member(up, name) => write!(f, "{up}.{name}"),
            Path::Index(up, i) => write!(f, "{up}[{i}]"),
        }
    }
}

impl Validator {
    fn say(&mut self, code: &'static str, at: Path<'_>, words: impl Into<String>) {
        if self.issues.len() < ISSUES_MAX {
            let (diagnostics, expression) = (words.into(), Some(at.to_string()));
            self.issues.push(Issue {
                severity: Severity::Error,
                code,
                diagnostics,
                expression,
            });
        }
    }

    fn resource(&mut self, node: Node<'_>, at: Option<Path<'_>>) {
        let at_or = |name: &'static str| at.unwrap_or(Path::Root(name));
        if !node.is_object() {
            return self.say("structure", at_or("Resource"), "an object is expected");
        }
        let Some(name) = node.str_at("resourceType") else {
            return self.say("structure", at_or("Resource"), "resourceType is missing");
        };
        let Some(def) = schema::resource_type(name).and_then(schema::type_def) else {
            return self.say(
                "not-supported",
                at_or("Resource"),
                "not a resource type of FHIR R4",
            );
        };
        self.complex(node, def, at.unwrap_or(Path::Root(def.name)));
    }

    /// An object of a known type.
    fn complex(&mut self, node: Node<'_>, def: &TypeDef, at: Path<'_>) {
        if !node.is_object() {
            return self.say("structure", at, "an object is expected");
        }
        let mut empty = true;
        let mut seen: Vec<&str> = Vec::new();
        for (key, value) in node.members() {
            empty = false;
            if key == "resourceType" && def.is_resource {
                continue;
            }
            // `_birthDate` carries the id and extensions of the primitive `birthDate`.
            let (name, shadow) = key.strip_prefix('_').map_or((key, false), |k| (k, true));
            let here = Path::Member(&at, key);
            let Some((element, of)) = def.member(name) else {
                self.say("structure", here, "the type has no such element");
                continue;
            };
            if shadow {
                if schema::is_primitive(of.name) {
                    self.shadow(value, element, here);
                } else {
                    self.say("structure", here, "only primitive elements have this form");
                }
            } else {
                self.element(value, element, of, here);
            }
            if element.choice && seen.contains(&element.name) && !shadow {
                self.say("structure", here, "only one type of a choice may be given");
            }
            if !shadow || !seen.contains(&element.name) {
                seen.push(element.name);
            }
        }
        if empty {
            self.say("structure", at, "an object must not be empty");
        }
        for element in def
            .elements
            .iter()
            .filter(|e| e.required && !seen.contains(&e.name))
        {
            self.say(
                "required",
                Path::Member(&at, element.name),
                "this element is required",
            );
        }
        self.rules(node, def, at);
    }

    /// One element, once or as an array by its cardinality.
    fn element(&mut self, value: Node<'_>, element: &Element, of: &TypeRef, at: Path<'_>) {
        if value.shape() == Shape::Null {
            return self.say("structure", at, "null is not allowed here");
        }
        if element.many != value.is_array() {
            let words = if element.many {
                "an array is expected"
            } else {
                "an array is not allowed"
            };
            return self.say("structure", at, words);
        }
        if !element.many {
            return self.value(value, element, of, at);
        }
        let mut any = false;
        for (i, item) in value.items().enumerate() {
            any = true;
            // A primitive that has only extensions is a null here and stands in the shadow array.
            if item.shape() == Shape::Null && schema::is_primitive(of.name) {
                continue;
            }
            self.value(item, element, of, Path::Index(&at, i));
        }
        if !any {
            self.say("structure", at, "an array must not be empty");
        }
    }

    fn value(&mut self, value: Node<'_>, element: &Element, of: &TypeRef, at: Path<'_>) {
        if of.name == "Resource" {
            return self.resource(value, Some(at));
        }
        if schema::is_primitive(of.name) {
            if let Err(words) = primitive::check(of.name, value) {
                return self.say("value", at, words);
            }
            if let (Some(codes), Some(text)) = (element.codes, value.text())
                && of.name == "code"
                && !codes.contains(&text)
            {
                self.say("code-invalid", at, "not a code of the required value set");
            }
            return;
        }
        if let Some(def) = schema::type_def(of.name) {
            self.complex(value, def, at);
        }
        if of.name == "Reference" {
            self.reference(value, of, at);
        }
    }

    /// The shadow of a primitive: an Element, or an array of Elements and nulls.
    fn shadow(&mut self, value: Node<'_>, element: &Element, at: Path<'_>) {
        let Some(def) = schema::type_def("Element") else {
            return;
        };
        if element.many {
            for (i, item) in value
                .items()
                .enumerate()
                .filter(|(_, n)| n.shape() != Shape::Null)
            {
                self.complex(item, def, Path::Index(&at, i));
            }
        } else if value.shape() != Shape::Null {
            self.complex(value, def, at);
        }
    }

    /// Syntax of a reference and the types it may point at (FHIR R4 §2.3.0).
    fn reference(&mut self, value: Node<'_>, of: &TypeRef, at: Path<'_>) {
        let Some(text) = value.str_at("reference") else {
            return;
        };
        let at = Path::Member(&at, "reference");
        let kind = match reference::parse(text) {
            Parsed::Relative { kind, .. }
            | Parsed::Absolute { kind, .. }
            | Parsed::Conditional { kind, .. } => kind,
            Parsed::Contained(_) => return,
            Parsed::Other(text) => {
                let is_address = text.split_once(':').is_some_and(|(scheme, rest)| {
                    !rest.is_empty() && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                });
                if !is_address {
                    self.say(
                        "value",
                        at,
                        "Type/id, #id or an absolute address is expected",
                    );
                }
                return;
            }
        };
        if !of.targets.is_empty() && !of.targets.contains(&kind) {
            self.say("invalid", at, format!("must not point at a {kind}"));
        }
    }

    /// Rules between elements that a record depends on.
    fn rules(&mut self, node: Node<'_>, def: &TypeDef, at: Path<'_>) {
        if def.name == "Period" {
            let end = |key| node.str_at(key).and_then(crate::search::value::date_span);
            if let (Some(start), Some(end)) = (end("start"), end("end"))
                && start.low_us >= end.high_us
            {
                self.say("invariant", at, "a period ends after it starts (per-1)");
            }
        }
    }
}

#[cfg(test)]
mod tests;
