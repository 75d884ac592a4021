### Taking a record over.

import-title = Take over a record
import-new = From a file
import-file = Choose files or drop them here
import-file-hint = FHIR bundle or International Patient Summary (JSON), PDF, PNG or JPEG. 64 MB at most.
import-promise = Nothing enters a record until you have said whose it is.
import-read = Read the file
import-waiting = Waiting for a decision
import-none = Nothing is waiting
import-none-more = Files that have been read and not yet filed stand here.
import-col-file = File
import-col-read = Read
import-col-size = Size
import-choose-file = Choose a file first.
import-staged = The files have been read. Decide for each whose it is.
import-dropped = The file was dropped. Nothing was filed.
import-done = Filed in this record.
import-whose = Whose record is this?
import-state-done = Filed { $at }: { $written } entries written, { $known } were there already.
import-state-dropped = This file was dropped. Nothing was filed.
import-open-record = Open the record
import-person = The person in the file
import-name-native = Name
import-name-latin = Latin letters
import-sex = Sex
import-question = File it under
import-question-hint = Compare name, birth date and two numbers with their issuers. Records are never joined by the system.
import-question-none = Nobody in your hospital resembles this person.
import-choice-new = A new patient
import-choice-new-note = Opens a record here with what the file says of the person.
import-choice-drop = Nobody: drop the file
import-choice-drop-note = The file is forgotten; the decision stays in the audit.
import-decide = File it
import-decide-first = Say whose record this is, or drop the file.
import-content = What is in it
import-file-whole = The file is kept whole as a document of the record.
import-search = Somebody else
import-search-go = Look for
import-search-found = { $n ->
    [0] Nobody found
    [one] One found, below
   *[other] { $n } found, below
}
import-question-file = A file does not say whose it is. Look for the patient and choose.
import-left-out = Not taken over
import-left-out-why = These would grant, sign or order something, or are no part of a clinical record.
import-unresolved = { $n ->
    [one] One reference leads nowhere in this file.
   *[other] { $n } references lead nowhere in this file.
}
import-problems = { $n ->
    [one] One entry cannot be taken over
   *[other] { $n } entries cannot be taken over
}

grade-certain = Certain
grade-probable = Probable
grade-possible = Possible
grade-no = No match

import-reason-same-identifier = Same number: { $issuer }
import-reason-other-identifier = Other number: { $issuer }
import-reason-same-name = Same name
import-reason-similar-name = Similar name
import-reason-other-name = Other name
import-reason-same-birth-date = Same birth date
import-reason-close-birth-date = Birth date is close
import-reason-other-birth-date = Other birth date
import-reason-same-sex = Same sex
import-reason-other-sex = Other sex
