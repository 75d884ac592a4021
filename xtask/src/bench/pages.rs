//! Server time of the main pages on the demonstration data, one reader at a time, signed in.

use anyhow::{Context, Result, ensure};

use super::http::Client;
use super::node::Node;
use super::{line, times};

/// The password of every demonstration account.
const PASSWORD: &str = "snow+melts+into+the+karez";

/// Who opens which pages.
const PAGES: &[(&str, &[&str])] = &[
    ("tursun@yarqum.example", &["/patients", "/cases"]),
    ("gulnar@qumtagh.example", &["/inbox"]),
    ("sokolova@saryozen.example", &["/worklist"]),
    (
        "liuyang@qumtagh.example",
        &["/agreements", "/people", "/audit"],
    ),
];

pub fn run(requests: usize) -> Result<()> {
    let node = Node::demo()?;
    for (login, pages) in PAGES {
        let mut client = sign_in(&node.base, login)?;
        let mut pages: Vec<String> = pages.iter().map(|p| (*p).to_owned()).collect();
        // From a list to the first thing on it: a patient's time line, a case.
        if let Some(list) = pages.first().cloned() {
            pages.extend(first_link(&mut client, &list)?);
        }
        for page in pages {
            let sorted = times(requests, || {
                let answer = client.get(&page)?;
                ensure!(answer.status == 200, "{page}: {}", answer.status);
                Ok(())
            })?;
            line(&generic(&page), &sorted);
        }
    }
    if let Some(mib) = node.resident_mib() {
        println!("resident memory {mib:.0} MiB");
    }
    Ok(())
}

/// The address with ids replaced, as it may stand in a log.
fn generic(page: &str) -> String {
    let parts = page.split('/').map(|p| {
        if p.chars().any(|c| c.is_ascii_digit()) {
            ":id"
        } else {
            p
        }
    });
    parts.collect::<Vec<_>>().join("/")
}

fn first_link(client: &mut Client, list: &str) -> Result<Option<String>> {
    let text = String::from_utf8_lossy(&client.get(list)?.body).into_owned();
    let links = text
        .split("href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next());
    let of_a_thing = |link: &&str| {
        ["/patients/", "/cases/", "/agreements/"]
            .iter()
            .any(|p| link.starts_with(p))
            && link.chars().any(|c| c.is_ascii_digit())
            && !link.contains('?')
    };
    Ok(links.into_iter().find(of_a_thing).map(str::to_owned))
}

fn sign_in(base: &str, login: &str) -> Result<Client> {
    let mut client = Client::connect(base)?;
    let form = String::from_utf8_lossy(&client.get("/sign-in")?.body).into_owned();
    let token = hidden(&form, "csrf").or_else(|| hidden(&form, "form_token"));
    let mut fields = format!("login={}&password={PASSWORD}", login.replace('@', "%40"));
    if let Some((name, value)) = token {
        fields.push_str(&format!("&{name}={value}"));
    }
    let answer = client.post_form("/sign-in", &fields)?;
    ensure!(
        answer.status == 303,
        "sign in as {login}: {}",
        answer.status
    );
    let next = answer.location.context("sign-in leads nowhere")?;
    client.get(&next)?;
    Ok(client)
}

/// Name and value of a hidden field whose name contains `word`.
fn hidden(html: &str, word: &str) -> Option<(String, String)> {
    html.split("<input").skip(1).find_map(|input| {
        let tag = input.split('>').next()?;
        let attribute = |name: &str| {
            Some(
                tag.split(&format!("{name}=\""))
                    .nth(1)?
                    .split('"')
                    .next()?
                    .to_owned(),
            )
        };
        let name = attribute("name")?;
        name.contains(word).then_some(())?;
        Some((name, attribute("value")?))
    })
}
