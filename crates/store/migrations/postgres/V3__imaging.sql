-- Images. A study stands for itself at one hospital and belongs to one ImagingStudy (`record`); texts that are compared
-- without regard to case are kept folded, dates as YYYYMMDD, times as HHMMSS.ffffff or the
-- beginning of that; what is not given is empty.
CREATE TABLE dicom_study (
    study bigint PRIMARY KEY,
    hospital integer NOT NULL,
    record bigint NOT NULL,
    uid text COLLATE "C" NOT NULL,
    patient_id text COLLATE "C" NOT NULL,
    issuer text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    ideographic text COLLATE "C" NOT NULL,
    phonetic text COLLATE "C" NOT NULL,
    words text COLLATE "C" NOT NULL,
    birth_date text COLLATE "C" NOT NULL,
    sex text COLLATE "C" NOT NULL,
    date text COLLATE "C" NOT NULL,
    time text COLLATE "C" NOT NULL,
    accession text COLLATE "C" NOT NULL,
    number text COLLATE "C" NOT NULL,
    description text COLLATE "C" NOT NULL,
    referring text COLLATE "C" NOT NULL,
    waiting smallint NOT NULL,
    attributes bytea NOT NULL
);
CREATE UNIQUE INDEX dicom_study_uid ON dicom_study (hospital, uid);
CREATE UNIQUE INDEX dicom_study_record ON dicom_study (record);
CREATE INDEX dicom_study_date ON dicom_study (hospital, date, study);
CREATE INDEX dicom_study_patient ON dicom_study (hospital, patient_id);
CREATE INDEX dicom_study_name ON dicom_study (hospital, name);
CREATE INDEX dicom_study_accession ON dicom_study (hospital, accession) WHERE accession <> '';
CREATE INDEX dicom_study_waiting ON dicom_study (hospital) WHERE waiting = 1;

-- `instances` and `bytes` count what is shown.
CREATE TABLE dicom_series (
    series bigint PRIMARY KEY,
    hospital integer NOT NULL,
    study bigint NOT NULL,
    uid text COLLATE "C" NOT NULL,
    modality text COLLATE "C" NOT NULL,
    number bigint NOT NULL,
    description text COLLATE "C" NOT NULL,
    body_part text COLLATE "C" NOT NULL,
    instances integer NOT NULL,
    bytes bigint NOT NULL,
    attributes bytea NOT NULL
);
CREATE UNIQUE INDEX dicom_series_uid ON dicom_series (study, uid);
CREATE INDEX dicom_series_anywhere ON dicom_series (hospital, uid);
CREATE INDEX dicom_series_order ON dicom_series (study, number, series);

-- `standing`: 0 shown; otherwise kept beside until a person decides. At most one object of a UID is shown.
CREATE TABLE dicom_instance (
    instance bigint PRIMARY KEY,
    hospital integer NOT NULL,
    study bigint NOT NULL,
    series bigint NOT NULL,
    uid text COLLATE "C" NOT NULL,
    standing smallint NOT NULL,
    number bigint NOT NULL,
    sop_class text COLLATE "C" NOT NULL,
    transfer_syntax text COLLATE "C" NOT NULL,
    height integer,
    width integer,
    frames integer NOT NULL,
    size bigint NOT NULL,
    digest bytea NOT NULL,
    address text COLLATE "C" NOT NULL,
    sender text COLLATE "C" NOT NULL,
    stored_at bigint NOT NULL,
    attributes bytea NOT NULL,
    layout bytea NOT NULL,
    meta bytea NOT NULL
);
CREATE INDEX dicom_instance_uid ON dicom_instance (hospital, uid);
CREATE INDEX dicom_instance_order ON dicom_instance (series, standing, number, instance);
CREATE INDEX dicom_instance_aside ON dicom_instance (study) WHERE standing > 0;

-- Studies that something arrived for since their ImagingStudy was last written.
CREATE TABLE dicom_arrival (
    study bigint PRIMARY KEY,
    hospital integer NOT NULL,
    at bigint NOT NULL
);
CREATE INDEX dicom_arrival_at ON dicom_arrival (at);

ALTER TABLE dicom_study ENABLE ROW LEVEL SECURITY;
ALTER TABLE dicom_study FORCE ROW LEVEL SECURITY;
CREATE POLICY wall ON dicom_study USING ((SELECT karez_system()) OR hospital = ANY ((SELECT karez_hospitals())::integer[]));
ALTER TABLE dicom_series ENABLE ROW LEVEL SECURITY;
ALTER TABLE dicom_series FORCE ROW LEVEL SECURITY;
CREATE POLICY wall ON dicom_series USING ((SELECT karez_system()) OR hospital = ANY ((SELECT karez_hospitals())::integer[]));
ALTER TABLE dicom_instance ENABLE ROW LEVEL SECURITY;
ALTER TABLE dicom_instance FORCE ROW LEVEL SECURITY;
CREATE POLICY wall ON dicom_instance USING ((SELECT karez_system()) OR hospital = ANY ((SELECT karez_hospitals())::integer[]));
ALTER TABLE dicom_arrival ENABLE ROW LEVEL SECURITY;
ALTER TABLE dicom_arrival FORCE ROW LEVEL SECURITY;
CREATE POLICY wall ON dicom_arrival USING ((SELECT karez_system()) OR hospital = ANY ((SELECT karez_hospitals())::integer[]));
