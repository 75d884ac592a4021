### Cases: lists, the case, what can be done.

case-word = Case
case-title = Case { $number }
case-new = New case
case-no-question = No question yet
case-due = due { $when }
case-declined = Declined: { $reason }
case-more-asked = More was asked for; the clock stands still
case-files = Images and files
case-files-none = No files came with this case.
case-people = Who takes part
case-referrer = Asked by
case-call-back = Call back
case-received = Received
case-do = What you can do
case-sent-with = Went with the case: { $parts }.
history-title = What happened
owner-me = You
owner-nobody = Nobody yet
complete = Complete
leave-it = Leave it
choose = Choose
messages-title = Messages
messages-zone = Your time, { $zone }
messages-write = Write to everyone in this case
messages-attach = Attach
messages-send = Send
messages-none = No messages yet.
message-sent = The message was sent.
list-views = Views of the list
list-urgency = Urgency
list-time-left = Time left
list-state = State
list-patient = Patient and question
list-from = From, for
list-to = To
list-complete = Completeness
list-owner = Owner
list-age = Age
list-hospital = Hospital
list-specialty = Specialty
list-order = Order
list-caption = Cases, in the order chosen
list-shown = { $n } of { $all } shown, updated { $time }
list-more = { $n } more
list-show-all = Show all
list-unread = { $n ->
    [one] 1 new message
   *[other] { $n } new messages
}
filter-any-urgency = Any urgency
filter-all-hospitals = All hospitals
filter-all-specialties = All specialties
order-urgency = Urgency, then time left
order-age = Age, oldest first
order-latest = Latest change first
inbox-now = { $emergencies ->
    [0] No emergency
    [one] 1 emergency
   *[other] { $emergencies } emergencies
} and { $nobody ->
    [0] no case with nobody on it.
    [one] 1 case with nobody on it.
   *[other] { $nobody } cases with nobody on them.
}
inbox-oldest = Oldest waiting without an answer: { $span }.
worklist-now = { $open ->
    [0] Nothing waits for you.
    [one] 1 case waits for you
   *[other] { $open } cases wait for you
}{ $open ->
    [0] {""}
   *[other] { $overdue ->
        [0] , none over its time.
       *[other] , { $overdue } over their time.
    }
}
cases-now = { $open ->
    [0] No open cases.
    [one] 1 open case
   *[other] { $open } open cases
}{ $open ->
    [0] {""}
   *[other] { $waiting ->
        [0] , none waits for you.
       *[other] , { $waiting } wait for you.
    }
}
inbox-empty = No case is waiting
inbox-empty-more = New cases appear here as they are sent.
worklist-empty = Nothing on your worklist
worklist-empty-more = Cases given to you appear here.
cases-empty = No cases here
cases-empty-more = A new case begins on the patient’s page.
inbox-open-case = Open the case
inbox-complete-of = Complete: { $have } of { $of }
inbox-goes-with = { $entries } parts of the record and { $files } files go with it.
inbox-no-candidate = No consultant here covers this specialty. Ask the hospital to send it elsewhere, or decline.
allocate-to = Give this case to
candidate = { $name }, { $specialty }: { $n ->
    [0] no open case
    [one] 1 open case
   *[other] { $n } open cases
}
candidate-time = Their time is { $time } ({ $zone }).
candidate-reads = Reads { $languages }.
candidate-usual = Usually answers in { $span }.
act-accept = Accept
act-allocate = Give case
act-ask = Ask the hospital
act-decline = Decline…
act-supply = Send what was asked for
act-outcome = Tell how it turned out
act-outcome-seen = Seen
act-edit = Change and send again
act-take-over = Take over
act-take-back = Take back…
act-close = Close the case
act-cancel = Cancel the case…
act-send = Send
ask-title = Ask the hospital for more
ask-lead = The clock stands still until the answer comes.
ask-text = What is missing?
ask-empty = Say what is missing.
decline-title = Decline this case?
decline-lead = The record closes to your hospital at once, and the referring doctor is told why.
decline-reason = Reason
decline-reason-missing = Choose a reason.
decline-note = What should they do instead?
decline-note-hint = The referring doctor reads this.
decline-do = Decline
supply-title = Send what was asked for
supply-text = Your answer
supply-hint = The clock runs again when you send it.
supply-empty = Write an answer or add a file.
confirm-take-back = The other hospital can no longer read the record. The clock stops. You can send it again.
confirm-cancel = The case ends and the record closes to the other hospital. It cannot be reopened; its history stays.
do-take-back = Take back
do-cancel = Cancel the case
take-back-title = Take this case back?
cancel-title = Cancel this case?
close-title = Close this case?
close-lead = The record closes to the other hospital. Both sides keep the versions the opinion rested on.
close-reason = Why does it end?
close-reason-missing = Choose a reason.
outcome-title = How it turned out
outcome-lead = The consultant who answered reads this. It is how both of you learn.
outcome-management = What did you do with the opinion?
outcome-diagnosis = Did the diagnosis hold?
outcome-patient = How is the patient?
outcome-text = What happened
outcome-hint = Histology, course, what you would ask differently.
outcome-choose = Choose one.
plan-title = What we do
answer-opinion = Signed opinion
answer-addendum = Addendum
answer-signed = signed { $when }
answer-co-signed = { $who } co-signed { $when }
answer-awaits = waits for { $who } to sign too
answer-read = opened by { $who }, { $when }
answer-returned = Sent back
answer-unread = Not yet read
answer-open = Read the opinion
case-accepted = The case was accepted.
case-allocated = The case was given to the consultant.
case-asked = The hospital was asked; the clock stands still.
case-declined-done = The case was declined and the referring doctor told.
case-supplied = Sent. The clock runs again.
case-taken-back = The case is back with you as a draft.
case-cancelled = The case was cancelled.
case-closed = The case was closed.
case-taken-over = The case is yours now.
case-sent = The case was sent; the clock runs.
case-draft-kept = The draft was kept.
outcome-told = The consultant was told how it turned out.
outcome-seen-done = Thank you. The case is closed.
messages-to-patient = To the patient, who reads it on their own page
