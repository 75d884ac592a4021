//! The page around every page: bar with the live line, navigation by role, banner and permission, what happened.

use app::{ActorKind, Role};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use crate::args;
use crate::assets;
use crate::components::basic::toast;
use crate::components::{Permitted, avatar, count, icon, mark, permit};
use crate::frame::look::Theme;
use crate::frame::route::encode;
use crate::frame::{PageCx, Signed};
use crate::words::Lang;

const FAVICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32' fill='none' \
    stroke='%2300566f' stroke-linecap='square'%3E%3Cpath stroke-width='2' d='M2 6h28M6 6v17.2M13 6v13.2M20 6v9.2'/%3E\
    %3Cpath stroke-width='3.6' d='M2.5 25.5 29 10.3'/%3E%3C/svg%3E";

/// A page in the making.
pub struct Shell<'a> {
    cx: &'a PageCx,
    title: &'a str,
    class: &'a str,
    banner: Option<Markup>,
    permit: Option<Permitted>,
    watch: Vec<String>,
    style: Option<&'a str>,
    bare: bool,
    roomy: bool,
}

impl<'a> Shell<'a> {
    /// `title` stands in the window's title; never a patient's name.
    pub fn new(cx: &'a PageCx, title: &'a str) -> Self {
        let roomy = cx
            .signed
            .as_ref()
            .is_some_and(|s| s.cx.actor.kind == ActorKind::Patient);
        Self {
            cx,
            title,
            class: if roomy { "narrow loosely" } else { "page" },
            banner: None,
            permit: None,
            watch: Vec::new(),
            style: None,
            bare: false,
            roomy,
        }
    }
    /// Classes of `main`: `page close`, `page signin`, `narrow`.
    pub fn class(mut self, class: &'a str) -> Self {
        self.class = class;
        self
    }
    /// The patient's banner, under the bar.
    pub fn banner(mut self, banner: Markup) -> Self {
        self.banner = Some(banner);
        self
    }
    /// The permission in one sentence, under the banner.
    pub fn permit(mut self, permitted: Permitted) -> Self {
        self.permit = Some(permitted);
        self
    }
    /// Asks the live line for events named `topic` (see [`crate::frame::live`]).
    pub fn watch(mut self, topic: impl Into<String>) -> Self {
        self.watch.push(topic.into());
        self
    }
    /// A style sheet this page needs beside the common one.
    pub fn style(mut self, name: &'a str) -> Self {
        self.style = Some(name);
        self
    }
    /// Without navigation: sign-in and the like.
    pub fn bare(mut self) -> Self {
        self.bare = true;
        self
    }
    /// Larger type and targets, for patients and anybody on a phone.
    pub fn roomy(mut self) -> Self {
        self.roomy = true;
        self
    }

