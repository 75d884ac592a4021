-- Names are kept once and referred to by number. A kind of our own documents has a negative number, a FHIR
-- resource type a positive one. Instants are microseconds since 1970 in UTC.
CREATE TABLE hospital (
    num  INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);
CREATE TABLE kind (
    num  INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);
CREATE TABLE param (
    num  INTEGER PRIMARY KEY,
    code TEXT NOT NULL UNIQUE
);

-- The current state of each record; `current` is the row of its newest version.
CREATE TABLE record (
    record   INTEGER PRIMARY KEY,
    hospital INTEGER NOT NULL REFERENCES hospital (num),
    kind     INTEGER NOT NULL REFERENCES kind (num),
    id       TEXT    NOT NULL,
    current  INTEGER NOT NULL,
    version  INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    deleted  INTEGER NOT NULL,
    class    INTEGER NOT NULL,
    patient  TEXT
);
CREATE UNIQUE INDEX record_key ON record (hospital, kind, id);
-- The row's own number ends each of these: records of one kind in the order they came, or changed.
CREATE INDEX record_order ON record (hospital, kind);
CREATE INDEX record_changed ON record (hospital, kind, at);
CREATE INDEX record_patient ON record (hospital, patient, kind) WHERE patient IS NOT NULL;

-- Every version that ever was, with its bytes as they came in.
CREATE TABLE version (
    row     INTEGER PRIMARY KEY,
    record  INTEGER NOT NULL,
    version INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    class   INTEGER NOT NULL,
    patient TEXT,
    body    BLOB    NOT NULL
);
CREATE UNIQUE INDEX version_number ON version (record, version);

-- The search index: one table per type of value. A row belongs to one record, hence to one hospital; what is
-- searched goes through the second key, which the hospital leads.
CREATE TABLE index_token (
    record   INTEGER NOT NULL,
    param    INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    hospital INTEGER NOT NULL,
    kind     INTEGER NOT NULL,
    grp      INTEGER NOT NULL,
    part     INTEGER NOT NULL,
    system   TEXT,
    code     TEXT    NOT NULL,
    text     TEXT,
    PRIMARY KEY (record, param, seq)
) WITHOUT ROWID;
CREATE INDEX index_token_value ON index_token (hospital, kind, param, code, record, system);
CREATE INDEX index_token_text ON index_token (hospital, kind, param, text) WHERE text IS NOT NULL;

CREATE TABLE index_string (
    record   INTEGER NOT NULL,
    param    INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    hospital INTEGER NOT NULL,
    kind     INTEGER NOT NULL,
    grp      INTEGER NOT NULL,
    part     INTEGER NOT NULL,
    folded   TEXT    NOT NULL,
    exact    TEXT    NOT NULL,
    PRIMARY KEY (record, param, seq)
) WITHOUT ROWID;
CREATE INDEX index_string_value ON index_string (hospital, kind, param, folded, record);

CREATE TABLE index_date (
    record   INTEGER NOT NULL,
    param    INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    hospital INTEGER NOT NULL,
    kind     INTEGER NOT NULL,
    grp      INTEGER NOT NULL,
    part     INTEGER NOT NULL,
    low      INTEGER NOT NULL,
    high     INTEGER NOT NULL,
    PRIMARY KEY (record, param, seq)
) WITHOUT ROWID;
CREATE INDEX index_date_low ON index_date (hospital, kind, param, low, record, high);
CREATE INDEX index_date_high ON index_date (hospital, kind, param, high, record, low);

CREATE TABLE index_number (
    record   INTEGER NOT NULL,
    param    INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    hospital INTEGER NOT NULL,
    kind     INTEGER NOT NULL,
    grp      INTEGER NOT NULL,
    part     INTEGER NOT NULL,
    low      REAL    NOT NULL,
    high     REAL    NOT NULL,
    PRIMARY KEY (record, param, seq)
) WITHOUT ROWID;
CREATE INDEX index_number_low ON index_number (hospital, kind, param, low, record, high);
CREATE INDEX index_number_high ON index_number (hospital, kind, param, high, record, low);

