//! The patient's banner: the same few facts on every page about a patient, so that the right person is looked at.

use maud::{Markup, html};

use super::basic::org_named;
use super::icon::icon;
use crate::show::Show;

/// An identifier with the one who issued it.
#[derive(Debug, Clone)]
pub struct Identifier {
    /// `Yarqum number`.
    pub label: String,
    pub value: String,
}

/// Who the page is about. Everything here is shown only to a reader with a permit for it; what the permit leaves
/// out is `None` and not drawn.
#[derive(Debug, Clone, Default)]
pub struct Banner {
    /// The name the reader reads most easily, or the case number where the name is withheld.
    pub heading: String,
    /// The same name in its other scripts, as given.
    pub others: Vec<String>,
    /// FHIR date, possibly partial.
    pub born: Option<String>,
    /// Age as the source of the page knows it, where the date of birth itself is withheld.
    pub age: Option<String>,
    /// FHIR administrative gender.
    pub sex: Option<String>,
    pub identifiers: Vec<Identifier>,
    /// Substance and reaction. `None`: not known to this reader; empty: asked, none recorded.
    pub allergies: Option<Vec<(String, String)>>,
    pub language: Option<String>,
    pub deceased: Option<String>,
    /// Where the name leads, when the page is not the patient's own.
    pub href: Option<String>,
    /// Names are withheld by the agreement: a case number stands for the patient.
    pub pseudonym: bool,
    /// Whose record this is: tile and name.
    pub custodian: Option<(String, String)>,
}

impl Banner {
    /// The name is the page's `h1`.
    pub fn draw(&self, show: &Show) -> Markup {
        self.draw_as(show, 1)
    }

    /// With the name as a heading of another level, where several banners stand on one page.
    pub fn draw_as(&self, show: &Show, level: u8) -> Markup {
        let w = &show.words;
        let bdi = html! { bdi { (self.heading) } };
        let name =
            html! { @match &self.href { Some(href) => a href=(href) { (bdi) }, None => (bdi) } };
        html! {
            div class="banner" role=[(level == 1).then_some("region")] aria-label=[(level == 1).then(|| w.t("banner-patient"))] {
                div {
                    @if level == 1 { h1 class="name" { (name) } } @else { h3 class="name" { (name) } }
                    @if !self.others.is_empty() {
                        p class="soft small" { @for (i, name) in self.others.iter().enumerate() {
                            @if i > 0 { " " span class="faint" { "·" } " " } bdi { (name) }
                        } }
                    }
                    @if self.pseudonym { p class="soft small" { (w.t("banner-pseudonym")) } }
                }
                dl {
                    @if self.born.is_some() || self.age.is_some() || self.sex.is_some() { div { dt { (w.t("banner-born")) } dd { (self.born_line(show)) } } }
                    @if let Some(when) = &self.deceased { div { dt { (w.t("banner-deceased")) } dd { (show.fhir_date(when)) } } }
                    @for id in &self.identifiers { div { dt { (id.label) } dd class="id" { (id.value) } } }
                    @if let Some(allergies) = &self.allergies { div { dt { (w.t("banner-allergies")) } dd { (allergy_line(show, allergies)) } } }
                    @if let Some((tile, name)) = &self.custodian { div { dt { (w.t("banner-custodian")) } dd { (org_named(tile, name)) } } }
                    @if let Some(language) = &self.language { div { dt { (w.t("banner-language")) } dd { (language) } } }
                }
            }
        }
    }

    fn born_line(&self, show: &Show) -> String {
        let w = &show.words;
        let born = self.born.as_deref();
        let date = born.map(|b| {
            b.parse::<jiff::civil::Date>()
                .map_or_else(|_| show.fhir_date(b), |d| show.date(d))
        });
        let age = born
            .filter(|_| self.deceased.is_none())
            .and_then(|b| show.age(b));
        let sex = self.sex.as_deref().map(|s| w.word("sex", s));
        w.list([date, age, sex].into_iter().flatten())
    }
}

fn allergy_line(show: &Show, allergies: &[(String, String)]) -> Markup {
    html! {
        @if allergies.is_empty() { span class="soft" { (show.words.t("banner-no-allergies")) } }
        @for (i, (what, how)) in allergies.iter().enumerate() {
            @if i > 0 { " " }
            span class="chip" data-k="stop" { (icon("warn")) b { (what) } } @if !how.is_empty() { " " (how) }
        }
    }
}