    /// The whole page as an answer.
    pub fn draw(&self, main: &Markup) -> Response {
        let cx = self.cx;
        let w = cx.words();
        let page = html! {
            (DOCTYPE)
            html lang=(w.lang.tag()) dir=(w.lang.dir()) data-theme=[cx.look.theme.map(Theme::code)]
                data-contrast=[cx.look.more_contrast.then_some("more")] data-density=[self.roomy.then_some("roomy")] {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (self.title) " · " (w.t("product")) }
                    link rel="stylesheet" href=(assets::address("main.css"));
                    @if let Some(name) = self.style { link rel="stylesheet" href=(assets::address(name)); }
                    link rel="icon" href=(FAVICON);
                    // Pages are useful before it; it fetches the rest once something is on the screen.
                    script type="module" src=(assets::address("boot.js")) {}
                }
                body {
                    a class="skip btn" href="#main" { (w.t("skip")) }
                    @if !self.bare { (self.bar()) }
                    @if let Some(banner) = &self.banner { (banner) }
                    @if let Some(p) = &self.permit { (permit(&w, p)) }
                    @if let Some(flash) = &cx.flash { div class="toasts" {
                        @let undo = flash.undo.as_deref().map(|to| (to, html! { (cx.csrf()) button { (w.t("undo")) } }));
                        (toast(&w.t(&flash.key), undo))
                    } }
                    main id="main" class=(self.class) tabindex="-1" { (main) }
                    @if self.is_patient() && !self.bare { (self.tabbar()) }
                    @if cx.signed.is_some() { (self.live()) }
                }
            }
        };
        (
            [(header::CONTENT_TYPE, "text/html; charset=utf-8")],
            page.into_string(),
        )
            .into_response()
    }

    fn is_patient(&self) -> bool {
        self.cx
            .signed
            .as_ref()
            .is_some_and(|s| s.cx.actor.kind == ActorKind::Patient)
    }

    /// The element that holds the event stream; its words are told when the line breaks.
    fn live(&self) -> Markup {
        let w = self.cx.words();
        let watch: String = self
            .watch
            .iter()
            .map(|t| format!("&watch={}", encode(t)))
            .collect();
        html! {
            div id="live" hidden hx-sse:connect={ "/live?from=page" (watch) } hx-swap="none"
                hx-config="{\"sse\":{\"pauseOnBackground\":false,\"reconnectMaxDelay\":5000}}" {}
            p id="line-note" class="linenote" role="status" data-down=(w.t("line-down")) data-up="" {}
        }
    }

    fn bar(&self) -> Markup {
        let cx = self.cx;
        let w = cx.words();
        html! {
            header class="bar" {
                a class="brand" href="/" { (mark()) span { (w.t("product")) } }
                @match &cx.signed {
                    Some(signed) => {
                        nav aria-label=(w.t("nav-main")) { ul {
                            @for (href, key) in ways(signed) {
                                // The start page of the patients’ part is above its other pages, not around them.
                                @let around = *href != "/" && *href != "/me" && cx.path.starts_with(&format!("{href}/"));
                                @let here = cx.path == *href || around;
                                li { a href=(href) aria-current=[here.then_some("page")] { (w.t(key)) } }
                            }
                        } }
                        @if signed.cx.actor.is_clinical() {
                            form class="find wide" role="search" action="/search" aria-label=(w.t("find")) {
                                (icon("search")) input type="search" name="q" aria-label=(w.t("find")) placeholder=(w.t("find"));
                            }
                        }
                        (bell(cx, signed.notices))
                        (self.account(signed))
                    }
                    None => {
                        span class="push" {}
                        (language_menu(cx))
                        a class="btn" href="/sign-in" { (w.t("sign-in")) }
                    }
                }
            }
        }
    }

    /// Who is signed in, and what they may set; a native popover, so it needs no script.
    fn account(&self, signed: &Signed) -> Markup {
        let cx = self.cx;
        let w = cx.words();
        let role = role_line(cx, signed);
        html! {
            button class="btn quiet who" popovertarget="account" {
                (avatar(&signed.cx.name))
                span class="wide" { bdi { (signed.cx.name) } small class="soft" { (role) } }
                span class="vh" { (signed.cx.name) ", " (role) }
            }
            div id="account" class="menu" popover {
                div class="body" { b { bdi { (signed.cx.name) } } br; span class="soft small" { (role) } }
                hr;
                nav aria-label=(w.t("nav-account")) { ul {
                    li { a href="/profile" { (icon("person")) (w.t("nav-profile")) } }
                    @if signed.cx.actor.kind != ActorKind::Patient { li { a href="/choose" { (icon("home")) (w.t("nav-choose")) } } }
                } }
                hr;
                (look_form(cx))
                hr;
                form class="body" method="post" action="/sign-out" { (cx.csrf()) button class="btn full" { (w.t("sign-out")) } }
            }
        }
    }

    fn tabbar(&self) -> Markup {
        let w = self.cx.words();
        html! {
            nav class="tabbar" aria-label=(w.t("nav-tabs")) {
                @for (href, name, key) in [("/me", "home", "nav-me"), ("/me/record", "record", "nav-me-record"), ("/me/consents", "shield", "nav-me-consents"), ("/me/readers", "people", "nav-me-readers")] {
                    a href=(href) aria-current=[(self.cx.path == href).then_some("page")] { (icon(name)) (w.t(key)) }
                }
            }
        }
    }
}

/// A whole page in one call: title, and the content of `main`.
pub fn page(cx: &PageCx, title: &str, main: &Markup) -> Response {
    Shell::new(cx, title).draw(main)
}

/// A part of a page, for htmx.
pub fn part(markup: Markup) -> Response {
    (
        StatusCode::OK,
        [(header::CONTENT_TYPE, "text/html; charset=utf-8")],
        markup.into_string(),
    )
        .into_response()
}

