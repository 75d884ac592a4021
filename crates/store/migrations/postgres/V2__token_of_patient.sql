-- What a record is (its code, category, type) together with the patient it is about: one range of an index, in the order
-- of the records. Rows of other parameters, and of records about nobody or about several, name no patient.
ALTER TABLE index_token ADD COLUMN patient text COLLATE "C";
-- Every hospital's rows: the wall stands before the owner too.
SET LOCAL karez.system = 'on';
UPDATE index_token t SET patient = p.target
FROM (
    SELECT record, min(target) AS target FROM index_reference
    WHERE param = (SELECT num FROM param WHERE code = 'patient')
      AND identifier = 0 AND base IS NULL AND target_kind = 'Patient'
    GROUP BY record HAVING count(*) = 1
) p
WHERE p.record = t.record AND t.grp = 0
  AND t.param IN (SELECT num FROM param WHERE code IN ('category', 'code', 'type', 'vaccine-code'));
CREATE INDEX index_token_patient ON index_token (hospital, kind, patient, param, code, record, system)
    WHERE patient IS NOT NULL;
