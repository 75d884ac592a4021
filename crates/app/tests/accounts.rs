//! Who gets in, how, and for how long: the promises of signing in, over a real store.

#![allow(clippy::unwrap_used)] // a test stops where it fails

use std::time::Duration;

use agreements::{Privilege, Role};
use karez_app::accounts::{
    Invite, InviteAs, Membership, NewAccount, NewWayIn, PrivilegeGrant, Reauth, RoleGrant, SignIn,
    Validity,
};
use karez_app::cx::Channel;
use karez_app::people::MemberChange;
use karez_app::sessions::{Pending, SessionAsk, SignedIn};
use karez_app::{AppError, Cx, Language};
use kernel::{AccountId, Clock, HospitalId, Phi, limits};
use testkit::TestNode;

const PASSWORD: &str = "seven poplars by the well";
const SECRET: [u8; 20] = [7; 20];

fn ask(peer: &str) -> SessionAsk {
    SessionAsk {
        request: "test".into(),
        peer: Some(peer.into()),
        channel: Channel::Page,
    }
}

fn slug(text: &str) -> HospitalId {
    HospitalId::new(text).unwrap()
}

async fn node() -> TestNode {
    TestNode::with_hospitals(&["yarqum", "saryozen"]).await
}

struct Who<'a> {
    login: &'a str,
    seats: &'a [(&'a str, Role)],
    totp: bool,
}

async fn account(node: &TestNode, who: Who<'_>) -> AccountId {
    let mut memberships: Vec<Membership> = Vec::new();
    for (hospital, role) in who.seats {
        let mut m = Membership::new(slug(hospital));
        m.roles.push(RoleGrant {
            role: *role,
            valid: Validity::since(node.now()),
        });
        memberships.push(m);
    }
    let new = NewAccount {
        login: who.login.into(),
        email: None,
        name: "李静".into(),
        latin_name: None,
        language: Language::English,
        zone: "Asia/Shanghai".into(),
        password: Phi::new(PASSWORD.into()),
        totp_secret: who.totp.then_some(SECRET),
        memberships,
        patients: Vec::new(),
    };
    node.app
        .create_account(&node.app.operator_cx(), new)
        .await
        .unwrap()
}

fn code(node: &TestNode) -> String {
    totp_rs::Builder::new()
        .with_secret(totp_rs::Secret::from(SECRET))
        .build()
        .unwrap()
        .generate(u64::try_from(node.now().as_second()).unwrap())
        .to_string()
}

fn given(login: &str, password: &str, code: Option<String>) -> SignIn {
    SignIn {
        login: login.into(),
        password: Phi::new(password.into()),
        code,
        device: None,
    }
}

/// Signs in with what is needed and returns the session.
async fn enter(node: &TestNode, login: &str, code: Option<String>) -> SignedIn {
    let begun = node
        .app
        .sign_in(ask("10.0.0.1"), given(login, PASSWORD, code))
        .await
        .unwrap();
    node.app
        .session(&begun.token, ask("10.0.0.1"))
        .await
        .unwrap()
}

async fn administrator(node: &TestNode) -> Cx {
    let who = Who {
        login: "admin@yarqum.example",
        seats: &[("yarqum", Role::Administrator)],
        totp: true,
    };
    account(node, who).await;
    enter(node, "admin@yarqum.example", Some(code(node)))
        .await
        .cx
}

#[tokio::test]
async fn eight_wrong_passwords_close_an_account_for_fifteen_minutes_known_or_not() {
    let node = node().await;
    let who = Who {
        login: "li@yarqum.example",
        seats: &[("yarqum", Role::Clinician)],
        totp: false,
    };
    account(&node, who).await;
    for login in ["li@yarqum.example", "nobody@yarqum.example"] {
        for n in 0..limits::SIGN_IN_ATTEMPTS_MAX {
            let e = node
                .app
                .sign_in(ask(&format!("10.0.1.{n}")), given(login, "wrong", None))
                .await
                .unwrap_err();
            assert!(matches!(e, AppError::Unauthenticated), "{login} {n}: {e}");
        }
        let e = node
            .app
            .sign_in(ask("10.9.9.9"), given(login, PASSWORD, None))
            .await
            .unwrap_err();
        assert!(matches!(e, AppError::RateLimited { .. }), "{login}: {e}");
    }
    let lock = jiff::SignedDuration::from_secs(limits::SIGN_IN_LOCK_S + 1);
    node.clock.advance(lock);
    enter(&node, "li@yarqum.example", None).await;
}

