//! The fields that prove again who is there, in every form that asks for it, and what was given in them.

use app::accounts::{PasskeyAnswer, Reauth};
use kernel::Phi;
use maud::{Markup, html};

use super::PageCx;
use super::form::Fields;
use crate::components::form::{Errors, Field};
use crate::components::icon;
use crate::words::Words;

/// Password, the code where a second factor is set up, and the passkey that does instead of both.
pub fn fields(cx: &PageCx, errors: &Errors) -> Markup {
    let w = cx.words();
    let proofs = cx
        .signed
        .as_ref()
        .map(|s| s.session.proofs.clone())
        .unwrap_or_default();
    html! {
        input type="hidden" name="username" autocomplete="username" value=(proofs.login);
        (Field::new("password", w.t("profile-password-now")).kind("password").errors(errors).autocomplete("current-password").maxlength(256).required().input())
        @if proofs.code {
            (Field::new("code", w.t("sign-in-code")).hint(w.t("sign-in-code-or-recovery")).errors(errors).autocomplete("one-time-code").maxlength(24).class("code").required().input())
        }
        @if proofs.passkey { (passkey(&w, Ceremony::Prove, &w.t("passkey-instead"), errors)) }
    }
}

/// What was typed into [`fields`], or answered by a passkey.
pub fn given(fields: &Fields) -> Reauth {
    Reauth {
        password: Phi::new(fields.raw("password").to_owned()),
        code: fields.some("code").map(str::to_owned),
        passkey: answer(fields),
    }
}

/// The passkey's answer in a form, when there is one.
pub fn answer(fields: &Fields) -> Option<PasskeyAnswer> {
    let credential = fields.some("passkey-credential")?;
    Some(PasskeyAnswer {
        ceremony: fields.get("passkey-ceremony").to_owned(),
        credential: Phi::new(credential.to_owned()),
    })
}

/// What a passkey is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ceremony {
    Create,
    SignIn,
    Prove,
}

impl Ceremony {
    const fn challenge(self) -> &'static str {
        match self {
            Self::Create => "/profile/passkeys/challenge",
            Self::SignIn => "/sign-in/passkey/challenge",
            Self::Prove => "/passkey/challenge",
        }
    }
}

/// A button inside a form that asks the browser for a passkey and sends the form with its answer. It stays hidden
/// where the browser has none (`islands/src/passkey.ts`).
pub fn passkey(w: &Words, what: Ceremony, label: &str, errors: &Errors) -> Markup {
    let kind = if what == Ceremony::Create {
        "create"
    } else {
        "get"
    };
    // Where a passkey is made it is all the page is for; elsewhere it stands beside another way.
    let class = if what == Ceremony::Create {
        "btn primary"
    } else {
        "btn"
    };
    html! {
        div class="field" data-passkey=(what.challenge()) data-kind=(kind) data-failed=(w.t("passkey-failed")) {
            input type="hidden" name="passkey-ceremony";
            input type="hidden" name="passkey-credential";
            p class="error" id="passkey" role="alert" hidden[errors.of("passkey").is_none()] { (errors.of("passkey").unwrap_or_default()) }
            div class="row" hidden { button class=(class) type="button" { (icon("key")) (label) } }
        }
    }
}
