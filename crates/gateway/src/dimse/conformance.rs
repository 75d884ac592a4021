//! The DICOM conformance statement (PS3.2), written from what the code negotiates and answers.

use std::fmt::Write as _;

use dicom_core::dictionary::UidDictionary as _;
use dicom_dictionary_std::StandardSopClassDictionary;
use dicom_transfer_syntax_registry::TransferSyntaxRegistry;
use imaging::file::{IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION};
use kernel::limits;

use super::classes::{self, SERVICES, Service};
use super::status;
use crate::dicomweb;

/// The statement as Markdown.
pub fn statement() -> String {
    let mut out = String::from(HEAD);
    let _ = writeln!(
        out,
        "\n## Implementation\n\n| | |\n| --- | --- |\n| implementation class UID | `{IMPLEMENTATION_CLASS_UID}` |\n\
         | implementation version name | `{IMPLEMENTATION_VERSION}` |\n\
         | application context | `{}` |\n\
         | largest A-ASSOCIATE unit taken | {} KiB |\n\
         | presentation contexts of one association | {} |\n\
         | asynchronous operations window | 1, 1 |\n",
        super::negotiate::APPLICATION_CONTEXT,
        limits::DICOM_ASSOCIATE_BYTES_MAX >> 10,
        limits::DICOM_CONTEXTS_MAX,
    );
    services(&mut out);
    storage(&mut out);
    syntaxes(&mut out);
    out.push_str(STATUS);
    statuses(&mut out);
    web(&mut out);
    out.push_str(SECURITY);
    out
}

const HEAD: &str = "# DICOM conformance statement\n\n\
This page is generated from the code by `karez conformance dicom`; a test holds it to that.\n\n\
Karez keeps images of several hospitals on one node. An association names by its called AE title which hospital it speaks\n\
with, and by its calling AE title an entity that this hospital has registered, known by its certificate or the addresses it\n\
calls from. Whatever else it names is rejected as *calling AE title not recognised*, so that a stranger learns no names.\n";

const STATUS: &str = "\n## Status codes\n\n";

const SECURITY: &str = "\n## Security\n\n\
- TLS 1.2 and 1.3 (PS3.15 annex B.1, BCP 195 profiles); peers are known by the thumbprint of the certificate they show.\n\
- DICOMweb takes bearer tokens (RFC 6750), and the session of Karez's own pages for reading; there is no CORS.\n\
- Every operation is decided by the rules of the hospital that keeps the object, and audited before it is answered.\n\
- An entity that is withdrawn is refused within a second, also on an open association.\n\n\
## Character sets\n\n\
All defined terms of PS3.3 §C.12.1.1.2 are read. Answers are written in the character set of the request where it can say them,\n\
else in `ISO_IR 192`.\n";

fn role_line(service: Service) -> (&'static str, &'static str) {
    match service {
        Service::Verification => ("C-ECHO", "SCP"),
        Service::Storage => ("C-STORE", "SCP; SCU for C-MOVE and C-GET"),
        Service::Find(_) => ("C-FIND", "SCP"),
        Service::Move(_) => ("C-MOVE", "SCP"),
        Service::Get(_) => ("C-GET", "SCP"),
        Service::Commitment => ("N-ACTION, N-EVENT-REPORT", "SCP"),
    }
}

fn services(out: &mut String) {
    out.push_str(
        "## Services\n\n| SOP class | UID | operation | role |\n| --- | --- | --- | --- |\n",
    );
    for (uid, service) in SERVICES {
        let (operation, role) = role_line(*service);
        let name = classes::name(uid).unwrap_or("(private)");
        let _ = writeln!(out, "| {name} | `{uid}` | {operation} | {role} |");
    }
    out.push_str(
        "\nTransfer syntaxes of these: implicit and explicit VR little endian. Extended negotiation: relational queries and fuzzy \
         matching of names are agreed on when asked for. C-CANCEL is heard between answers and between sub-operations.\n",
    );
}

fn storage(out: &mut String) {
    out.push_str(
        "\n## Storage\n\nEvery storage class of the standard is taken, those below and any below `1.2.840.10008.5.1.4.1.1`, and every \
         private class. Success (`0000`) is answered only when the object, its index, the audit and the event are on disk. Level 2 \
         (full): the data set is kept byte for byte as it was sent, and given back so when asked for as kept.\n\n",
    );
    let mut known = storage_classes();
    known.sort_unstable();
    out.push_str("| SOP class | UID |\n| --- | --- |\n");
    for (name, uid) in known {
        let _ = writeln!(out, "| {name} | `{uid}` |");
    }
}

