### The opinion: writing, signing, reading, carrying out.

opinion-yours = Your opinion
opinion-addendum = Addendum to your opinion
opinion-addendum-write = Write an addendum
opinion-see = What I see
opinion-think = What I think
opinion-advise = What I advise
opinion-orders = Orders I propose
opinion-orders-hint = One on each line.
opinion-tools = Tools for the opinion
opinion-template = Template
opinion-template-hint = Fills only what is still empty
opinion-signs-as = Signs as { $name }.
opinion-sign = Sign…
opinion-preview = What will be signed
opinion-changed = { $n ->
    [one] 1 entry of the record changed since you opened it
   *[other] { $n } entries of the record changed since you opened it
}
changed-new = new
changed-changed = changed
changed-gone = no longer there
legal-advisory = This is a specialist’s advice; the treating doctor decides and remains responsible for the treatment.
legal-report = This is a report in the sense of the agreement; the signing hospital is responsible for its content.
legal-short-advisory = Advice to the treating doctor.
legal-short-report = A report under the agreement.
sign-title = Sign this opinion?
sign-lead = Once signed it cannot be changed, only added to, with your name and the time. The clock of this case stops.
sign-responsible = Responsible: { $hospital }.
sign-licence = Licence { $licence }
sign-co-signer = Who signs too?
sign-co-signer-hint = The agreement asks for two signatures. The answer goes out with the second.
sign-seen-changes = { $n ->
    [one] I have seen the change in the record
   *[other] I have seen the { $n } changes in the record
}
sign-do = Sign and send
sign-write-on = Go on writing
opinion-draft-kept = The draft was kept.
opinion-signed = Signed and sent.
opinion-co-signed = Co-signed; the answer has gone out.
opinion-returned = Sent back to its author.
translation-by = Translation into { $language } by { $who }, { $when }
translation-note = The signature is on the original alone.
translation-kept = The translation stands beside the original.
translate-title = Add a translation
translate-lead = It is kept beside the original with your name as translator.
translate-do = Keep the translation
answer-keep = Keep it
answer-pdf = PDF to print
answer-file = Sealed file, to check anywhere
answer-checks = Is it genuine?
answer-checks-all = What was checked
verdict-genuine = Genuine and unaltered
verdict-unaltered-only = Unaltered; its signer is not known here
verdict-refused = Not genuine
check-form = The file is whole
check-hospital-key = The hospital’s key
check-seal = The hospital’s seal
check-parts = Every part belongs to it
check-certificate = The signer’s certificate
check-revocation = Nothing was revoked
check-signature = The signature over the exact text
check-time = The time of signing
check-outcome-passed = passed
check-outcome-unanchored = not anchored
check-outcome-failed = failed
check-outcome-not-reached = not reached
answer-rests-on = What it rests on
answer-rests-count = { $n ->
    [one] 1 entry of the record, in its exact version
   *[other] { $n } entries of the record, each in its exact version
}
answer-version = version { $n }
act-title = Accept and act
act-lead = Say what you will do. The consultant sees it, and in four weeks you are asked how it turned out.
act-plan = What will be done
act-plan-hint = As you will tell the patient.
act-plan-missing = Say what will be done.
act-orders = Orders
act-do = Accept and act
again-title = It does not settle the question: ask again
again-text = What is still open?
again-hint = The case goes back with a new clock, under the agreement as it stands today.
again-missing = Say what is still open.
again-do = Ask again
case-acted = The consultant sees what you will do.
case-asked-again = Asked again; the clock runs anew.
co-sign-title = Your signature is asked for
co-sign-lead = The answer goes out with your signature. If you do not agree, send it back to its author.
co-sign-do = Sign too
co-sign-return = Send back
answer-time-own = The hospital itself states the time of signing; no independent authority confirmed it.
answer-time-confirmed = Time of signing confirmed by { $authority }, { $at }.
answer-time-later = The hospital itself states the time of signing. The authority could not be reached then; { $authority } confirms that the signature existed on { $at }.
answer-stamp-file = Time stamp (made later)