CREATE TABLE index_quantity (
    record   INTEGER NOT NULL,
    param    INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    hospital INTEGER NOT NULL,
    kind     INTEGER NOT NULL,
    grp      INTEGER NOT NULL,
    part     INTEGER NOT NULL,
    low      REAL    NOT NULL,
    high     REAL    NOT NULL,
    system   TEXT,
    code     TEXT,
    unit     TEXT,
    PRIMARY KEY (record, param, seq)
) WITHOUT ROWID;
CREATE INDEX index_quantity_low ON index_quantity (hospital, kind, param, low, record, high);
CREATE INDEX index_quantity_high ON index_quantity (hospital, kind, param, high, record, low);

-- `base` is NULL for a reference within the hospital. A reference that names no type has target_kind NULL and the
-- whole address in `target`. With `identifier`, the row is a Reference.identifier: system in `base`, value in `target`.
CREATE TABLE index_reference (
    record      INTEGER NOT NULL,
    param       INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    hospital    INTEGER NOT NULL,
    kind        INTEGER NOT NULL,
    grp         INTEGER NOT NULL,
    part        INTEGER NOT NULL,
    identifier  INTEGER NOT NULL,
    base        TEXT,
    target_kind TEXT,
    target      TEXT    NOT NULL,
    PRIMARY KEY (record, param, seq)
) WITHOUT ROWID;
CREATE INDEX index_reference_value ON index_reference (hospital, kind, param, target, record, target_kind, base, identifier);

CREATE TABLE index_uri (
    record   INTEGER NOT NULL,
    param    INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    hospital INTEGER NOT NULL,
    kind     INTEGER NOT NULL,
    grp      INTEGER NOT NULL,
    part     INTEGER NOT NULL,
    uri      TEXT    NOT NULL,
    PRIMARY KEY (record, param, seq)
) WITHOUT ROWID;
CREATE INDEX index_uri_value ON index_uri (hospital, kind, param, uri, record);

-- What documents of our own are found by.
CREATE TABLE lookup (
    hospital INTEGER NOT NULL,
    kind     INTEGER NOT NULL,
    name     TEXT    NOT NULL,
    value    TEXT    NOT NULL,
    record   INTEGER NOT NULL,
    only     INTEGER NOT NULL,
    PRIMARY KEY (hospital, kind, name, value, record)
) WITHOUT ROWID;
CREATE UNIQUE INDEX lookup_only ON lookup (hospital, kind, name, value) WHERE only = 1;
CREATE INDEX lookup_record ON lookup (record);

-- The relations policy comes from; written with the agreement, consent or case they follow from.
CREATE TABLE policy_grant (
    custodian      INTEGER NOT NULL,
    grantee        INTEGER NOT NULL,
    class          INTEGER NOT NULL,
    agreement      TEXT    NOT NULL,
    seq            INTEGER NOT NULL,
    clause         INTEGER NOT NULL,
    needs_consent  INTEGER NOT NULL,
    break_glass    INTEGER NOT NULL,
    crosses_border INTEGER NOT NULL,
    from_us        INTEGER NOT NULL,
    until_us       INTEGER NOT NULL,
    PRIMARY KEY (custodian, grantee, class, agreement, seq)
) WITHOUT ROWID;
CREATE INDEX policy_grant_source ON policy_grant (agreement);

CREATE TABLE policy_consent (
    custodian     INTEGER NOT NULL,
    patient       TEXT    NOT NULL,
    consent       TEXT    NOT NULL,
    seq           INTEGER NOT NULL,
    grantee       INTEGER,
    class         INTEGER,
    across_border INTEGER NOT NULL,
    from_us       INTEGER NOT NULL,
    until_us      INTEGER NOT NULL,
    PRIMARY KEY (custodian, patient, consent, seq)
) WITHOUT ROWID;
CREATE INDEX policy_consent_source ON policy_consent (custodian, consent);

