### Audit, reviews, border ledger, corrections.

audit-lead = Who read or changed what in this hospital, in one chain that cannot be rewritten unseen.
audit-tab-entries = Entries
audit-tab-emergency = Emergency access
audit-tab-border = Across borders
audit-tab-corrections = Corrections
audit-tab-chain = The chain
audit-csv = As a table (CSV)
audit-ndjson = As FHIR (NDJSON)
audit-person = Person
audit-anyone = Anyone
audit-patient = Patient’s id
audit-from = From
audit-until = Until
audit-clear = Show all
audit-none = No entries
audit-none-more = Nothing matches these filters.
audit-number = No.
audit-when = When
audit-who = Who
audit-what = What
audit-about = About
audit-ground = On what ground
audit-denied = Denied
audit-more = and { $n } more
audit-chain-lead = Each entry carries the hash of the one before it. Checkpoints are signed, and partners keep them.
audit-chain-sound = The chain is whole, and every checkpoint agrees with it.
audit-chain-broken = The chain does not verify.
audit-chain-broken-at = The first entry that does not fit is number { $n }.
audit-chain-contradicts = A checkpoint that { $keeper } keeps, at entry { $n }, says otherwise.
audit-chain-entries = Entries
audit-chain-checkpoints = Checkpoints compared
audit-chain-head = Head of the chain
audit-chain-at = Verified
did-record-read = Read an entry
did-timeline-read = Read the time line
did-case-read = Opened the case
did-opinion-read = Read the opinion
did-opinion-saved = Saved the opinion as a file
did-opinion-signed = Signed an opinion
did-file-read = Opened a file
did-case-started = Began a case
did-case-sent = Sent a case
did-case-message = Wrote in a case
did-consent-recorded = Recorded a consent
did-consent-withdrawn = Withdrew a consent
did-consent-reviewed = Reviewed an emergency
did-break-glass-opened = Declared emergency access
did-break-glass-reviewed = Reviewed emergency access
did-border-crossed = Data left the country
did-agreement-drafted = Drafted an agreement
did-agreement-edited = Edited an agreement
did-agreement-proposed = Proposed an agreement
did-agreement-signed = Signed an agreement
did-agreement-activated = An agreement came into force
did-agreement-suspended = Suspended an agreement
did-agreement-resumed = Resumed an agreement
did-agreement-ended = Ended an agreement
did-audit-read = Looked at the audit
did-audit-exported = Exported the audit
did-record-moved-away = Moved entries to another patient
did-record-moved-here = Moved entries here from another patient
did-session-begun = Signed in

reviews-lead = Emergency access that waits for a judgement, and what was judged.
reviews-waiting = { $n ->
    [0] Nothing waits for review
    [one] One waits for review
   *[other] { $n } wait for review
}
reviews-none = Nothing waits
reviews-none-more = Emergency access appears here the moment it is declared.
reviews-done = Reviewed
reviews-justified = Justified
reviews-not-justified = Not justified
reviews-due = To be reviewed
reviews-runs = Open until { $at }
reviews-reads = { $n ->
    [0] nothing was read
    [one] one read
   *[other] { $n } reads
}
reviews-entries = Show them
reviews-note = Note, if you like; needed when not justified
reviews-kept = Your review is kept.

border-lead = Persons whose data left the country this calendar year, by destination, against the limits of the law.
border-none = Nothing has left the country this year
border-none-more = Each crossing is counted here when a case is sent abroad.
border-persons = { $n ->
    [one] One person
   *[other] { $n } persons
}
border-sensitive = { $n } of them with health data
border-reached = { $count } reached the limit of { $limit }: { $due } is due.
border-near = { $count } of { $limit }; from there on: { $due }.
border-thresholds = Limits
border-threshold = { $limit } persons: { $due }
border-consent-law = A separate consent is asked for by { $law }.
border-accounting = Every disclosure is listed for the person for { $n } years.
border-to = To
border-purpose = For
border-classes = What
border-ground = Rests on
due-standard-contract = a standard contract filed with the authority
due-security-assessment = a security assessment by the authority
due-stop-and-ask-counsel = stop, and ask counsel
purpose-treatment = Treatment
purpose-second-opinion = Second opinion
purpose-emergency = Emergency
purpose-patient-request = At the patient’s wish
problem-border-no-purpose = Sending data abroad needs a purpose.
problem-border-no-separate-consent = The patient must agree separately to the data leaving the country.
problem-border-not-minimal = A sensitive part would leave the country without having been chosen.

correct-list-lead = Entries that had been filed with the wrong patient, and where they went.
correct-none = No corrections
correct-none-more = An entry filed with the wrong patient is moved from that patient’s page.
correct-title = Wrong patient
correct-lead = Choose what was filed here by mistake, and the patient it belongs to.
correct-consequences = Each entry gets a new version in the right record; the old one stays in its history. Everybody who read it here is told.
correct-which = Entries that do not belong here
correct-find = The right patient
correct-find-hint = Name, number or birth date.
correct-to = They belong to
correct-reason = How it happened
correct-now = Move them
correct-done = Moved. Whoever had read them has been told.
correct-entries = Entries
correct-told = People told
find-now = Find
problem-correction-same-patient = They are in this record already.
problem-correction-no-entry = Choose at least one entry.
problem-correction-unknown-patient = Choose the patient they belong to.
problem-correction-not-movable = One of these cannot be moved alone.
notice-break-glass = Emergency access was declared
notice-record-corrected = Something you read was filed with the wrong patient