#[tokio::test]
async fn a_code_counts_once_and_a_recovery_code_counts_once() {
    let node = node().await;
    let who = Who {
        login: "li@yarqum.example",
        seats: &[("yarqum", Role::Clinician)],
        totp: true,
    };
    account(&node, who).await;
    let first = code(&node);
    let signed = enter(&node, "li@yarqum.example", Some(first.clone())).await;
    assert!(signed.cx.second_factor && signed.pending.is_none());
    let again = node
        .app
        .sign_in(
            ask("10.0.0.1"),
            given("li@yarqum.example", PASSWORD, Some(first)),
        )
        .await;
    assert!(matches!(again, Err(AppError::Unauthenticated)));

    node.clock.advance(jiff::SignedDuration::from_secs(31));
    let reauth = Reauth {
        password: Phi::new(PASSWORD.into()),
        code: Some(code(&node)),
        passkey: None,
    };
    let codes = node
        .app
        .renew_recovery_codes(&signed_now(&node, &signed), &reauth)
        .await
        .unwrap();
    enter(&node, "li@yarqum.example", Some(codes[0].clone())).await;
    let again = node
        .app
        .sign_in(
            ask("10.0.0.1"),
            given("li@yarqum.example", PASSWORD, Some(codes[0].clone())),
        )
        .await;
    assert!(matches!(again, Err(AppError::Unauthenticated)));
}

/// The same actor at the time the clock shows now.
fn signed_now(node: &TestNode, signed: &SignedIn) -> Cx {
    Cx {
        now: node.clock.now(),
        ..signed.cx.clone()
    }
}

#[tokio::test]
async fn a_password_alone_opens_nothing_where_a_second_factor_is_set_up() {
    let node = node().await;
    let who = Who {
        login: "li@yarqum.example",
        seats: &[("yarqum", Role::Clinician)],
        totp: true,
    };
    account(&node, who).await;
    let begun = node
        .app
        .sign_in(ask("10.0.0.1"), given("li@yarqum.example", PASSWORD, None))
        .await
        .unwrap();
    assert!(begun.code_owed);
    let half = node
        .app
        .session(&begun.token, ask("10.0.0.1"))
        .await
        .unwrap();
    assert_eq!(half.pending, Some(Pending::SecondFactor));
    assert!(half.cx.actor.roles.is_empty() && half.cx.actor.hospital.is_none());
    assert!(
        node.app
            .session_cx(&begun.token, ask("10.0.0.1"))
            .await
            .is_err()
    );
    let whole = node
        .app
        .give_code(&begun.token, ask("10.0.0.1"), &code(&node))
        .await
        .unwrap();
    assert_ne!(
        whole.token, begun.token,
        "the token changes with the rights"
    );
    assert!(
        node.app
            .session(&begun.token, ask("10.0.0.1"))
            .await
            .is_err()
    );
    let whole = node
        .app
        .session(&whole.token, ask("10.0.0.1"))
        .await
        .unwrap();
    assert!(whole.cx.actor.has(Role::Clinician));
}

#[tokio::test]
async fn a_role_that_signs_must_set_up_a_second_factor_before_it_acts() {
    let node = node().await;
    let who = Who {
        login: "su@saryozen.example",
        seats: &[("saryozen", Role::Consultant)],
        totp: false,
    };
    account(&node, who).await;
    let signed = enter(&node, "su@saryozen.example", None).await;
    assert_eq!(signed.pending, Some(Pending::Enrol));
    assert!(signed.cx.actor.roles.is_empty());
}

#[tokio::test]
async fn one_person_acts_for_the_hospital_they_chose_and_no_other() {
    let node = node().await;
    let who = Who {
        login: "li@yarqum.example",
        seats: &[("yarqum", Role::Clinician), ("saryozen", Role::Coordinator)],
        totp: false,
    };
    account(&node, who).await;
    let begun = node
        .app
        .sign_in(ask("10.0.0.1"), given("li@yarqum.example", PASSWORD, None))
        .await
        .unwrap();
    let session = || node.app.session(&begun.token, ask("10.0.0.1"));
    let signed = session().await.unwrap();
    assert_eq!(signed.pending, Some(Pending::Choose));
    let elsewhere = node
        .app
        .choose_seat(
            &signed.cx,
            &signed.session,
            &slug("saryozen"),
            Some(Role::Clinician),
        )
        .await;
    assert!(matches!(elsewhere, Err(AppError::Denied(_))));
    node.app
        .choose_seat(&signed.cx, &signed.session, &slug("saryozen"), None)
        .await
        .unwrap();
    let signed = session().await.unwrap();
    assert_eq!(signed.cx.actor.hospital, Some(slug("saryozen")));
    assert!(!signed.cx.actor.has(Role::Clinician));
}

