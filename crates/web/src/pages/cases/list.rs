//! Lists of cases: the referring doctor's, and the consultant's worklist.

use app::cases::view::{CaseFilter, CaseList, CaseRow, Order, Tab as CaseTab};
use axum::extract::State;
use care::case::{Status, Urgency};
use maud::{Markup, html};

use crate::args;
use crate::components::basic::{Tab, tabs};
use crate::components::list::{Column, Filter, filters, table};
use crate::components::{Kind, chip, chip_icon, count, icon, state, urgency};
use crate::frame::{PageCx, PageResult, RouteSpec, WebState, Who, get};
use crate::pages::readings::critical_note;
use crate::pages::view::{self, case_address, clock_of, patient_name, sex_and_age};
use crate::shell::Shell;
use crate::show::Show;

/// Where a list of cases stands, which decides what its rows say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Cases,
    Worklist,
    Inbox,
}

impl Place {
    pub const fn path(self) -> &'static str {
        match self {
            Self::Cases => "/cases",
            Self::Worklist => "/worklist",
            Self::Inbox => "/inbox",
        }
    }
    const fn views(self) -> &'static [CaseTab] {
        match self {
            Self::Cases => &[
                CaseTab::Open,
                CaseTab::Waiting,
                CaseTab::Answered,
                CaseTab::Drafts,
                CaseTab::Closed,
            ],
            Self::Worklist => &[
                CaseTab::Open,
                CaseTab::Overdue,
                CaseTab::Waiting,
                CaseTab::Answered,
                CaseTab::All,
            ],
            Self::Inbox => &[
                CaseTab::Open,
                CaseTab::Nobody,
                CaseTab::Overdue,
                CaseTab::Waiting,
                CaseTab::Mine,
                CaseTab::Answered,
            ],
        }
    }
}

pub fn routes() -> Vec<RouteSpec> {
    vec![
        get("/cases", Who::Roles(&[app::Role::Clinician]), cases),
        get("/worklist", Who::Roles(&[app::Role::Consultant]), worklist),
    ]
}

/// The filter in the address.
pub fn filter_of(cx: &PageCx) -> CaseFilter {
    let value = |name: &str| cx.query_value(name);
    CaseFilter {
        urgency: value("urgency").and_then(|u| u.parse().ok()),
        from: value("from").and_then(|h| h.parse().ok()),
        specialty: value("specialty"),
        tab: value("tab")
            .and_then(|t| CaseTab::from_text(&t))
            .unwrap_or_default(),
        order: match value("order").as_deref() {
            Some("age") => Order::Age,
            Some("latest") => Order::Latest,
            _ => Order::Urgency,
        },
        limit: Some(if value("all").is_some() { 500 } else { 50 }),
        patient: None,
    }
}

async fn cases(State(state): State<WebState>, cx: PageCx) -> PageResult {
    let filter = filter_of(&cx);
    let list = state.app.my_cases(cx.cx()?, &filter).await?;
    let critical = state.app.critical_findings(cx.cx()?).await?.len();
    page(&cx, Place::Cases, &list, &filter, critical)
}

async fn worklist(State(state): State<WebState>, cx: PageCx) -> PageResult {
    let filter = filter_of(&cx);
    let list = state.app.worklist(cx.cx()?, &filter).await?;
    page(&cx, Place::Worklist, &list, &filter, 0)
}

/// Cases whose number, patient or question matches, among those the reader has in their lists.
pub async fn find(
    state: &WebState,
    cx: &PageCx,
    query: &str,
) -> Result<Vec<CaseRow>, crate::PageError> {
    if query.is_empty() {
        return Ok(Vec::new());
    }
    let all = CaseFilter {
        tab: CaseTab::All,
        limit: Some(500),
        ..CaseFilter::default()
    };
    let mut found: Vec<CaseRow> = Vec::new();
    let lists = [
        (app::Role::Clinician, Place::Cases),
        (app::Role::Coordinator, Place::Inbox),
        (app::Role::Consultant, Place::Worklist),
    ];
    for (role, place) in lists {
        if !cx.has(role) {
            continue;
        }
        let list = match place {
            Place::Cases => state.app.my_cases(cx.cx()?, &all).await?,
            Place::Inbox => state.app.inbox(cx.cx()?, &all).await?,
            Place::Worklist => state.app.worklist(cx.cx()?, &all).await?,
        };
        for row in list.rows {
            if matches(&row, query) && !found.iter().any(|r| r.key == row.key) {
                found.push(row);
            }
        }
    }
    Ok(found)
}