/// Where each role goes, in the order of its day.
fn ways(signed: &Signed) -> Vec<&'static (&'static str, &'static str)> {
    const WAYS: &[(Role, &[(&str, &str)])] = &[
        (Role::Coordinator, &[("/inbox", "nav-inbox")]),
        (
            Role::Consultant,
            &[("/worklist", "nav-worklist"), ("/readings", "nav-readings")],
        ),
        (
            Role::Clinician,
            &[("/patients", "nav-patients"), ("/cases", "nav-cases")],
        ),
        (
            Role::Administrator,
            &[
                ("/people", "nav-people"),
                ("/agreements", "nav-agreements"),
                ("/hospital", "nav-hospital"),
                ("/audit", "nav-audit"),
            ],
        ),
        (Role::Operator, &[("/operator", "nav-operator")]),
        (
            Role::Patient,
            &[
                ("/me", "nav-me"),
                ("/me/record", "nav-me-record"),
                ("/me/consents", "nav-me-consents"),
                ("/me/readers", "nav-me-readers"),
            ],
        ),
    ];
    WAYS.iter()
        .filter(|(role, _)| signed.cx.actor.has(*role))
        .flat_map(|(_, ways)| ways.iter())
        .collect()
}

/// Where the reader's day begins.
pub fn first_way(signed: &Signed) -> &'static str {
    ways(signed).first().map_or("/profile", |(href, _)| href)
}

fn role_line(cx: &PageCx, signed: &Signed) -> String {
    let w = cx.words();
    let roles = signed
        .cx
        .actor
        .roles
        .iter()
        .map(|r| w.word("role", r.as_str()));
    w.list(roles.chain(signed.hospital.clone()))
}

/// The bell with its count; asks again when the live line says there is news.
pub fn bell(cx: &PageCx, unread: u64) -> Markup {
    let w = cx.words();
    let label = w.f(
        "nav-notices",
        args!["n" => i64::try_from(unread).unwrap_or(i64::MAX)],
    );
    html! {
        a class="btn quiet icon bell" href="/notices" aria-label=(label)
            hx-get="/notices/bell" hx-trigger="notice from:#live, caught-up from:#live" hx-swap="outerHTML" {
            (icon("bell")) @if unread > 0 { (count(unread)) }
        }
    }
}

/// Language, theme and contrast: buttons of one plain form.
pub fn look_form(cx: &PageCx) -> Markup {
    let w = cx.words();
    html! {
        form class="body stack tightly looks" method="post" action="/look" {
            (cx.csrf())
            input type="hidden" name="back" value=(cx.back());
            div role="group" aria-label=(w.t("look-language")) class="row" {
                @for lang in Lang::ALL {
                    button class="btn" name="lang" value=(lang.tag()) lang=(lang.tag()) aria-pressed=(if lang == w.lang { "true" } else { "false" }) { (lang.own_name()) }
                }
            }
            div role="group" aria-label=(w.t("look-theme")) class="row" {
                @let chosen = cx.look.theme.map_or("auto", Theme::code);
                @for (value, name) in [("auto", "contrast"), ("light", "sun"), ("dark", "moon")] {
                    button class="btn" name="theme" value=(value) aria-pressed=(if value == chosen { "true" } else { "false" }) { (icon(name)) (w.word("theme", value)) }
                }
            }
            button class="btn" name="contrast" value=(if cx.look.more_contrast { "normal" } else { "more" })
                aria-pressed=(if cx.look.more_contrast { "true" } else { "false" }) { (w.t("look-contrast")) }
        }
    }
}

/// The languages in a row, for pages before sign-in.
pub fn language_menu(cx: &PageCx) -> Markup {
    let w = cx.words();
    html! {
        form class="row languages" method="post" action="/look" aria-label=(w.t("look-language")) {
            (cx.csrf())
            input type="hidden" name="back" value=(cx.back());
            @for lang in Lang::ALL {
                @if lang == w.lang { b aria-current="true" lang=(lang.tag()) { (lang.own_name()) } }
                @else { button class="link" name="lang" value=(lang.tag()) lang=(lang.tag()) { (lang.own_name()) } }
            }
        }
    }
}
