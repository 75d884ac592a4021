-- What a record is (its code, category, type) together with the patient it is about: one range of an index, in the order
-- of the records. Rows of other parameters, and of records about nobody or about several, name no patient.
ALTER TABLE index_token ADD COLUMN patient TEXT;
UPDATE index_token SET patient = (
    SELECT min(p.target) FROM index_reference p
    WHERE p.record = index_token.record AND p.param = (SELECT num FROM param WHERE code = 'patient')
      AND p.identifier = 0 AND p.base IS NULL AND p.target_kind = 'Patient'
    HAVING count(*) = 1
)
WHERE grp = 0 AND param IN (SELECT num FROM param WHERE code IN ('category', 'code', 'type', 'vaccine-code'));
CREATE INDEX index_token_patient ON index_token (hospital, kind, patient, param, code, record, system)
    WHERE patient IS NOT NULL;
