//! Every bound in one place. A limit that is met is answered with the protocol's own word for "too much".

/// One FHIR resource or form post, bytes.
pub const RESOURCE_BYTES_MAX: usize = 8 << 20;
/// One FHIR bundle, bytes.
pub const BUNDLE_BYTES_MAX: usize = 64 << 20;
/// Entries in one batch or transaction.
pub const BUNDLE_ENTRIES_MAX: usize = 10_000;
/// Depth of nesting in JSON that is accepted.
pub const JSON_DEPTH_MAX: usize = 64;
/// One uploaded file (PDF, image), bytes.
pub const FILE_BYTES_MAX: usize = 64 << 20;
/// One piece of a resumable upload as it is kept, bytes.
pub const UPLOAD_PIECE_BYTES_MAX: usize = 1 << 20;
/// Pieces of one resumable upload: a line that breaks after a few bytes each time is told to send larger ones.
pub const UPLOAD_PIECES_MAX: usize = 20_000;
/// How long an upload may lie without a new piece, seconds.
pub const UPLOAD_IDLE_S: i64 = 7 * 24 * 3600;
/// Files in one case.
pub const CASE_FILES_MAX: usize = 200;
/// Resources on one page of a search.
pub const PAGE_SIZE_MAX: u32 = 1_000;
/// Resources on one page of a search when none is asked for.
pub const PAGE_SIZE_DEFAULT: u32 = 50;
/// Search parameters in one query.
pub const SEARCH_PARAMS_MAX: usize = 64;
/// Values of one search parameter, separated by commas.
pub const SEARCH_VALUES_MAX: usize = 256;
/// Resources pulled in by `_include` on one page.
pub const INCLUDES_MAX: usize = 2_000;
/// A message in a case, or the free text of one form field, characters.
pub const TEXT_CHARS_MAX: usize = 20_000;
/// Live pages (server-sent events) open at once on one node.
pub const LIVE_PAGES_MAX: usize = 5_000;
/// One word between nodes, bytes: what fits into a notice of PostgreSQL with room to spare.
pub const TALK_BYTES_MAX: usize = 6_000;
/// People who look at one study together.
pub const TOGETHER_SEATS_MAX: usize = 24;
/// Studies that are looked at together on one node.
pub const TOGETHER_ROOMS_MAX: usize = 1_000;
/// What one person may say to those who look at a study with them, in one second.
pub const TOGETHER_WORDS_PER_S: u32 = 60;
/// Figures that one person shows to the others.
pub const TOGETHER_DRAWN_MAX: usize = 100;
/// Writes waiting for the writer thread.
pub const WRITE_QUEUE_MAX: usize = 4_096;
/// Sign-in attempts on one account before it is locked.
pub const SIGN_IN_ATTEMPTS_MAX: u32 = 8;
/// How long a locked account stays locked, seconds.
pub const SIGN_IN_LOCK_S: i64 = 15 * 60;
/// How long a session lives without use, seconds.
pub const SESSION_IDLE_S: i64 = 12 * 3600;
/// How long a session lives at all, seconds.
pub const SESSION_MAX_S: i64 = 7 * 24 * 3600;
/// How long break-glass access lasts at most, seconds (DESIGN: four hours).
pub const BREAK_GLASS_S: i64 = 4 * 3600;
/// Lifetime of a bearer token, seconds.
pub const TOKEN_S: i64 = 15 * 60;
/// Objects of one retrieval of images that are gathered at once.
pub const IMAGES_AT_ONCE_MAX: usize = 100_000;
/// One DICOM object as sent, bytes.
pub const IMAGE_BYTES_MAX: usize = 1 << 30;
/// A DICOM object up to this size is held in memory while it comes in or goes out, bytes; of a larger one a few pieces are.
pub const IMAGE_HELD_BYTES_MAX: usize = 8 << 20;
/// A DICOM object that is brought into another transfer syntax as a whole to be sent, bytes.
pub const IMAGE_RECODED_BYTES_MAX: usize = 128 << 20;
/// The data set of a deflated DICOM object once inflated, bytes.
pub const IMAGE_INFLATED_BYTES_MAX: usize = 256 << 20;
/// Attributes of one DICOM object that is too large to be held, without pixels and other large values, bytes.
pub const IMAGE_ATTRIBUTE_BYTES_MAX: usize = 64 << 20;
/// Elements and items of one DICOM object, at all depths.
pub const IMAGE_ELEMENTS_MAX: usize = 1_000_000;
/// Sequences within sequences in a DICOM object.
pub const IMAGE_DEPTH_MAX: usize = 32;
/// Fragments of encapsulated pixel data in one DICOM object.
pub const IMAGE_FRAGMENTS_MAX: usize = 1_000_000;
/// Frames of one DICOM object.
pub const IMAGE_FRAMES_MAX: usize = 500_000;
/// One decoded frame, bytes (a 16-bit mammogram of 8,192² has 128 MiB).
pub const IMAGE_FRAME_BYTES_MAX: usize = 256 << 20;
/// Keys of one DICOM query, at all depths.
pub const IMAGE_QUERY_KEYS_MAX: usize = 128;
/// Values of one key of a DICOM query (a list of UIDs).
pub const IMAGE_QUERY_VALUES_MAX: usize = 1_000;
/// Characters of one value of a DICOM query.
pub const IMAGE_QUERY_VALUE_CHARS_MAX: usize = 1_024;
/// Answers to one DICOM query on one page.
pub const IMAGE_QUERY_LIMIT_MAX: u32 = 5_000;
/// Binary values up to this size stand in DICOM JSON itself; larger ones are fetched by their BulkDataURI.
pub const IMAGE_INLINE_BYTES_MAX: usize = 1_024;
/// One A-ASSOCIATE unit of DICOM, bytes: 128 contexts with every transfer syntax there is.
pub const DICOM_ASSOCIATE_BYTES_MAX: usize = 512 << 10;
/// One command set of DICOM, bytes.
pub const DICOM_COMMAND_BYTES_MAX: usize = 16 << 10;
/// The identifier of a DICOM query or retrieval, or the data set of a commitment, bytes.
pub const DICOM_IDENTIFIER_BYTES_MAX: usize = 1 << 20;
/// Presentation contexts of one DICOM association (PS3.8 §7.1.1.13: odd numbers up to 255).
pub const DICOM_CONTEXTS_MAX: usize = 128;

/// Less free room than this on the disk of the data is named, bytes: an import at full speed fills it in a minute and a
/// half, the daily work of a hospital in weeks (`docs/installation.md`, how large the machine should be).
pub const DISK_LOW_BYTES: u64 = 2 << 30;
/// With less than this the largest file and the largest bundle are no longer taken, bytes.
pub const DISK_FULL_BYTES: u64 = (FILE_BYTES_MAX + BUNDLE_BYTES_MAX) as u64;
/// A backup that follows is named when it is further behind than this, seconds: three times what it promises.
pub const BACKUP_BEHIND_S: i64 = 30;
