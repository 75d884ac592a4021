//! Objects that come over a bad line, piece by piece: what has arrived stays, and the sender asks where to go on. When an
//! upload is whole it is kept in the archive of images like any other object.

use agreements::{ActorKind, SystemPurpose};
use bytes::Bytes;
use kernel::{HospitalId, Instant, limits};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use store::Piece;

use crate::imaging::{Content, ImageSource, NotTaken, Outcome};
use crate::{App, AppError, Cx};

/// An upload to begin.
#[derive(Debug, Clone)]
pub struct NewUpload {
    /// Of the whole object, bytes.
    pub length: u64,
    /// Of the whole object, 64 hexadecimal digits. It names the upload, so that a sender that forgot goes on where it
    /// was, and is checked at the end.
    pub sha256: Option<String>,
    /// Which application entity the object came from first.
    pub sender: String,
}

/// How an upload stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    pub id: String,
    pub length: u64,
    /// What has arrived and is on disk, bytes. `length` once the object is kept.
    pub offset: u64,
    /// Until when it may lie without a new piece.
    pub until: Instant,
    /// How the object was kept, once it is.
    pub outcome: Option<Outcome>,
}

/// What is noted beside the pieces.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    length: u64,
    sha256: Option<String>,
    sender: String,
    touched: Instant,
    #[serde(default)]
    end: Option<End>,
}

/// How it ended; remembered for as long as an upload may lie, so that a lost answer can be asked for again.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum End {
    New,
    Again,
    OtherContent,
    OtherPatient,
    /// What came is no object that can be kept.
    Refused,
    /// What came is not what was announced.
    Damaged,
}

impl End {
    const fn outcome(self) -> Option<Outcome> {
        match self {
            Self::New => Some(Outcome::New),
            Self::Again => Some(Outcome::Again),
            Self::OtherContent => Some(Outcome::OtherContent),
            Self::OtherPatient => Some(Outcome::OtherPatient),
            Self::Refused | Self::Damaged => None,
        }
    }
}

impl From<Outcome> for End {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::New => Self::New,
            Outcome::Again => Self::Again,
            Outcome::OtherContent => Self::OtherContent,
            Outcome::OtherPatient => Self::OtherPatient,
        }
    }
}

impl App {
    /// Begins an upload, or finds the one of the same content again.
    ///
    /// `Denied` for whoever is no machine or clinical staff of the hospital, `TooMuch` for an object beyond the limit,
    /// `Gone` for content that came whole of late and can be no object: a repetition does not cost the line once more.
    pub async fn begin_upload(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        new: NewUpload,
    ) -> Result<Upload, AppError> {
        may_upload(cx, hospital)?;
        if new.length == 0 {
            return Err(AppError::invalid("Upload-Length", "empty", "is 0"));
        }
        if new.length > limits::FILE_BYTES_MAX as u64 {
            return Err(AppError::TooMuch("bytes in one upload"));
        }
        let id = match &new.sha256 {
            Some(digest) if is_digest(digest) => digest.clone(),
            Some(_) => {
                return Err(AppError::invalid(
                    "sha256",
                    "digest",
                    "is not 64 hexadecimal digits in small letters",
                ));
            }
            None => self.new_id().to_string(),
        };
        if let Some(note) = self.upload_note(hospital, &id).await? {
            if note.length == new.length && !matches!(note.end, Some(End::Damaged)) {
                return self.upload_of(cx, hospital, &id, note).await;
            }
            // The same digest with another length, or bytes that were not its: what lies there is of no use.
            self.store.staging().clear(hospital, &id, true).await?;
        }
        let note = Note {
            length: new.length,
            sha256: new.sha256,
            sender: new.sender,
            touched: cx.now,
            end: None,
        };
        self.write_note(hospital, &id, &note).await?;
        self.upload_of(cx, hospital, &id, note).await
    }

