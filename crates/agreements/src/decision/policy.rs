//! Generated Cedar policy: the base of every hospital plus one policy per clause and condition.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::LazyLock;

use cedar_policy::{
    Authorizer, Context, Entities, Entity, EntityUid, Policy, PolicyId, PolicySet, Request,
    RestrictedExpression as Expr, Schema,
};
use kernel::Instant;

use super::facts::{self, Action, CaseSubject, Entry, Facts, Subject};
use crate::agreement::ActRow;
use crate::permit::own_classes;
use crate::{ActorKind, ClassSet, GrantRow, Linked};

/// The schema of every decision.
pub const SCHEMA: &str = include_str!("schema.cedarschema");
/// What needs no agreement.
pub const HOUSE: &str = include_str!("house.cedar");

/// Policy could not be built or evaluated; the decision is no.
#[derive(Debug, Clone, thiserror::Error)]
#[error("policy: {0}")]
pub struct PolicyFault(String);

fn fault(e: impl std::fmt::Display) -> PolicyFault {
    PolicyFault(e.to_string())
}

static PARSED: LazyLock<Result<(Schema, PolicySet), PolicyFault>> = LazyLock::new(|| {
    let (schema, _) = Schema::from_cedarschema_str(SCHEMA).map_err(fault)?;
    let mut house = PolicySet::new();
    for (n, policy) in HOUSE
        .parse::<PolicySet>()
        .map_err(fault)?
        .policies()
        .enumerate()
    {
        let policy = policy.new_id(PolicyId::new(format!("house/{n}")));
        house.add(policy).map_err(fault)?;
    }
    Ok((schema, house))
});

/// Which policy permitted, as far as an explanation needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permitting {
    /// `own`, `emergency`, `own-patient`, `across`, `act`.
    pub rule: String,
    pub agreement: Option<String>,
    pub clause: Option<u16>,
}

/// A text made safe to stand between quotes in Cedar.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn list<'a>(items: impl IntoIterator<Item = &'a str>) -> String {
    let inner: Vec<_> = items.into_iter().map(quoted).collect();
    format!("[{}]", inner.join(", "))
}

fn head(rule: &str, agreement: &str, clause: u16) -> String {
    format!(
        "@rule({})\n@agreement({})\n@clause(\"{clause}\")\n",
        quoted(rule),
        quoted(agreement)
    )
}

fn window(from: Instant, until: Instant) -> String {
    format!(
        "context.now >= {} && context.now < {}",
        from.as_microsecond(),
        until.as_microsecond()
    )
}

/// Reading under grants: rows that differ in class alone become one policy.
pub fn read_policies(grants: &[GrantRow]) -> Vec<String> {
    type Key<'a> = (&'a str, u16, &'a str, &'a str, [bool; 3], Instant, Instant);
    let mut groups: BTreeMap<Key<'_>, ClassSet> = BTreeMap::new();
    // A hospital grants itself nothing: its own rules are the house's.
    for g in grants.iter().filter(|g| g.custodian != g.grantee) {
        let key = (
            g.agreement.as_str(),
            g.clause,
            g.custodian.as_str(),
            g.grantee.as_str(),
            [g.needs_consent, g.break_glass, g.crosses_border],
            g.from,
            g.until,
        );
        let set = groups.entry(key).or_default();
        *set = set.with(g.class);
    }
    groups
        .into_iter()
        .map(|((agreement, clause, custodian, grantee, flags, from, until), classes)| {
            let [consent, glass, border] = flags;
            let asked = match (consent, border) {
                (false, _) => "true",
                (true, false) => "context.consent",
                (true, true) => "context.borderConsent",
            };
            let emergency = if consent && glass { " || context.emergency" } else { "" };
            format!(
                "{}permit (principal, action == Action::\"ReadRecord\", resource is Entry) when {{\n  \
                 (principal is Staff || principal is Machine) && principal.clinical &&\n  \
                 principal.hospital == Hospital::{} && resource.custodian == Hospital::{} && !resource.internal &&\n  \
                 {}.contains(resource.class) &&\n  {} &&\n  \
                 (resource.impersonal || context.sharedUnder.contains({})) &&\n  ({asked}{emergency})\n}};\n",
                head("across", agreement, clause),
                quoted(grantee),
                quoted(custodian),
                list(classes.iter().map(|c| c.as_str())),
                window(from, until),
                quoted(agreement),
            )
        })
        .collect()
}

