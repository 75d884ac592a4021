//! DICOMweb as clients reach it: mutilated requests and bodies, a thousand of them.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use testkit::phantom::Phantom;

use crate::cases;
use crate::mutate::{Edit, mutate, mutate_text};
use crate::node::{Served, served};

const PARTS: &str = "multipart/related; type=\"application/dicom\"; boundary=B";

fn phantom() -> Phantom {
    Phantom::new("1.2.826.0.9", "17", 8)
}

fn parts(files: &[bytes::Bytes]) -> Vec<u8> {
    let mut body = Vec::new();
    for file in files {
        body.extend_from_slice(b"--B\r\nContent-Type: application/dicom\r\n\r\n");
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--B--\r\n");
    body
}

fn stow(served: &Served, kind: &str, body: Vec<u8>) -> Option<StatusCode> {
    let request = Request::post("/dicomweb/yarqum/studies")
        .header(header::CONTENT_TYPE, kind)
        .body(Body::from(body));
    Some(served.ask(request.ok()?).0)
}

fn get(served: &Served, path: &str, accept: &str) -> Option<(StatusCode, usize)> {
    let request = Request::get(format!("/dicomweb/yarqum/{path}"))
        .header(header::ACCEPT, accept)
        .body(Body::empty());
    let (status, body) = served.ask(request.ok()?);
    Some((status, body.len()))
}

/// What was there before is there afterwards.
fn still_there(served: &Served) {
    let p = phantom();
    let path = format!(
        "studies/{}/series/{}/instances/{}",
        p.study,
        p.series(),
        p.uid(1)
    );
    let whole = get(served, &path, "application/dicom; transfer-syntax=*");
    assert_eq!(whole, Some((StatusCode::OK, p.file(1).len())));
}

#[test]
fn a_request_of_dicomweb_is_answered_or_refused() {
    let served = served();
    let p = phantom();
    let kept = stow(&served, PARTS, parts(&[p.file(1), p.file(2)]));
    assert_eq!(kept, Some(StatusCode::OK));
    let at = format!(
        "studies/{}/series/{}/instances/{}",
        p.study,
        p.series(),
        p.uid(1)
    );
    let asked: [(String, &str); 8] = [
        (
            "studies?PatientName=wang*&StudyDate=20260101-20261231&limit=5&fuzzymatching=true"
                .into(),
            "application/dicom+json",
        ),
        (
            "instances?00080060=MR&includefield=StudyDescription,00080018&offset=1".into(),
            "application/dicom+json;q=0.9, */*;q=0.1",
        ),
        (
            format!("studies/{}/metadata", p.study),
            "application/dicom+json",
        ),
        (
            at.clone(),
            "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.80",
        ),
        (
            format!("studies/{}", p.study),
            "multipart/related; type=\"application/dicom\"; transfer-syntax=*",
        ),
        (
            format!("{at}/frames/1"),
            "multipart/related; type=\"image/jls\"; transfer-syntax=1.2.840.10008.1.2.4.80",
        ),
        (
            format!("{at}/rendered?window=40,400,linear&viewport=32,32,0,0,8,8&quality=80"),
            "image/png",
        ),
        (
            format!("{at}/bulkdata/7FE00010"),
            "application/octet-stream",
        ),
    ];
    bolero::check!()
        .with_iterations(cases(500, 50_000))
        .with_type::<(u8, Vec<Edit>, Vec<Edit>)>()
        .for_each(|(which, in_path, in_accept)| {
            let (path, accept) = &asked[usize::from(*which) % asked.len()];
            let path = mutate_text(path, in_path);
            let accept = mutate_text(accept, in_accept);
            let _none = get(&served, &path, &accept);
        });
    still_there(&served);
}

#[test]
fn a_body_of_parts_is_taken_or_refused() {
    let served = served();
    let p = phantom();
    let kept = stow(&served, PARTS, parts(&[p.file(1)]));
    assert_eq!(kept, Some(StatusCode::OK));
    let body = parts(&[p.file(3), p.file(4)]);
    bolero::check!()
        .with_iterations(cases(500, 50_000))
        .with_type::<(Vec<Edit>, Vec<Edit>)>()
        .for_each(|(in_kind, in_body)| {
            // Mostly the body: a type that cannot be read ends the matter at once.
            let kind = match in_kind.as_slice() {
                [_, _, ..] => mutate_text(PARTS, &in_kind[..1]),
                _ => PARTS.to_owned(),
            };
            let _none = stow(&served, &kind, mutate(&body, in_body));
        });
    still_there(&served);
}
