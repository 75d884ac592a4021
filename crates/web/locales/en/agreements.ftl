### Agreements between hospitals.

agr-lead = What hospitals signed decides what each may see and do.
agr-new = New agreement
agr-explain-open = Who may see what?
agr-none = No agreements here
agr-none-more = Agreements appear here as they are drafted, signed and ended.
agr-tab-running = In force
agr-tab-coming = Being made
agr-tab-past = Over
agr-title = Title
agr-partner = Partner
agr-direction = Direction
agr-standing = State
agr-until = Until
agr-both-ways = Both refer and answer
agr-we-refer = We refer
agr-we-answer = We answer
agr-to-sign = Your signature is missing
agr-notice-until = Ends on { $at }
agr-runs = { $first } to { $last }
agr-ended-on = since { $at }
standing-draft = Draft
standing-proposed = Proposed
standing-signed = Signed, not yet begun
standing-active = Active
standing-suspended = Suspended
standing-ended = Ended
standing-expired = Expired
standing-withdrawn = Withdrawn

agr-in-words = What it permits, in words
agr-permitted = Permitted
agr-not-permitted = Not permitted
agr-same-rules = These words are written from the same rules that decide each access.
agr-try = Try it on a person
agr-may-read = Staff of { $to } may read what a case of { $from } shares with them, while the case is open.
agr-may-write = Both may write in the case.
agr-may-sign = Consultants of { $to } with a licence valid on the day may sign opinions.
agr-may-emergency = In an emergency, declared and reviewed, they may read without the consent.
agr-not-consent = Reading without the patient’s consent.
agr-not-emergency = Emergency access across hospitals.
agr-not-copy = Keeping copies outside the custodian.
agr-not-classes = { $classes }.

agr-parties = Parties
agr-party-place = { $country }, { $offset }
agr-channel = Questions go from { $from } to { $to }, signed opinions come back
agr-channel-both = Questions and signed opinions go both ways between { $from } and { $to }
agr-channel-out = questions, parts of records
agr-channel-back = signed opinions
agr-clauses = Clauses
agr-clause-n = Clause { $n }
agr-purpose = Purpose
agr-used = { $n ->
    [one] Used once in a year
   *[other] Used { $n } times in a year
}
agr-ending = End
agr-ending-text = { $n ->
    [one] Either party may end this with one day’s notice, or suspend it at once for cause.
   *[other] Either party may end this with { $n } days’ notice, or suspend it at once for cause.
} Access ends with it; signed opinions stay.
agr-says = { $from } may ask { $to } for { $services } in { $specialties }.
agr-says-any = { $from } may ask { $to } for { $services } in every specialty.
agr-says-times = Answered within { $emergency } in an emergency, { $urgent } when urgent, { $soon } when soon, { $routine } otherwise.
agr-says-classes = { $to } may see, of what a case shares: { $classes }.
agr-says-unclassified = Documents nobody has classified are shared only when each is chosen on its own.
agr-says-consent = The patient must have consented.
agr-says-no-consent = The patient’s consent is not asked for.
agr-says-border = The patient must have agreed separately to the data leaving the country.
agr-says-co-signature = A second consultant signs every opinion too.
agr-says-retention = { $n ->
    [one] What a case shared can still be read for one day after it is closed.
   *[other] What a case shared can still be read for { $n } days after it is closed.
}
agr-says-no-retention = When a case is closed, nothing of it can be read any longer.
agr-says-stays = Nothing is copied: it is read at its custodian.
agr-says-within = Copies stay within the custodian’s country.
agr-says-copy = The answering hospital may keep copies.
agr-says-break-glass = In an emergency, access without consent may be declared; it is reviewed.
agr-says-no-break-glass = There is no emergency access.
agr-signatures = Signatures
agr-key-valid = Signature verified with the hospital’s key
agr-key-wrong = This signature does not verify
agr-jws = The signature itself
agr-keys = Published keys of the hospital
agr-unsigned = { $by } has not signed.
agr-text = The exact text that is signed
agr-history = History
agr-step-drafted = Drafted
agr-step-edited = Edited
agr-step-signatures-voided = Signatures void after an edit
agr-step-proposed = Proposed
agr-step-signed = Signed
agr-step-completed = Signed by both
agr-step-activated = In force
agr-step-suspended = Suspended
agr-step-resumed = Resumed
agr-step-notice-given = Notice given
agr-step-case-settled = An open case settled
agr-step-ended = Ended
agr-step-withdrawn = Withdrawn
agr-step-expired = Expired

