downtime-title = Pack for when the system is down
downtime-as-of = { $n ->
    [one] One open case
   *[other] { $n } open cases
}, as of { $at }
downtime-lead = Print it and lock it away. When the system is down, write on paper below each case with date, time and name; enter it later as a late entry. Printing is in the audit of each patient.
downtime-left-out = { $n } more cases are not on this paper.
downtime-none = No open cases
downtime-unnamed = Name not shared; the case number stands for the patient
downtime-referrer = Referring doctor
downtime-call-back = Telephone
late-title = Late entry
late-chip = Late entry
late-lead = For what was written on paper while the system could not be used. The record shows when it happened, when it was entered, and why so late.
late-happened = When it happened
late-happened-hint = The time on the paper, by your clock ({ $zone }).
late-happened-missing = Give date and time.
late-reason = Why so late
late-reason-system-down = The system was down
late-reason-line-down = The line was down
late-reason-power-cut = Power cut
late-reason-other = Another reason
late-what = What it is
late-text = What the paper says
late-text-hint = Word for word.
late-written-by = Who wrote the paper
late-written-by-hint = If it was somebody else.
late-case = Tell a case too
late-no-case = No case
late-do = Enter
late-done = Entered. It is marked as a late entry.
late-mark = Late entry: { $reason }
late-mark-happened = happened { $at }
late-mark-by = written by { $who }
problem-late-future = This lies in the future.
problem-late-too-old = More than a month ago: import the paper as a document instead.
job-downtime-packs = Packs for when the system is down
