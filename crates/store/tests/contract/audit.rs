use karez_store::{AuditDraft, AuditFilter, Precondition, Store, StoreError};
use kernel::AccountId;

use crate::support::*;

fn draft(chain: &str, account: &str, patient: Option<&str>, action: &str) -> AuditDraft {
    AuditDraft {
        chain: hospital_id(chain),
        account: Some(AccountId::new(account).unwrap()),
        patient: patient.map(id),
        action: action.into(),
        body: bytes::Bytes::from(format!(
            "{{\"resourceType\":\"AuditEvent\",\"by\":\"{account}\"}}"
        ))
        .into(),
    }
}

async fn add(store: &Store, drafts: Vec<AuditDraft>) {
    commit(store, |b| b.audit = drafts).await.unwrap();
}

pub async fn chains_are_numbered_and_verify(f: Fixture) {
    for n in 0..4 {
        let by = format!("a{n}");
        add(
            &f.store,
            vec![
                draft("yarqum", &by, Some("p1"), "read"),
                draft("qumtagh", &by, Some("p1"), "read"),
                draft("yarqum", &by, None, "list"),
            ],
        )
        .await;
    }
    let (y, q) = (hospital_id("yarqum"), hospital_id("qumtagh"));
    let report = f.store.verify_chain(&system(), &y).await.unwrap();
    assert_eq!((report.entries, report.broken_at), (8, None));
    let head = f.store.chain_head(&system(), &y).await.unwrap().unwrap();
    assert_eq!((head.number, head.hash), (8, report.head));
    let other = f.store.verify_chain(&system(), &q).await.unwrap();
    assert_eq!(other.entries, 4);
    assert_ne!(other.head, report.head);
    let none = hospital_id("aqtash");
    assert!(
        f.store
            .chain_head(&system(), &none)
            .await
            .unwrap()
            .is_none()
    );
    let empty = f.store.verify_chain(&system(), &none).await.unwrap();
    assert_eq!((empty.entries, empty.broken_at), (0, None));
    let staff = doctor("d", "yarqum", at(0));
    assert!(f.store.verify_chain(&staff, &y).await.is_err());
    assert!(
        f.store
            .audit(&staff, &y, &AuditFilter::default())
            .await
            .is_err()
    );
}

pub async fn filters_and_pages(f: Fixture) {
    for n in 0..6 {
        let patient = format!("p{}", n % 2);
        let action = if n < 3 { "read" } else { "write" };
        add(
            &f.store,
            vec![draft(
                "yarqum",
                &format!("a{}", n % 3),
                Some(&patient),
                action,
            )],
        )
        .await;
    }
    let y = hospital_id("yarqum");
    let numbers = async |filter: AuditFilter| {
        let page = f.store.audit(&system(), &y, &filter).await.unwrap();
        page.records.iter().map(|r| r.number).collect::<Vec<_>>()
    };
    let any = AuditFilter {
        limit: 100,
        ..AuditFilter::default()
    };
    assert_eq!(numbers(any.clone()).await, [6, 5, 4, 3, 2, 1]);
    let mut of = any.clone();
    of.patient = Some(id("p1"));
    assert_eq!(numbers(of.clone()).await, [6, 4, 2]);
    of.action = Some("write".into());
    assert_eq!(numbers(of).await, [6, 4]);
    let mut by = any.clone();
    by.account = Some(AccountId::new("a0").unwrap());
    assert_eq!(numbers(by).await, [4, 1]);
    let mut late = any.clone();
    late.from = Some(at(1));
    assert_eq!(numbers(late).await, [0; 0]);
    let mut page = any;
    page.limit = 4;
    let first = f.store.audit(&system(), &y, &page).await.unwrap();
    assert_eq!(first.records.len(), 4);
    page.before = first.next;
    assert_eq!(numbers(page).await, [2, 1]);
    let newest = &first.records[0];
    assert_eq!(newest.chain, y);
    assert!(
        std::str::from_utf8(newest.body.reveal())
            .unwrap()
            .contains("AuditEvent")
    );
    assert!(!format!("{newest:?}").contains("AuditEvent"));
}

pub async fn an_entry_commits_with_its_change_or_not_at_all(f: Fixture) {
    let k = key("yarqum", "Patient", "p1");
    put(&f.store, &k, patient(1)).await;
    let refused = commit(&f.store, |b| {
        b.audit.push(draft("yarqum", "a", Some("p1"), "write"));
        b.put_fhir(k.clone(), Precondition::Absent, patient(1));
    })
    .await;
    assert!(matches!(refused, Err(StoreError::Precondition { .. })));
    let y = hospital_id("yarqum");
    assert!(f.store.chain_head(&system(), &y).await.unwrap().is_none());
}

pub async fn entries_alone_are_a_batch_too(f: Fixture) {
    let before = *f.store.watch().borrow();
    let done = commit(&f.store, |b| {
        b.audit.push(draft("yarqum", "a", None, "read"))
    })
    .await
    .unwrap();
    assert!(done.versions.is_empty());
    assert_eq!(done.position, before + 1);
}
