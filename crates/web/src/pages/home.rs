//! `/`: the first page of the reader's day, by role; a stranger is led to sign in.

use axum::response::{IntoResponse, Redirect};

use crate::frame::{PageCx, PageResult, RouteSpec, Who, get};
use crate::shell::first_way;

pub fn routes() -> Vec<RouteSpec> {
    vec![get("/", Who::Anyone, home)]
}

async fn home(cx: PageCx) -> PageResult {
    let to = match &cx.signed {
        None => "/sign-in",
        Some(signed) => match signed.session.pending {
            Some(pending) => pending.page(),
            None => first_way(signed),
        },
    };
    Ok(Redirect::to(to).into_response())
}