agr-edit = Edit
agr-propose = Propose
agr-sign = Sign
agr-suspend = Suspend…
agr-resume = Resume
agr-end = End…
agr-withdraw = Withdraw…
agr-back = Back
agr-keep = Keep it
agr-reason = Reason
agr-reason-hint = The partner sees it.
agr-suspended-by = { $by } suspended it on { $at }. Nobody reads across until it is resumed.
agr-suspend-lead = Access ends this second, also on pages that are open. { $n ->
    [0] No case is open under it.
    [one] One open case goes back to its referring doctor, who is told.
   *[other] { $n } open cases go back to their referring doctors, who are told.
}
agr-suspend-now = Suspend now
agr-withdraw-lead = The proposal is taken back. Nobody had access under it.
agr-withdraw-now = Withdraw
agr-end-lead = With { $days } days’ notice it ends and access with it. { $n ->
    [0] No case is open under it.
    [one] One open case must be settled first.
   *[other] { $n } open cases must be settled first.
} Signed opinions stay valid.
agr-give-notice = Give notice
agr-notice-by = { $by } gave notice. It ends on { $at }, once every open case is settled.
agr-case = Case
agr-open-cases = { $n ->
    [0] No open cases
    [one] One open case
   *[other] { $n } open cases
}
agr-end-now = End it now
agr-owner = Who looks after it
agr-settle-return = Back to this doctor
agr-settled = Settled: { $owner } carries on.
agr-unsettled = Not settled yet.
agr-sign-lead = You sign for { $hospital }, with its key, the exact text below. An edit by either side would make your signature void.
agr-office = Your office
agr-office-hint = As it shall stand beside your name, for example Director.
agr-password-wrong = The password or code is not right.
agr-sign-now = Sign
agr-drafted = The draft is kept.
agr-edited = The changes are kept.
agr-proposed = Proposed to the partner.
agr-signed = Signed.
agr-suspended = Suspended. Access has ended.
agr-resumed = Resumed.
agr-withdrawn = Withdrawn.
agr-notice-given = Notice given.
agr-case-settled = Settled.
agr-ended = Ended.

agr-edit-title = Edit the agreement
agr-draft-lead = Clause by clause: who refers to whom, for what, what may be seen for it, and on which conditions.
agr-edit-voids = Somebody has signed. Saving a change makes every signature void.
agr-general = In general
agr-number = Number
agr-number-hint = What people call it, for example QS-2026-014.
agr-zone = Time zone of the dates
agr-zone-hint = For example Asia/Shanghai.
agr-first-day = First day
agr-last-day = Last day
agr-notice-days = Days of notice
agr-clause-title = What the clause is about
agr-clause-text = Your own words
agr-clause-text-hint = They stand beside the generated ones and bind nobody’s access.
agr-from-to = { $from } refers to { $to }
agr-services = Services
agr-specialties = Specialties
agr-specialties-hint = None chosen means every specialty.
agr-classes = What may be seen
agr-classes-hint = Only of what a case shares.
agr-sensitive = Sensitive classes
agr-sensitive-hint = Closed unless named here and in the patient’s consent.
agr-sensitive-chip = sensitive
agr-unclassified = Documents nobody has classified may be shared, each chosen on its own
agr-conditions = Conditions
agr-consent = The patient’s consent is needed
agr-border-consent = A separate consent is needed for data to leave the country
agr-co-signature = A second consultant signs too
agr-break-glass = Emergency access may stand in for a missing consent
agr-retention = Days to read on after a case is closed
agr-retention-hint = None: 0. The agreement and the consent must still hold.
agr-residency = Copies
agr-response = Answer within, hours
agr-save = Keep the draft
agr-add-clause = Add a clause
agr-drop-clause = Remove
residency-stays-with-custodian = None: read at the custodian
residency-within-jurisdiction = Within the custodian’s country
residency-copy-allowed = The answering hospital may keep copies