fn matches(row: &CaseRow, query: &str) -> bool {
    let wanted = fhir::text::fold(query);
    let has = |text: &str| fhir::text::fold(text).contains(&wanted);
    let names = row.patient.names.as_ref().map(kernel::Phi::reveal);
    has(&row.number)
        || has(row.question.reveal())
        || names.is_some_and(|n| has(&n.latin) || n.native.iter().any(|n| has(n)))
}

/// The page of a list.
pub fn page(
    cx: &PageCx,
    place: Place,
    list: &CaseList,
    filter: &CaseFilter,
    critical: usize,
) -> PageResult {
    let w = &cx.words();
    let title = w.t(match place {
        Place::Cases => "nav-cases",
        Place::Worklist => "nav-worklist",
        Place::Inbox => "nav-inbox",
    });
    let hospital = cx.cx()?.hospital()?.clone();
    let main = html! {
        (head(cx, &title, place, list))
        (critical_note(cx, critical))
        (views(cx, place, list, filter))
        (filter_bar(cx, place, list, filter))
        (card(cx, place, list, None))
    };
    Ok(Shell::new(cx, &title)
        .class("page close")
        .watch(format!("inbox-{hospital}"))
        .draw(&main))
}

/// Title and, in one sentence, what needs the reader now.
pub fn head(cx: &PageCx, title: &str, place: Place, list: &CaseList) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    let c = &list.counts;
    let oldest = c.oldest_s.map(|s| {
        w.f(
            "inbox-oldest",
            args!["span" => show.span(jiff::SignedDuration::from_secs(s))],
        )
    });
    let now = match place {
        Place::Inbox => w.f(
            "inbox-now",
            args!["emergencies" => c.emergencies, "nobody" => c.nobody],
        ),
        Place::Worklist => w.f(
            "worklist-now",
            args!["open" => c.open, "overdue" => c.overdue],
        ),
        Place::Cases => w.f("cases-now", args!["open" => c.open, "waiting" => c.mine]),
    };
    let zone = cx
        .signed
        .as_ref()
        .map(|s| show.offset(cx.now, &s.cx.zone))
        .unwrap_or_default();
    html! {
        div class="head" {
            div { h1 { (title) } p class="soft" { (now) @if let (Some(text), Place::Inbox) = (oldest, place) { " " (text) } } }
            p class="small soft" { (show.today()) " " span class="faint" { (zone) } br; a href="/downtime" { (icon("print")) " " (w.t("downtime-title")) } }
        }
    }
}

/// The tabs above a list, with their counts.
pub fn views(cx: &PageCx, place: Place, list: &CaseList, filter: &CaseFilter) -> Markup {
    let w = &cx.words();
    let c = &list.counts;
    let all: Vec<Tab> = place
        .views()
        .iter()
        .map(|t| Tab {
            href: if *t == CaseTab::Open {
                place.path().to_owned()
            } else {
                format!("{}?tab={}", place.path(), t.as_str())
            },
            text: w.word("tab", t.as_str()),
            count: match t {
                CaseTab::Open => Some(c.open),
                CaseTab::Nobody => Some(c.nobody),
                CaseTab::Overdue => Some(c.overdue),
                CaseTab::Waiting => Some(c.waiting),
                CaseTab::Mine => Some(c.mine),
                CaseTab::Answered if place == Place::Inbox => Some(c.answered_today),
                _ => None,
            }
            .map(|n| n as u64),
            on: filter.tab == *t,
        })
        .collect();
    tabs(&w.t("list-views"), &all)
}

