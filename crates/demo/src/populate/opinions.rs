//! Opinions: drafted and signed by the consultant, with a translation where the story has one.

use app::AppError;
use app::accounts::Reauth;
use app::opinions::{DraftText, SignAsk, TranslationAsk};
use kernel::Phi;

use super::cases::Told;
use super::world::World;
use crate::PASSWORD;
use crate::generate::model::{Opinion, Stage};

/// Writes the draft and, unless the case still stands with the consultant, signs it.
pub async fn write(world: &World<'_>, told: &Told<'_>, opinion: &Opinion) -> Result<(), AppError> {
    let (app, key) = (world.app, &told.key);
    let words = |text: &str| Phi::new(text.to_owned());
    let cx = told.consultant(world, told.steps.at(72))?;
    app.opinion_desk(&cx, key).await?;
    let draft = DraftText {
        findings: words(opinion.findings),
        assessment: words(opinion.assessment),
        advice: words(opinion.advice),
        orders: Vec::new(),
        language: told.plan.language.into(),
    };
    app.keep_opinion_draft(&cx, key, draft).await?;
    if told.plan.stage == Stage::Allocated {
        return Ok(());
    }
    let cx = told.consultant(world, told.steps.at(80))?;
    let ask = SignAsk {
        reauth: Reauth {
            password: words(PASSWORD),
            code: None,
            passkey: None,
        },
        co_signer: None,
        addendum_to: None,
        seen_changes: true,
    };
    let id = app.sign_opinion(&cx, key, ask).await?;
    if let Some((language, translator, advice)) = opinion.translation {
        let cx = world.cx(translator, told.plan.to, told.steps.at(84))?;
        let ask = TranslationAsk {
            language: language.into(),
            sections: vec![("advise".into(), words(advice))],
            machine: None,
        };
        app.translate_opinion(&cx, key, &id, ask).await?;
    }
    Ok(())
}