/// Break-glass at a partner: only where a clause allows it.
pub fn break_glass_policies(grants: &[GrantRow]) -> Vec<String> {
    let mut seen = HashSet::new();
    grants
        .iter()
        .filter(|g| g.break_glass)
        .filter(|g| seen.insert((&g.agreement, g.clause)))
        .map(|g| {
            format!(
                "{}permit (principal is Staff, action == Action::\"BreakGlass\", resource is Record) when {{\n  \
                 principal.clinical && principal.hospital == Hospital::{} &&\n  \
                 resource.hospital == Hospital::{} && {}\n}};\n",
                head("act", g.agreement.as_str(), g.clause),
                quoted(g.grantee.as_str()),
                quoted(g.custodian.as_str()),
                window(g.from, g.until),
            )
        })
        .collect()
}

/// Acts on cases under one clause, by the side whose staff does them.
pub fn act_policies(row: &ActRow) -> Vec<String> {
    let (agreement, clause) = (row.agreement.as_str(), row.clause);
    let covers = {
        let mut text = format!(
            "{}.contains(resource.service)",
            list(row.services.iter().map(String::as_str))
        );
        if !row.specialties.is_empty() {
            let specialties = list(row.specialties.iter().map(String::as_str));
            let _ = write!(text, " && {specialties}.contains(resource.specialty)");
        }
        text
    };
    let between = format!(
        "resource.referring == Hospital::{} && resource.answering == Hospital::{} && {} &&\n  {covers}",
        quoted(row.referring.as_str()),
        quoted(row.answering.as_str()),
        window(row.from, row.until),
    );
    let policy = |actions: &[Action], side: &str, who: &str| {
        let actions: Vec<_> = actions
            .iter()
            .map(|a| format!("Action::\"{}\"", a.as_str()))
            .collect();
        format!(
            "{}permit (principal is Staff, action in [{}], resource is Case) when {{\n  \
             principal.hospital == resource.{side} && {who} &&\n  {between}\n}};\n",
            head("act", agreement, clause),
            actions.join(", "),
        )
    };
    let mine = "(if resource has allocatedTo then resource.allocatedTo == principal else true)";
    let signs = "principal.privileges.contains(\"sign-opinion\") && principal.licenceValid";
    vec![
        policy(
            &[Action::SendCase],
            "referring",
            "principal.roles.contains(\"clinician\")",
        ),
        policy(
            &[
                Action::AcceptCase,
                Action::DeclineCase,
                Action::AllocateCase,
            ],
            "answering",
            "principal.roles.contains(\"coordinator\")",
        ),
        policy(
            &[Action::AskMore],
            "answering",
            "principal.roles.containsAny([\"coordinator\", \"consultant\"])",
        ),
        policy(
            &[Action::AnswerCase],
            "answering",
            &format!("principal.roles.contains(\"consultant\") && {mine}"),
        ),
        policy(
            &[Action::SignOpinion],
            "answering",
            &format!("principal.roles.contains(\"consultant\") && {signs} && {mine}"),
        ),
        policy(
            &[Action::CoSignOpinion],
            "answering",
            &format!("principal.roles.contains(\"consultant\") && {signs}"),
        ),
        policy(&[Action::WriteMessage], "referring", "principal.clinical"),
        policy(&[Action::WriteMessage], "answering", "principal.clinical"),
    ]
}

/// The whole generated policy for these facts, as text (for administrators and tests).
pub fn policy_texts(facts: &Facts) -> Vec<String> {
    let mut texts = read_policies(&facts.grants);
    texts.extend(break_glass_policies(&facts.grants));
    texts.extend(facts.acts.iter().flat_map(act_policies));
    texts
}

/// Base and generated policies as one set.
pub fn policy_set(facts: &Facts) -> Result<PolicySet, PolicyFault> {
    let (_, house) = PARSED.as_ref().map_err(Clone::clone)?;
    let mut set = house.clone();
    for (n, text) in policy_texts(facts).into_iter().enumerate() {
        let id = PolicyId::new(format!("clause/{n}"));
        set.add(Policy::parse(Some(id), text).map_err(fault)?)
            .map_err(fault)?;
    }
    Ok(set)
}

/// The parsed schema.
pub fn schema() -> Result<&'static Schema, PolicyFault> {
    PARSED
        .as_ref()
        .map(|(schema, _)| schema)
        .map_err(Clone::clone)
}