/// Filters over the list.
pub fn filter_bar(cx: &PageCx, place: Place, list: &CaseList, filter: &CaseFilter) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    let any = |text: String| vec![(String::new(), text)];
    let mut urgencies = any(w.t("filter-any-urgency"));
    urgencies.extend(
        Urgency::ALL
            .iter()
            .map(|u| (u.as_str().to_owned(), w.word("urgency", u.as_str()))),
    );
    let mut hospitals = any(w.t("filter-all-hospitals"));
    let mut specialties = any(w.t("filter-all-specialties"));
    for row in &list.rows {
        let from = (row.from.id.to_string(), row.from.name.clone());
        if !hospitals.contains(&from) {
            hospitals.push(from);
        }
        if let Some(code) = &row.specialty {
            let entry = (code.clone(), view::specialty(show, code));
            if !specialties.contains(&entry) {
                specialties.push(entry);
            }
        }
    }
    let from = filter
        .from
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    let orders = vec![
        (String::new(), w.t("order-urgency")),
        ("age".to_owned(), w.t("order-age")),
        ("latest".to_owned(), w.t("order-latest")),
    ];
    let mut all = vec![Filter {
        name: "urgency",
        label: w.t("list-urgency"),
        options: urgencies,
        value: filter.urgency.map_or("", Urgency::as_str),
    }];
    if place != Place::Cases {
        all.push(Filter {
            name: "from",
            label: w.t("list-hospital"),
            options: hospitals,
            value: &from,
        });
    }
    all.push(Filter {
        name: "specialty",
        label: w.t("list-specialty"),
        options: specialties,
        value: filter.specialty.as_deref().unwrap_or_default(),
    });
    let order = match filter.order {
        Order::Urgency => "",
        Order::Age => "age",
        Order::Latest => "latest",
    };
    all.push(Filter {
        name: "order",
        label: w.t("list-order"),
        options: orders,
        value: order,
    });
    let keep = if filter.tab == CaseTab::Open {
        Vec::new()
    } else {
        vec![("tab", filter.tab.as_str())]
    };
    let status = w.f("list-shown", args!["n" => list.rows.len(), "all" => list.rows.len() + list.more, "time" => show.clock_s(cx.now)]);
    filters(w, place.path(), &all, &keep, &status)
}

/// The list in its card; it renews itself when the live line says there is news.
pub fn card(cx: &PageCx, place: Place, list: &CaseList, chosen: Option<&CaseRow>) -> Markup {
    let w = &cx.words();
    let hospital = cx
        .signed
        .as_ref()
        .and_then(|s| s.cx.actor.hospital.clone())
        .map(|h| h.to_string())
        .unwrap_or_default();
    html! {
        div class="card" id="cases" hx-get=(cx.back()) hx-trigger={ "inbox-" (hospital) " from:#live, caught-up from:#live" }
            hx-select="#cases" hx-target="#cases" hx-swap="outerHTML" {
            @if list.rows.is_empty() {
                @let key = match place { Place::Inbox => "inbox-empty", Place::Worklist => "worklist-empty", Place::Cases => "cases-empty" };
                @let more = match place { Place::Inbox => "inbox-empty-more", Place::Worklist => "worklist-empty-more", Place::Cases => "cases-empty-more" };
                (state::empty("inbox", &w.t(key), &w.t(more), (place == Place::Cases).then(|| w.t("nav-patients")).as_deref().map(|t| ("/patients", t))))
            } @else {
                (rows(cx, &list.rows, place, chosen))
                @if list.more > 0 { div class="body row apart small" {
                    span class="soft" { (w.f("list-more", args!["n" => list.more])) }
                    a href=(more_address(cx)) { (w.t("list-show-all")) }
                } }
            }
        }
    }
}

fn more_address(cx: &PageCx) -> String {
    if cx.query.is_empty() {
        format!("{}?all=1", cx.path)
    } else {
        format!("{}?{}&all=1", cx.path, cx.query)
    }
}

