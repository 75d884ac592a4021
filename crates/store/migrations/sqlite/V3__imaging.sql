-- Images. A study stands for itself at one hospital and belongs to one ImagingStudy (`record`); texts that are compared
-- without regard to case are kept folded, dates as YYYYMMDD, times as HHMMSS.ffffff or the
-- beginning of that; what is not given is empty.
CREATE TABLE dicom_study (
    study       INTEGER PRIMARY KEY,
    hospital    INTEGER NOT NULL,
    record      INTEGER NOT NULL,
    uid         TEXT    NOT NULL,
    patient_id  TEXT    NOT NULL,
    issuer      TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    ideographic TEXT    NOT NULL,
    phonetic    TEXT    NOT NULL,
    words       TEXT    NOT NULL,
    birth_date  TEXT    NOT NULL,
    sex         TEXT    NOT NULL,
    date        TEXT    NOT NULL,
    time        TEXT    NOT NULL,
    accession   TEXT    NOT NULL,
    number      TEXT    NOT NULL,
    description TEXT    NOT NULL,
    referring   TEXT    NOT NULL,
    waiting     INTEGER NOT NULL,
    attributes  BLOB    NOT NULL
);
CREATE UNIQUE INDEX dicom_study_uid ON dicom_study (hospital, uid);
CREATE UNIQUE INDEX dicom_study_record ON dicom_study (record);
CREATE INDEX dicom_study_date ON dicom_study (hospital, date);
CREATE INDEX dicom_study_patient ON dicom_study (hospital, patient_id);
CREATE INDEX dicom_study_name ON dicom_study (hospital, name);
CREATE INDEX dicom_study_accession ON dicom_study (hospital, accession) WHERE accession <> '';
CREATE INDEX dicom_study_waiting ON dicom_study (hospital) WHERE waiting = 1;

-- `instances` and `bytes` count what is shown.
CREATE TABLE dicom_series (
    series      INTEGER PRIMARY KEY,
    hospital    INTEGER NOT NULL,
    study       INTEGER NOT NULL,
    uid         TEXT    NOT NULL,
    modality    TEXT    NOT NULL,
    number      INTEGER NOT NULL,
    description TEXT    NOT NULL,
    body_part   TEXT    NOT NULL,
    instances   INTEGER NOT NULL,
    bytes       INTEGER NOT NULL,
    attributes  BLOB    NOT NULL
);
CREATE UNIQUE INDEX dicom_series_uid ON dicom_series (study, uid);
CREATE INDEX dicom_series_anywhere ON dicom_series (hospital, uid);
CREATE INDEX dicom_series_order ON dicom_series (study, number);

-- `standing`: 0 shown; otherwise kept beside until a person decides. At most one object of a UID is shown.
CREATE TABLE dicom_instance (
    instance   INTEGER PRIMARY KEY,
    hospital   INTEGER NOT NULL,
    study      INTEGER NOT NULL,
    series     INTEGER NOT NULL,
    uid        TEXT    NOT NULL,
    standing   INTEGER NOT NULL,
    number     INTEGER NOT NULL,
    sop_class  TEXT    NOT NULL,
    transfer_syntax TEXT NOT NULL,
    height     INTEGER,
    width      INTEGER,
    frames     INTEGER NOT NULL,
    size       INTEGER NOT NULL,
    digest     BLOB    NOT NULL,
    address    TEXT    NOT NULL,
    sender     TEXT    NOT NULL,
    stored_at  INTEGER NOT NULL,
    attributes BLOB    NOT NULL,
    layout     BLOB    NOT NULL,
    meta       BLOB    NOT NULL
);
CREATE INDEX dicom_instance_uid ON dicom_instance (hospital, uid);
CREATE INDEX dicom_instance_order ON dicom_instance (series, standing, number);
CREATE INDEX dicom_instance_aside ON dicom_instance (study) WHERE standing > 0;

-- Studies that something arrived for since their ImagingStudy was last written.
CREATE TABLE dicom_arrival (
    study    INTEGER PRIMARY KEY,
    hospital INTEGER NOT NULL,
    at       INTEGER NOT NULL
);
CREATE INDEX dicom_arrival_at ON dicom_arrival (at);