    /// How far an upload has come.
    pub async fn upload(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        id: &str,
    ) -> Result<Upload, AppError> {
        may_upload(cx, hospital)?;
        let note = self
            .upload_note(hospital, id)
            .await?
            .ok_or(AppError::NotFound)?;
        self.upload_of(cx, hospital, id, note).await
    }

    /// Takes the next piece, at most [`limits::UPLOAD_PIECE_BYTES_MAX`] bytes. When this returns it is on disk; with the
    /// last one, the object is kept.
    ///
    /// `Conflict` when `offset` is not where the upload stands. `Malformed` or `Invalid` when what has come whole is not
    /// what was announced or no object that can be kept; the upload is over then.
    pub async fn upload_piece(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        id: &str,
        offset: u64,
        piece: Bytes,
    ) -> Result<Upload, AppError> {
        let at = self.upload(cx, hospital, id).await?;
        if offset != at.offset || at.outcome.is_some() {
            return Err(AppError::Conflict);
        }
        if offset + piece.len() as u64 > at.length {
            return Err(AppError::invalid(
                "Upload-Length",
                "more-than-announced",
                "more came than was announced",
            ));
        }
        let staging = self.store.staging();
        if !piece.is_empty() {
            staging.put(hospital, id, offset, &piece).await?;
        }
        let end = offset + piece.len() as u64;
        if end < at.length {
            return Ok(Upload { offset: end, ..at });
        }
        let pieces = staging.pieces(hospital, id).await?;
        self.finish_upload(cx, hospital, id, &pieces).await
    }

    /// Ends an upload that the sender gives up, or forgets that its content was refused.
    pub async fn drop_upload(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        id: &str,
    ) -> Result<(), AppError> {
        match self.upload(cx, hospital, id).await {
            Ok(_) | Err(AppError::Gone) => {}
            Err(e) => return Err(e),
        }
        Ok(self.store.staging().clear(hospital, id, true).await?)
    }

    async fn finish_upload(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        id: &str,
        pieces: &[Piece],
    ) -> Result<Upload, AppError> {
        let staging = self.store.staging();
        let mut note = self
            .upload_note(hospital, id)
            .await?
            .ok_or(AppError::NotFound)?;
        let whole = self.uploaded(hospital, id, pieces, &note).await;
        let source = ImageSource {
            sender: note.sender.clone(),
            exchange: id.to_owned(),
            issuer: None,
        };
        let (outcome, end) = match whole {
            Err(Unfit::Other) => (Err(other()), End::Damaged),
            Err(Unfit::Refused(e)) => (Err(e), End::Refused),
            Err(Unfit::Passing(e)) => return Err(e),
            Ok(whole) => match self.image_store(cx, hospital, whole, &source).await {
                Ok(kept) => (Ok(kept.outcome), End::from(kept.outcome)),
                // It will not become an object by being sent again.
                Err(e @ (AppError::Malformed(_) | AppError::Invalid(_) | AppError::TooMuch(_))) => {
                    (Err(e), End::Refused)
                }
                // Everything else may pass: the pieces stay, and the last one can be sent again.
                Err(e) => return Err(e),
            },
        };
        note.end = Some(end);
        note.touched = cx.now;
        self.write_note(hospital, id, &note).await?;
        staging.clear(hospital, id, false).await?;
        let outcome = outcome?;
        Ok(Upload {
            id: id.to_owned(),
            length: note.length,
            offset: note.length,
            until: until(note.touched),
            outcome: Some(outcome),
        })
    }

    /// All that came, put together: of a large object not in memory.
    async fn uploaded(
        &self,
        hospital: &HospitalId,
        id: &str,
        pieces: &[Piece],
        note: &Note,
    ) -> Result<Content, Unfit> {
        let mut incoming = self.image_incoming(Vec::new());
        let mut digest = Sha256::new();
        let mut refused = None;
        for piece in pieces {
            let read = self.store.staging().read(hospital, id, piece).await;
            let bytes = read.map_err(|e| Unfit::Passing(e.into()))?;
            digest.update(&bytes);
            if refused.is_none() {
                refused = incoming.push(&bytes).await.err();
            }
        }
        let said = note.sha256.as_ref();
        if said.is_some_and(|said| *said != hex::encode(digest.finalize())) {
            return Err(Unfit::Other);
        }
        match refused {
            Some(e) => Err(e.into()),
            None => Ok(incoming.end().await?),
        }
    }