#[tokio::test]
async fn suspending_a_member_ends_sessions_and_open_pages_at_once() {
    let node = node().await;
    let admin = administrator(&node).await;
    let who = Who {
        login: "li@yarqum.example",
        seats: &[("yarqum", Role::Clinician)],
        totp: false,
    };
    let id = account(&node, who).await;
    let begun = node
        .app
        .sign_in(ask("10.0.0.1"), given("li@yarqum.example", PASSWORD, None))
        .await
        .unwrap();
    let signed = node
        .app
        .session(&begun.token, ask("10.0.0.1"))
        .await
        .unwrap();
    let mut watch = node.app.session_watch(&signed);
    let page = tokio::spawn(async move { watch.ended().await });
    node.app.suspend_member(&admin, &id).await.unwrap();
    tokio::time::timeout(Duration::from_secs(1), page)
        .await
        .expect("the open page ends within a second")
        .unwrap();
    assert!(matches!(
        node.app.session(&begun.token, ask("10.0.0.1")).await,
        Err(AppError::Unauthenticated)
    ));
    let signed = enter(&node, "li@yarqum.example", None).await;
    assert!(signed.seats.is_empty() && signed.cx.actor.roles.is_empty());
}

#[tokio::test]
async fn nobody_changes_their_own_roles_and_no_administrator_reaches_another_hospital() {
    let node = node().await;
    let admin = administrator(&node).await;
    let other = Who {
        login: "aliya@saryozen.example",
        seats: &[("saryozen", Role::Clinician)],
        totp: false,
    };
    let other = account(&node, other).await;
    let change = || MemberChange {
        title: None,
        roles: vec![RoleGrant {
            role: Role::Clinician,
            valid: Validity::since(node.now()),
        }],
        privileges: vec![PrivilegeGrant {
            privilege: Privilege::Sensitive,
            valid: Validity::since(node.now()),
        }],
        licences: Vec::new(),
        specialties: Vec::new(),
    };
    let own = node
        .app
        .change_member(&admin, &admin.actor.account, 1, change())
        .await;
    assert!(matches!(own, Err(AppError::Rejected { .. })));
    let elsewhere = node.app.change_member(&admin, &other, 1, change()).await;
    assert!(matches!(elsewhere, Err(AppError::NotFound)));
    let mut operator = change();
    operator.roles[0].role = Role::Operator;
    let colleague = Who {
        login: "li@yarqum.example",
        seats: &[("yarqum", Role::Clinician)],
        totp: false,
    };
    let colleague = account(&node, colleague).await;
    let raised = node
        .app
        .change_member(&admin, &colleague, 1, operator)
        .await;
    assert!(matches!(raised, Err(AppError::Invalid(_))));
}

#[tokio::test]
async fn an_invitation_works_once_and_not_after_seven_days() {
    let node = node().await;
    let admin = administrator(&node).await;
    let invite = |login: &str| Invite {
        email: login.into(),
        name: "Aliya Nur".into(),
        latin_name: None,
        language: Language::English,
        zone: "Asia/Shanghai".into(),
        invite_as: InviteAs::Staff {
            title: None,
            roles: vec![RoleGrant {
                role: Role::Clinician,
                valid: Validity::since(node.now()),
            }],
            specialties: Vec::new(),
        },
    };
    let way_in = || NewWayIn {
        password: Phi::new(PASSWORD.into()),
        language: Language::English,
        device: None,
    };
    let token = |link: Phi<String>| link.reveal().rsplit('/').next().unwrap().to_owned();
    let first = node
        .app
        .invite(&admin, invite("a@yarqum.example"))
        .await
        .unwrap();
    let first = token(first.link.unwrap());
    let begun = node
        .app
        .accept_invitation(&first, ask("10.0.0.1"), way_in())
        .await
        .unwrap();
    let signed = node
        .app
        .session(&begun.token, ask("10.0.0.1"))
        .await
        .unwrap();
    assert_eq!(signed.cx.actor.hospital, Some(slug("yarqum")));
    let again = node
        .app
        .accept_invitation(&first, ask("10.0.0.1"), way_in())
        .await;
    assert!(matches!(again, Err(AppError::NotFound)));

    let late = node
        .app
        .invite(&admin, invite("b@yarqum.example"))
        .await
        .unwrap();
    node.clock
        .advance(jiff::SignedDuration::from_hours(24 * 7 + 1));
    let late = token(late.link.unwrap());
    let late = node
        .app
        .accept_invitation(&late, ask("10.0.0.1"), way_in())
        .await;
    assert!(matches!(late, Err(AppError::NotFound)));
}