/// Asks Cedar. `None`: denied.
pub fn ask(
    request: &facts::Request<'_>,
    facts: &Facts,
    now: Instant,
) -> Result<Option<Vec<Permitting>>, PolicyFault> {
    let schema = schema()?;
    let set = policy_set(facts)?;
    let (principal, mut entities) = principal(request)?;
    let resource = resource(&request.subject, &mut entities)?;
    let context = context(request, facts, now)?;
    let action = uid("Action", request.action.as_str())?;
    let entities = Entities::from_entities(entities, Some(schema)).map_err(fault)?;
    // A request the schema has no place for (a patient who would sign an opinion) is denied, not a fault.
    let Ok(query) = Request::new(principal, action, resource, context, Some(schema)) else {
        return Ok(None);
    };
    let answer = Authorizer::new().is_authorized(&query, &set, &entities);
    if let Some(error) = answer.diagnostics().errors().next() {
        return Err(fault(error));
    }
    if answer.decision() != cedar_policy::Decision::Allow {
        return Ok(None);
    }
    let mut permitting: Vec<_> = answer
        .diagnostics()
        .reason()
        .filter_map(|id| set.policy(id))
        .map(|p| Permitting {
            rule: p.annotation("rule").unwrap_or("own").to_owned(),
            agreement: p.annotation("agreement").map(str::to_owned),
            clause: p.annotation("clause").and_then(|c| c.parse().ok()),
        })
        .collect();
    permitting
        .sort_by(|a, b| (&a.agreement, a.clause, &a.rule).cmp(&(&b.agreement, b.clause, &b.rule)));
    Ok(Some(permitting))
}

fn uid(kind: &str, id: &str) -> Result<EntityUid, PolicyFault> {
    let kind = kind.parse().map_err(fault)?;
    Ok(EntityUid::from_type_name_and_id(
        kind,
        cedar_policy::EntityId::new(id),
    ))
}

fn text(s: &str) -> Expr {
    Expr::new_string(s.to_owned())
}

fn entity(uid: EntityUid, attributes: Vec<(&str, Expr)>) -> Result<Entity, PolicyFault> {
    let attributes: HashMap<_, _> = attributes
        .into_iter()
        .map(|(k, v)| (k.to_owned(), v))
        .collect();
    Entity::new(uid, attributes, HashSet::new()).map_err(fault)
}

fn record_uid(hospital: &str, patient: &str) -> Result<EntityUid, PolicyFault> {
    uid("Record", &format!("{hospital}/{patient}"))
}

fn record(hospital: &str, patient: &str) -> Result<Entity, PolicyFault> {
    let house = Expr::new_entity_uid(uid("Hospital", hospital)?);
    entity(record_uid(hospital, patient)?, vec![("hospital", house)])
}

fn principal(request: &facts::Request<'_>) -> Result<(EntityUid, Vec<Entity>), PolicyFault> {
    let actor = request.actor;
    let id = actor.account.as_str();
    let (ActorKind::Staff | ActorKind::Machine, Some(hospital)) = (actor.kind, &actor.hospital)
    else {
        let me = uid("Patient", id)?;
        let named = |l: &&Linked| match &request.subject {
            facts::Subject::Entry(e) => l.names(&e.kind, &e.id),
            _ => l.only.is_none(),
        };
        let records = |which: fn(&Linked) -> bool| {
            let mut records = Vec::new();
            for l in actor.linked.iter().filter(named).filter(|l| which(l)) {
                let record = record_uid(l.hospital.as_str(), l.patient.as_str())?;
                records.push(Expr::new_entity_uid(record));
            }
            Ok::<_, PolicyFault>(Expr::new_set(records))
        };
        let attributes = vec![
            ("records", records(|_| true)?),
            ("wholeRecords", records(|l| l.sensitive)?),
            ("consentsFor", records(|l| l.consents)?),
        ];
        let e = entity(me.clone(), attributes)?;
        return Ok((me, vec![e]));
    };
    let kind = if actor.kind == ActorKind::Staff {
        "Staff"
    } else {
        "Machine"
    };
    let me = uid(kind, id)?;
    let roles = actor.roles.iter().map(|r| text(r.as_str()));
    let privileges = actor.privileges.iter().map(|p| text(p.as_str()));
    let classes = own_classes(actor);
    let classes: Vec<_> = classes.iter().map(|c| text(c.as_str())).collect();
    let e = entity(
        me.clone(),
        vec![
            (
                "hospital",
                Expr::new_entity_uid(uid("Hospital", hospital.as_str())?),
            ),
            ("clinical", Expr::new_bool(actor.is_clinical())),
            ("roles", Expr::new_set(roles)),
            ("privileges", Expr::new_set(privileges)),
            ("classes", Expr::new_set(classes)),
            ("licenceValid", Expr::new_bool(request.licence_valid)),
        ],
    )?;
    Ok((me, vec![e]))
}