CREATE TABLE policy_share (
    custodian  INTEGER NOT NULL,
    grantee    INTEGER NOT NULL,
    patient    TEXT    NOT NULL,
    agreement  TEXT    NOT NULL,
    case_id    TEXT    NOT NULL,
    seq        INTEGER NOT NULL,
    entry_kind INTEGER,
    entry_id   TEXT,
    class      INTEGER,
    from_us    INTEGER NOT NULL,
    until_us   INTEGER NOT NULL,
    PRIMARY KEY (custodian, grantee, patient, agreement, case_id, seq)
) WITHOUT ROWID;
CREATE INDEX policy_share_source ON policy_share (custodian, case_id);

CREATE TABLE policy_emergency (
    account   TEXT    NOT NULL,
    custodian INTEGER NOT NULL,
    patient   TEXT    NOT NULL,
    id        TEXT    NOT NULL UNIQUE,
    hospital  INTEGER NOT NULL,
    from_us   INTEGER NOT NULL,
    until_us  INTEGER NOT NULL,
    PRIMARY KEY (account, custodian, patient, id)
) WITHOUT ROWID;

-- Audit: one chain per hospital, numbered without gaps.
CREATE TABLE audit (
    row     INTEGER PRIMARY KEY,
    chain   INTEGER NOT NULL,
    number  INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    account TEXT,
    patient TEXT,
    action  TEXT    NOT NULL,
    body    BLOB    NOT NULL,
    hash    BLOB    NOT NULL
);
CREATE UNIQUE INDEX audit_number ON audit (chain, number);
CREATE INDEX audit_account ON audit (chain, account, number) WHERE account IS NOT NULL;
CREATE INDEX audit_patient ON audit (chain, patient, number) WHERE patient IS NOT NULL;
CREATE TABLE audit_head (
    chain  INTEGER PRIMARY KEY,
    number INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    hash   BLOB    NOT NULL
);

-- The feed, in commit order.
CREATE TABLE feed (
    position INTEGER NOT NULL,
    ordinal  INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    hospital INTEGER NOT NULL,
    topic    TEXT    NOT NULL,
    subject_hospital INTEGER NOT NULL,
    subject_kind     INTEGER NOT NULL,
    subject_id       TEXT    NOT NULL,
    data     TEXT    NOT NULL,
    PRIMARY KEY (position, ordinal)
) WITHOUT ROWID;
CREATE TABLE counter (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO counter (name, value) VALUES ('position', 0);

-- Blobs: where the bytes lie is given by hospital and address; keys are wrapped by the node key.
CREATE TABLE blob (
    hospital   INTEGER NOT NULL,
    address    TEXT    NOT NULL,
    patient    TEXT,
    size       INTEGER NOT NULL,
    media_type TEXT    NOT NULL,
    stored_at  INTEGER NOT NULL,
    erased     INTEGER NOT NULL,
    PRIMARY KEY (hospital, address)
) WITHOUT ROWID;
CREATE INDEX blob_patient ON blob (hospital, patient) WHERE patient IS NOT NULL;
CREATE TABLE blob_use (
    hospital INTEGER NOT NULL,
    address  TEXT    NOT NULL,
    record   INTEGER NOT NULL,
    version  INTEGER NOT NULL,
    PRIMARY KEY (hospital, address, record, version)
) WITHOUT ROWID;
CREATE INDEX blob_use_record ON blob_use (record, version);
CREATE TABLE hospital_secret (
    hospital INTEGER PRIMARY KEY,
    wrapped  BLOB NOT NULL
);
CREATE TABLE patient_key (
    hospital INTEGER NOT NULL,
    patient  TEXT    NOT NULL,
    wrapped  BLOB    NOT NULL,
    PRIMARY KEY (hospital, patient)
) WITHOUT ROWID;
