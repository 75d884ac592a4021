-- What is told of a patient, by when it was: a chart is read newest first, and is one range of an index. As with tokens,
-- rows of other parameters, and of records about nobody or about several, name no patient.
ALTER TABLE index_date ADD COLUMN patient text COLLATE "C";
-- Every hospital's rows: the wall stands before the owner too.
SET LOCAL karez.system = 'on';
UPDATE index_date d SET patient = p.target
FROM (
    SELECT record, min(target) AS target FROM index_reference
    WHERE param = (SELECT num FROM param WHERE code = 'patient')
      AND identifier = 0 AND base IS NULL AND target_kind = 'Patient'
    GROUP BY record HAVING count(*) = 1
) p
WHERE p.record = d.record AND d.grp = 0
  AND d.param IN (SELECT num FROM param WHERE code IN ('authored', 'authoredon', 'date', 'onset-date', 'recorded-date', 'started'));
CREATE INDEX index_date_patient ON index_date (hospital, kind, patient, param, low, record)
    WHERE patient IS NOT NULL;