fn resource(subject: &Subject, entities: &mut Vec<Entity>) -> Result<EntityUid, PolicyFault> {
    match subject {
        Subject::Hospital(h) => uid("Hospital", h.as_str()),
        Subject::Record { hospital, patient } => {
            let e = record(hospital.as_str(), patient.as_str())?;
            let id = e.uid();
            entities.push(e);
            Ok(id)
        }
        Subject::Entry(e) => entry_entity(e, entities),
        Subject::Case(c) => case_entity(c, entities),
    }
}

fn entry_entity(e: &Entry, entities: &mut Vec<Entity>) -> Result<EntityUid, PolicyFault> {
    let custodian = e.custodian.as_str();
    let id = uid("Entry", &format!("{custodian}/{}/{}", e.kind, e.id))?;
    let mut attributes = vec![
        (
            "custodian",
            Expr::new_entity_uid(uid("Hospital", custodian)?),
        ),
        ("class", text(e.class.as_str())),
        ("impersonal", Expr::new_bool(e.class.is_impersonal())),
        ("sensitive", Expr::new_bool(e.class.is_sensitive())),
        ("internal", Expr::new_bool(!e.kind.is_fhir())),
        ("amongStaff", Expr::new_bool(e.among_staff)),
    ];
    if let Some(patient) = &e.patient {
        let r = record(custodian, patient.as_str())?;
        attributes.push(("record", Expr::new_entity_uid(r.uid())));
        entities.push(r);
    }
    entities.push(entity(id.clone(), attributes)?);
    Ok(id)
}

fn case_entity(c: &CaseSubject, entities: &mut Vec<Entity>) -> Result<EntityUid, PolicyFault> {
    let id = uid("Case", &format!("{}/{}", c.referring, c.id))?;
    let r = record(c.referring.as_str(), c.patient.as_str())?;
    let mut attributes = vec![
        (
            "referring",
            Expr::new_entity_uid(uid("Hospital", c.referring.as_str())?),
        ),
        (
            "answering",
            Expr::new_entity_uid(uid("Hospital", c.answering.as_str())?),
        ),
        ("service", text(&c.service)),
        ("specialty", text(&c.specialty)),
        ("record", Expr::new_entity_uid(r.uid())),
    ];
    if let Some(account) = &c.allocated_to {
        attributes.push((
            "allocatedTo",
            Expr::new_entity_uid(uid("Staff", account.as_str())?),
        ));
    }
    entities.push(r);
    entities.push(entity(id.clone(), attributes)?);
    Ok(id)
}

fn context(
    request: &facts::Request<'_>,
    facts: &Facts,
    now: Instant,
) -> Result<Context, PolicyFault> {
    let mut pairs = vec![("now".to_owned(), Expr::new_long(now.as_microsecond()))];
    if request.action == Action::ReadRecord
        && let Subject::Entry(e) = &request.subject
    {
        let reading = Reading::of(request, e, facts, now);
        let shared = reading.shared_under.iter().map(|a| text(a));
        pairs.push(("sharedUnder".to_owned(), Expr::new_set(shared)));
        pairs.push(("consent".to_owned(), Expr::new_bool(reading.consent)));
        pairs.push((
            "borderConsent".to_owned(),
            Expr::new_bool(reading.border_consent),
        ));
        pairs.push(("emergency".to_owned(), Expr::new_bool(reading.emergency)));
    }
    Context::from_pairs(pairs).map_err(fault)
}

/// The joins a read rests on, computed from the rows.
struct Reading {
    shared_under: Vec<String>,
    consent: bool,
    border_consent: bool,
    emergency: bool,
}

impl Reading {
    fn of(request: &facts::Request<'_>, e: &Entry, facts: &Facts, now: Instant) -> Self {
        let Some(own) = &request.actor.hospital else {
            return Self {
                shared_under: Vec::new(),
                consent: false,
                border_consent: false,
                emergency: false,
            };
        };
        let account = &request.actor.account;
        let covering: Vec<_> = facts
            .consents
            .iter()
            .filter(|c| c.covers(e, own, now))
            .collect();
        Self {
            shared_under: facts
                .shares
                .iter()
                .filter(|s| s.opens(e, own, now))
                .map(|s| s.agreement.to_string())
                .collect(),
            consent: !covering.is_empty(),
            border_consent: covering.iter().any(|c| c.across_border),
            emergency: facts.emergencies.iter().any(|r| {
                r.hospital == *own && r.lifts(account, &e.custodian, e.patient.as_ref(), now)
            }),
        }
    }
}