agr-explain = Who may see what?
agr-explain-lead = Asks the rules on somebody’s behalf, as they stand at this moment. It reveals what is permitted and why, never content.
agr-explain-reader = Someone at
agr-explain-role = in the role of
agr-explain-custodian = reading a record of
agr-explain-patient = Patient’s id
agr-explain-patient-hint = Leave empty to ask without one.
agr-explain-ask = Ask
agr-explain-class = Part of the record
agr-explain-answer = Answer
agr-yes = Yes
agr-no = No

rejected-agreement-standing = The agreement is in a state in which this cannot be done.
rejected-agreement-already-signed = Your hospital has signed.
rejected-agreement-foreign-signature = The signature is not this hospital’s.
rejected-agreement-not-before = It is too early for this.
rejected-agreement-not-suspended-by-party = Only the party that suspended it can resume it.
rejected-agreement-notice-given = Notice has been given already.
rejected-agreement-no-notice = An ordinary end needs notice first.
rejected-agreement-open-cases = Open cases must be settled first.
rejected-agreement-no-owner = Say who looks after the case.
problem-agreement-parties = Two different hospitals are needed.
problem-agreement-title = Give it a title.
problem-agreement-number = Give it a number.
problem-agreement-number-taken = Another agreement has this number.
problem-agreement-zone = Not a time zone. Write it like Asia/Shanghai.
problem-agreement-dates = The last day must follow the first, within ten years.
problem-agreement-notice = Days of notice: a number up to 366.
problem-agreement-no-clause = At least one clause is needed.
problem-agreement-too-many-clauses = Too many clauses.
problem-agreement-text-too-long = This text is too long.
problem-agreement-clause-title = Say what the clause is about.
problem-agreement-direction = Choose who refers to whom.
problem-agreement-no-service = Choose at least one service.
problem-agreement-no-class = Choose at least one part of the record.
problem-agreement-retention = A number of days between 0 and 3,650.
problem-agreement-response-time = Hours from the most urgent to the least, none shorter than the one before.
problem-agreement-border-consent = The law of the referring country asks for a separate consent.
problem-agreement-not-active = That agreement is not in force.
problem-hospital-unknown = Not a hospital of this network.
problem-owner = Choose a clinician of the referring hospital.
country-cn = China
country-kz = Kazakhstan
country-gb = United Kingdom
country-us = United States
country-ru = Russia
country-de = Germany
country-kg = Kyrgyzstan
country-tj = Tajikistan
country-uz = Uzbekistan
country-tm = Turkmenistan
country-mn = Mongolia
country-pk = Pakistan
country-af = Afghanistan
country-in = India
country-jp = Japan
country-kr = South Korea
country-sg = Singapore
country-my = Malaysia
country-th = Thailand
country-vn = Vietnam
country-id = Indonesia
country-ph = Philippines
country-hk = Hong Kong SAR
country-mo = Macao SAR
country-tr = Türkiye
country-ae = United Arab Emirates
country-sa = Saudi Arabia
country-ir = Iran
country-il = Israel
country-eg = Egypt
country-az = Azerbaijan
country-am = Armenia
country-ge = Georgia
country-by = Belarus
country-ua = Ukraine
country-at = Austria
country-ch = Switzerland
country-fr = France
country-it = Italy
country-es = Spain
country-pt = Portugal
country-nl = Netherlands
country-be = Belgium
country-se = Sweden
country-no = Norway
country-dk = Denmark
country-fi = Finland
country-pl = Poland
country-cz = Czechia
country-ie = Ireland
country-ca = Canada
country-au = Australia
agr-settle-how = What becomes of it
agr-settle-do = Settle
agr-move-same = On under { $number }; { $partner } goes on where it is
agr-move-new = To { $partner } under { $number }; it begins anew there
agr-move-others = { $n ->
    [one] One agreement it cannot move to
   *[other] { $n } agreements it cannot move to
}
agr-move-not-possible = the case cannot move there
agr-move-not-agreement-not-active = not in force
agr-move-not-service-not-covered = does not cover this service and specialty
agr-move-not-no-agreement = not in force
agr-move-not-consent-not-in-force = the patient’s consent does not cover this partner
agr-move-not-class-not-shared = does not share every part of the record that was chosen
agr-move-not-urgency-not-offered = gives no response time for this urgency
agr-move-not-wrong-status = another hospital has answered already, or the case is being closed
agr-case-moved = Moved. Doctor and partner are told.
agr-pdf = PDF, { $language }
