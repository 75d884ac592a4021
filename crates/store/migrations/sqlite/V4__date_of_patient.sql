-- What is told of a patient, by when it was: a chart is read newest first, and is one range of an index. As with tokens,
-- rows of other parameters, and of records about nobody or about several, name no patient.
ALTER TABLE index_date ADD COLUMN patient TEXT;
UPDATE index_date SET patient = (
    SELECT min(p.target) FROM index_reference p
    WHERE p.record = index_date.record AND p.param = (SELECT num FROM param WHERE code = 'patient')
      AND p.identifier = 0 AND p.base IS NULL AND p.target_kind = 'Patient'
    HAVING count(*) = 1
)
WHERE grp = 0 AND param IN (SELECT num FROM param WHERE code IN ('authored', 'authoredon', 'date', 'onset-date', 'recorded-date', 'started'));
CREATE INDEX index_date_patient ON index_date (hospital, kind, patient, param, low, record)
    WHERE patient IS NOT NULL;
