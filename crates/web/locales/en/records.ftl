### Patients and their records.

patients-lead = Patients of your hospital. Search by name in any script, pinyin, number or date of birth.
patients-import = Import a record
patients-find = Name, pinyin, number or date of birth
patients-none = No patients yet
patients-none-more = Import the first record: a FHIR bundle, a patient summary, a PDF or images.
patients-no-match = Nobody of that name or number
patients-no-match-more = Try another spelling, or import the record.
patients-too-many = Many more match. Add a year of birth or a number.
patients-name = Name
patients-number = Number
patients-cases = Cases
patients-updated = Last entry
patients-deceased = Died
patients-open-cases = { $n ->
    [one] 1 open
   *[other] { $n } open
}
none-dash = –
identifier-local = Number at { $issuer }
identifier-national = National ID
identifier-passport = Passport
patient-title = Patient’s record
patient-record = Record
patient-classes = Parts of the record
patient-all = All
date-month-alone = { $month }
timeline-undated = No date
timeline-more-values = and { $n } more
timeline-recorded = recorded { $when }
timeline-ask-again = Ask again
timeline-gap = { $reason } Asked at { $time }.
timeline-empty = Nothing recorded here
timeline-empty-more = Choose another part of the record, or import one.
timeline-all = Whole record, { $n } entries
timeline-sources = { $entries } entries; { $n } of { $all } sources answered.
record-sources = { $n } of { $all } sources
record-nothing-shared = Nothing of the record was sent with this case.
summary-title = What matters now
summary-since = since { $when }
summary-no-known-allergy = No known allergy
summary-problems = Problems
summary-medication = Medication
summary-none = None recorded
summary-more = { $n } more
trends-title = Over time
sources-title = Where it comes from
sources-entries = { $n ->
    [one] 1 entry
   *[other] { $n } entries
}
sources-fresh = Newest entry { $when }
entry-title = Entry of the record
entry-when = Clinical time
entry-until = Until
entry-recorded = Recorded
entry-status-label = Status
entry-class = Part of the record
entry-version = Version
entry-no-text = This entry holds no text or values.
entry-source = As it is kept
value-name = Value
value-value = As written
value-other = In the other unit
value-range = Reference
value-result = Result
files-title = Files
files-untitled = File without a name
files-not-shown = This kind of file is not shown in the page.
files-download = Download
files-entry = To its entry
files-count = { $n ->
    [0] No files
    [one] 1 file
   *[other] { $n } files
}
files-drop = Drop documents or images here, or choose them
files-hint = PDF, PNG, JPEG or WebP, each up to 64 MB.
files-add = Add
files-remove = Remove
files-empty = Choose at least one file.
files-added = The files were added.
search-title = Search
search-found = { $n ->
    [0] Nothing found for “{ $query }”.
    [one] One found for “{ $query }”.
   *[other] { $n } found for “{ $query }”.
}
search-none = Nothing found
search-none-more = You find what your role may see: patients of your hospital and cases you take part in.
search-patients = Patients
encounter-amb = Visit
encounter-imp = Stay in hospital
encounter-emer = Emergency visit
encounter-hh = Visit at home
encounter-vr = Visit by video or telephone
encounter-obsenc = Observation
entry-written = As written: { $title }