/// Storage classes that the dictionary names: it is asked for every UID that one may have.
fn storage_classes() -> Vec<(&'static str, &'static str)> {
    let mut found = Vec::new();
    let mut ask = |uid: &str| {
        let entry = StandardSopClassDictionary.by_uid(uid);
        if let Some(entry) = entry.filter(|e| classes::service(e.uid) == Some(Service::Storage)) {
            found.push((entry.name, entry.uid));
        }
    };
    for n in 1..=700 {
        let image = format!("1.2.840.10008.5.1.4.1.1.{n}");
        ask(&image);
        for m in 1..=20 {
            ask(&format!("{image}.{m}"));
            (1..=20).for_each(|k| ask(&format!("{image}.{m}.{k}")));
        }
    }
    for n in 1..=60 {
        (1..=20).for_each(|m| ask(&format!("1.2.840.10008.5.1.4.{n}.{m}")));
    }
    found
}

fn syntaxes(out: &mut String) {
    out.push_str(
        "\n## Transfer syntaxes\n\nObjects are taken in all of these; of those proposed in one context the first. *Decoded*: frames can be \
         rendered and given out uncompressed.\n\n| transfer syntax | UID | decoded |\n| --- | --- | --- |\n",
    );
    let mut known: Vec<(&str, &str)> = TransferSyntaxRegistry
        .iter()
        .map(|t| (t.uid(), t.name()))
        .collect();
    known.sort_unstable();
    for (uid, name) in known {
        use imaging::syntax::Codec;
        let decoded = match imaging::syntax::of(uid).codec {
            Codec::Video | Codec::Unknown => "no",
            _ => "yes",
        };
        let _ = writeln!(out, "| {name} | `{uid}` | {decoded} |");
    }
}

fn statuses(out: &mut String) {
    out.push_str("| code | when |\n| --- | --- |\n");
    for (code, when) in [
        (status::SUCCESS, "done; for C-STORE: kept"),
        (
            status::KEPT_ASIDE,
            "C-STORE: kept beside its study, because another object has this UID or another patient is named; a person decides. C-MOVE, C-GET: some sub-operations failed",
        ),
        (
            status::NOT_AUTHORISED,
            "the entity may not use this service, or not any more",
        ),
        (
            status::CLASS_NOT_SUPPORTED,
            "the command names another SOP class than its context",
        ),
        (status::INVALID_INSTANCE, "the SOP instance UID is none"),
        (
            status::UNRECOGNISED_OPERATION,
            "the operation does not belong to the context",
        ),
        (status::PROCESSING_FAILURE, "a fault of ours"),
        (
            status::OUT_OF_RESOURCES,
            "too large, no memory, no disk, or a back end is away: try again",
        ),
        (
            status::SUB_OPERATIONS_IMPOSSIBLE,
            "C-MOVE, C-GET: all sub-operations failed",
        ),
        (
            status::DESTINATION_UNKNOWN,
            "C-MOVE: the hospital knows no such entity, or not where it listens",
        ),
        (
            status::DATA_SET_MISMATCH,
            "the data set does not match the SOP class or instance of the command; the identifier cannot be used",
        ),
        (status::CANNOT_UNDERSTAND, "not a DICOM object"),
        (status::CANCELLED, "cancelled by the peer"),
        (status::PENDING, "answers or sub-operations go on"),
    ] {
        let _ = writeln!(out, "| `{code:04X}` | {when} |");
    }
}

fn web(out: &mut String) {
    out.push_str("\n## DICOMweb\n\n| method | address |\n| --- | --- |\n");
    for route in dicomweb::ROUTES {
        let _ = writeln!(out, "| {} | `{}` |", route.method, route.path);
    }
    out.push_str(
        "\n- Objects: `multipart/related; type=\"application/dicom\"`, one also as `application/dicom`; `transfer-syntax=*` gives it as kept, \
         none means explicit VR little endian. Written: implicit and explicit VR little endian, deflated, RLE, JPEG-LS without loss, JPEG baseline.\n\
         - Frames: `application/octet-stream`, `image/jpeg`, `image/jls`, `image/jp2`, `image/jphc`, `image/dicom-rle`, `image/jxl`, in parts or one alone.\n\
         - Metadata and searches: `application/dicom+json`. Rendered: `image/jpeg`, `image/png`, with `window`, `viewport` and `quality`; several as parts, of a series those that `SOPInstanceUID` lists, in its order, of an object the frames named.\n\
         - Searches: attributes by keyword or tag, also in sequences; `*` and `?`, ranges, lists of UIDs, `fuzzymatching`, `includefield`, `limit`, `offset`.\n\
         - One piece of content answers `Range`; all have an `ETag`.\n",
    );
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_page_of_the_book_says_what_the_code_does() {
        let page = include_str!("../../../../docs/dicom-conformance.md");
        assert!(
            page == super::statement(),
            "write it anew: karez conformance dicom > docs/dicom-conformance.md"
        );
    }
}
