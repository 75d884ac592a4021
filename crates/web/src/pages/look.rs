//! `POST /look`: language, theme and contrast, kept in cookies for a year.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect};

use crate::frame::form::Fields;
use crate::frame::look::Theme;
use crate::frame::route::own_address;
use crate::frame::{PageResult, RouteSpec, WebState, Who, post};
use crate::words::Lang;

pub fn routes() -> Vec<RouteSpec> {
    vec![post("/look", Who::Anyone, set)]
}

async fn set(State(state): State<WebState>, fields: Fields) -> PageResult {
    let mut answer = Redirect::to(own_address(fields.get("back")).unwrap_or("/")).into_response();
    let mut keep = |name: &str, value: &str| {
        let secure = if state.app.settings().secure_cookies {
            "; Secure"
        } else {
            ""
        };
        let text =
            format!("{name}={value}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax{secure}");
        if let Ok(value) = HeaderValue::from_str(&text) {
            answer.headers_mut().append(header::SET_COOKIE, value);
        }
    };
    if let Some(lang) = Lang::from_tag(fields.get("lang")) {
        keep("lang", lang.tag());
    }
    if fields.has("theme") {
        keep(
            "theme",
            Theme::from_code(fields.get("theme")).map_or("auto", Theme::code),
        );
    }
    if fields.has("contrast") {
        keep(
            "contrast",
            if fields.get("contrast") == "more" {
                "more"
            } else {
                "normal"
            },
        );
    }
    Ok(answer)
}
