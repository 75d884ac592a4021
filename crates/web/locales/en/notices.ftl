### Notices. They name cases and agreements by number, never a patient.

notices-title = Notices
notices-read-all = Mark all as read
notices-all-read = All notices are marked as read.
notices-none = Nothing has happened that needs you
notices-none-more = Cases, answers and agreements that need you are announced here.
notices-home = To my work
notices-urgent = Urgent
notices-new = New

notice-case-sent = A case was sent to your hospital
notice-case-more-asked = More information is wanted
notice-case-more-supplied = The information you asked for is there
notice-case-accepted = Your case was accepted
notice-case-declined = Your case was declined
notice-case-allocated = A case was given to you
notice-case-co-sign = An opinion waits for your co-signature
notice-case-returned = Your opinion was returned before co-signature
notice-case-answered = Your case was answered
notice-case-addendum = An addendum was signed
notice-case-asked-again = A further question on a case you answered
notice-case-outcome = The outcome of a case you answered is known
notice-case-cancelled = A case was cancelled
notice-case-suspended = A case was cut off: you are on your own with this patient
notice-case-resumed = A case goes on
notice-case-moved = A case goes on under another agreement
notice-case-message = A new message in a case
notice-alarm-not-accepted = Nobody has taken this case yet
notice-alarm-not-answered = This case is not answered and its time runs out
notice-alarm-unread = An answer has not been opened
notice-alarm-not-supplied = What was asked for has not come
notice-alarm-left-alone = Nobody has taken up what was left open
notice-alarm-outcome-due = How did it turn out?