/// The rows of a list.
pub fn rows(cx: &PageCx, list: &[CaseRow], place: Place, chosen: Option<&CaseRow>) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    let columns = [
        Column::new(w.t("list-urgency")),
        Column::new(w.t("list-time-left")),
        Column::new(w.t("list-patient")),
        Column::new(w.t(if place == Place::Cases {
            "list-to"
        } else {
            "list-from"
        })),
        Column::new(w.t(if place == Place::Inbox {
            "list-complete"
        } else {
            "list-state"
        })),
        Column::new(w.t("list-owner")),
        Column::number(w.t("list-age")),
    ];
    let caption = w.t("list-caption");
    table(
        &caption,
        &columns,
        html! { @for row in list { (line(cx, show, row, place, chosen.is_some_and(|c| c.key == row.key))) } },
    )
}

fn line(cx: &PageCx, show: &Show, row: &CaseRow, place: Place, on: bool) -> Markup {
    let w = &cx.words();
    let href = match place {
        Place::Inbox => format!(
            "/inbox/{}/{}{}",
            row.key.hospital,
            row.key.id,
            if cx.query.is_empty() {
                String::new()
            } else {
                format!("?{}", cx.query)
            }
        ),
        _ if row.status == Status::Draft => format!("{}/edit/question", case_address(&row.key)),
        _ => case_address(&row.key),
    };
    let other = if place == Place::Cases {
        row.to.as_ref()
    } else {
        Some(&row.from)
    };
    let question = row.question.reveal();
    html! {
        tr data-on[on] {
            td { @if let Some(u) = row.urgency { (urgency(w, u.as_str())) } @else { span class="faint" { (w.t("none-dash")) } } }
            td { @if row.clock.is_some() && !matches!(row.status, Status::Declined | Status::Cancelled | Status::Suspended) { (clock_of(show, row, false)) } @else { span class="faint" { (w.t("none-dash")) } } }
            td class="main" {
                a href=(href) aria-current=[on.then_some("true")] { bdi { (patient_name(show, &row.patient, &row.number)) } } " "
                span class="soft" { (sex_and_age(show, row.patient.sex, row.patient.age_years, row.patient.age_days)) }
                @if row.unread > 0 { " " span class="new" title=(w.f("list-unread", args!["n" => row.unread])) { (count(row.unread)) } }
                br; @if question.is_empty() { span class="soft" { (w.t("case-no-question")) } } @else { (question) }
            }
            td { @if let Some(h) = other { (view::hospital(h)) " " } br; span class="soft" { @if let Some(s) = &row.specialty { (view::specialty(show, s)) } } }
            td { (condition(show, row, place)) }
            td { (view::owner(show, row.owner.as_ref())) }
            td class="num soft" { (show.span(show.now.duration_since(row.sent.unwrap_or(row.since)))) }
        }
    }
}

/// Completeness for a coordinator, the state for everybody else.
fn condition(show: &Show, row: &CaseRow, place: Place) -> Markup {
    let w = &show.words;
    let c = &row.completeness;
    if let Some(reason) = row.suspended {
        return chip_icon(Kind::Stop, "lock", w.word("suspend", reason.as_str()));
    }
    if place != Place::Inbox || !row.status.is_open_request() {
        let kind = match row.status {
            Status::Answered => Kind::Ok,
            Status::MoreInformation | Status::Declined => Kind::Warn,
            _ => Kind::Plain,
        };
        return chip(kind, &w.word("status", row.status.as_str()));
    }
    if c.waiting {
        return chip_icon(Kind::Warn, "pause", w.word("status", "more-information"));
    }
    html! {
        @if c.missing.is_empty() { (chip(Kind::Ok, &w.t("complete"))) }
        @else {
            (chip(Kind::Warn, &format!("{}/{}", c.have, c.of))) " " br;
            span class="soft" { (w.list(c.missing.iter().map(|m| w.word("missing", m.as_str())))) }
        }
    }
}