#[tokio::test]
async fn a_role_ends_with_its_last_day_also_for_a_session_already_open() {
    let node = node().await;
    let admin = administrator(&node).await;
    let who = Who {
        login: "li@yarqum.example",
        seats: &[("yarqum", Role::Clinician)],
        totp: false,
    };
    let id = account(&node, who).await;
    let until = node.now() + jiff::SignedDuration::from_hours(1);
    let change = MemberChange {
        title: None,
        roles: vec![RoleGrant {
            role: Role::Clinician,
            valid: Validity {
                from: node.now(),
                until: Some(until),
            },
        }],
        privileges: Vec::new(),
        licences: Vec::new(),
        specialties: Vec::new(),
    };
    let version = node.app.member(&admin, &id).await.unwrap().version;
    node.app
        .change_member(&admin, &id, version, change)
        .await
        .unwrap();
    let begun = node
        .app
        .sign_in(ask("10.0.0.1"), given("li@yarqum.example", PASSWORD, None))
        .await
        .unwrap();
    let signed = node
        .app
        .session(&begun.token, ask("10.0.0.1"))
        .await
        .unwrap();
    assert!(signed.cx.actor.has(Role::Clinician));
    node.clock.advance(jiff::SignedDuration::from_hours(1));
    let signed = node
        .app
        .session(&begun.token, ask("10.0.0.1"))
        .await
        .unwrap();
    assert!(!signed.cx.actor.has(Role::Clinician));
}

#[tokio::test]
async fn a_name_closed_on_one_node_is_closed_on_all_and_a_success_there_forgives_it() {
    let node = node().await;
    let other = node.another().await;
    let who = Who {
        login: "li@yarqum.example",
        seats: &[("yarqum", Role::Clinician)],
        totp: false,
    };
    account(&node, who).await;
    let wrong = || given("li@yarqum.example", "not the password", None);
    let right = || given("li@yarqum.example", PASSWORD, None);
    let half = limits::SIGN_IN_ATTEMPTS_MAX / 2;
    for _ in 0..half {
        node.app
            .sign_in(ask("10.0.0.1"), wrong())
            .await
            .unwrap_err();
    }
    other.sign_in(ask("10.0.0.2"), right()).await.unwrap();
    for n in 0..limits::SIGN_IN_ATTEMPTS_MAX {
        let app = if n % 2 == 0 { &node.app } else { &other };
        app.sign_in(ask("10.0.0.1"), wrong()).await.unwrap_err();
    }
    for app in [&node.app, &other] {
        let closed = app.sign_in(ask("10.0.0.3"), right()).await;
        assert!(matches!(closed, Err(AppError::RateLimited { .. })));
    }
}

#[tokio::test]
async fn failures_at_once_on_two_nodes_are_all_counted() {
    let node = node().await;
    let other = node.another().await;
    let tries = (0..limits::SIGN_IN_ATTEMPTS_MAX).map(|n| {
        let app = if n % 2 == 0 {
            node.app.clone()
        } else {
            other.clone()
        };
        async move {
            app.sign_in(ask("10.0.0.1"), given("nobody@yarqum.example", "x", None))
                .await
                .unwrap_err();
        }
    });
    let tries: Vec<_> = tries.map(tokio::spawn).collect();
    for one in tries {
        one.await.unwrap();
    }
    let closed = other
        .sign_in(ask("10.0.0.9"), given("nobody@yarqum.example", "x", None))
        .await;
    assert!(matches!(closed, Err(AppError::RateLimited { .. })));
}

#[tokio::test]
async fn a_session_ended_on_one_node_ends_on_the_others_with_its_open_pages() {
    let node = node().await;
    let other = node.another().await;
    let who = Who {
        login: "li@yarqum.example",
        seats: &[("yarqum", Role::Clinician)],
        totp: false,
    };
    let id = account(&node, who).await;
    let admin = administrator(&node).await;
    let follower = other.clone();
    tokio::spawn(async move { follower.follow_feed().await });
    let one = enter(&node, "li@yarqum.example", None).await;
    let two = enter(&node, "li@yarqum.example", None).await;
    let open = |signed: &SignedIn| {
        let mut watch = other.session_watch(signed);
        tokio::spawn(async move { watch.ended().await })
    };
    let (first, second) = (open(&one), open(&two));
    // The follower begins to listen before anything ends.
    tokio::time::timeout(Duration::from_millis(200), std::future::pending::<()>())
        .await
        .unwrap_err();
    assert!(!first.is_finished() && !second.is_finished());
    node.app.sign_out(&one.cx, &one.session).await.unwrap();
    let within = Duration::from_secs(2);
    tokio::time::timeout(within, first).await.unwrap().unwrap();
    assert!(!second.is_finished());
    node.app.suspend_member(&admin, &id).await.unwrap();
    tokio::time::timeout(within, second).await.unwrap().unwrap();
    // A page that opens as its session ends elsewhere hears of it although nobody tells it.
    let mut late = other.session_watch(&two);
    tokio::time::timeout(within, late.ended()).await.unwrap();
}