    async fn upload_note(&self, hospital: &HospitalId, id: &str) -> Result<Option<Note>, AppError> {
        let bytes = match self.store.staging().noted(hospital, id).await {
            Ok(Some(bytes)) => bytes,
            // A name that cannot be one is not there.
            Ok(None) | Err(store::StoreError::Invalid(_)) => return Ok(None),
            Err(e) => return Err(e.into()),
        };
        let note = serde_json::from_slice(&bytes);
        note.map(Some)
            .map_err(|_| AppError::Internal("the note of an upload".into()))
    }

    async fn write_note(
        &self,
        hospital: &HospitalId,
        id: &str,
        note: &Note,
    ) -> Result<(), AppError> {
        let bytes = serde_json::to_vec(note)
            .map_err(|_| AppError::Internal("the note of an upload".into()))?;
        Ok(self.store.staging().note(hospital, id, &bytes).await?)
    }

    /// The state that follows from the note and the pieces. A whole upload that was not kept yet, because its last
    /// answer failed, is kept now.
    async fn upload_of(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        id: &str,
        note: Note,
    ) -> Result<Upload, AppError> {
        let ended = |offset, outcome| Upload {
            id: id.to_owned(),
            length: note.length,
            offset,
            until: until(note.touched),
            outcome,
        };
        match note.end {
            Some(End::Refused | End::Damaged) => Err(AppError::Gone),
            Some(end) => Ok(ended(note.length, end.outcome())),
            None => {
                let pieces = self.store.staging().pieces(hospital, id).await?;
                let offset: u64 = pieces.iter().map(|p| p.len).sum();
                if offset == note.length {
                    return self.finish_upload(cx, hospital, id, &pieces).await;
                }
                if pieces.len() >= limits::UPLOAD_PIECES_MAX {
                    return Err(AppError::TooMuch("pieces of one upload"));
                }
                Ok(ended(offset, None))
            }
        }
    }

    /// Forgets uploads that nobody went on with.
    pub(crate) async fn sweep_uploads(&self) -> Result<usize, AppError> {
        let before = self
            .system(SystemPurpose::Job)
            .at()
            .checked_sub(jiff::SignedDuration::from_secs(limits::UPLOAD_IDLE_S))
            .unwrap_or(Instant::MIN);
        let gone = self.store.staging().sweep(before).await?;
        Ok(usize::try_from(gone).unwrap_or(usize::MAX))
    }
}

fn until(touched: Instant) -> Instant {
    touched
        .checked_add(jiff::SignedDuration::from_secs(limits::UPLOAD_IDLE_S))
        .unwrap_or(Instant::MAX)
}

/// Why what came is not kept.
enum Unfit {
    /// It is not what was announced.
    Other,
    /// It will not become an object by being sent again.
    Refused(AppError),
    /// That may pass.
    Passing(AppError),
}

impl From<NotTaken> for Unfit {
    fn from(e: NotTaken) -> Self {
        match e {
            NotTaken::Refused(_) => Self::Refused(e.into()),
            NotTaken::Full | NotTaken::Unwritable(_) => Self::Passing(e.into()),
        }
    }
}

fn other() -> AppError {
    AppError::Malformed("what came is not what was announced: the digest differs".into())
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// Machines and clinical staff of the hospital that keeps the images.
fn may_upload(cx: &Cx, hospital: &HospitalId) -> Result<(), AppError> {
    let own = cx.actor.hospital.as_ref() == Some(hospital);
    let may = cx.actor.kind == ActorKind::Machine || cx.actor.is_clinical();
    if own && may {
        Ok(())
    } else {
        Err(AppError::denied("other-hospital"))
    }
}
