### Keeping and erasing: holds, retention, erasure.

keeping-title = Keeping and erasing
keeping-lead = Nothing is destroyed by itself. What has been kept long enough is proposed here, and what stands under a legal hold cannot go.
keeping-erase = Erase a record
keeping-erase-lead = This cannot be undone. The whole record goes, in every version, with its files and from every backup that is restored later. What remains is that it was done, by whom and why.
keeping-erase-do = Erase for good
keeping-erased = It is erased.
keeping-erasures = What was erased
keeping-no-erasures = Nothing was erased
keeping-no-erasures-more = Erasures of this hospital stand here, without what they took.
keeping-holds = Legal holds
keeping-hold-new = New legal hold
keeping-hold-place = Place the hold
keeping-hold-placed = The hold stands.
keeping-hold-lifted = The hold is lifted.
keeping-no-holds = No legal holds
keeping-no-holds-more = While a hold stands, nothing of the record is erased or destroyed.
keeping-stands = Under hold
keeping-ended = Ended
keeping-lift = Lift
keeping-reason = Reason
keeping-reason-hint = It is kept for good. Do not name the patient in it.
keeping-until = Last day
keeping-until-hint = Leave it empty for a hold that is lifted by hand.
keeping-ground = Ground
keeping-disposals = Proposed to be destroyed
keeping-no-disposals = Nothing is proposed
keeping-no-disposals-more = Records whose time of keeping is over will stand here.
keeping-due = Time of keeping over since { $date }
keeping-decide = Decide
keeping-record = Record of patient
keeping-copies = { $n ->
    [one] One copy of an opinion on case
   *[other] { $n } copies of opinions on case
}
keeping-destroy = Destroy for good
keeping-keep = Keep for { $n } more years
keeping-kept = It is kept on.
erasure-ground-request = Asked for by the patient
erasure-ground-order = Ordered by a court or authority
erasure-ground-mistake = Made by mistake
erasure-ground-retention = Time of keeping is over
problem-keeping-unknown-patient = There is no such patient at this hospital.
problem-keeping-years = 1 to 100 years.
problem-hold-until-past = This day has passed.
rejected-hold-stands = A legal hold stands on this record. Lift it first.
rejected-erasure-open-case = A case of this patient is open. End it first.
did-record-erased = Erased a record
did-erasure-replayed = Did an erasure again after a restore
did-hold-placed = Placed a legal hold
did-hold-lifted = Lifted a legal hold
