### Webhooks.

hooks-title = Webhooks
hooks-new = New webhook
hooks-none = No system is told of events
hooks-none-more = Give an address, and what happens at this hospital is sent there: ids and states only, never patient data.
hooks-lead = Each event is sent as it happens, in order, at least once, and signed as the Standard Webhooks convention says. It names what changed; the receiver asks for it with its own rights.
hooks-url = Address
hooks-url-hint = It begins with https:// and leads to a public address, unless the operator allows private ones.
hooks-topics = Events
hooks-since = Since
hooks-next = Next try
hooks-old-secret = The secret before signs until
hooks-secret = Secret of the webhook
hooks-secret-lead = With it the receiver checks that a message came from here. After a change both secrets sign for a day.
hooks-secret-kept = I have kept it
hooks-secret-once = It is shown this once. Keep it where the receiver finds it.
hooks-deliveries = Deliveries
hooks-no-deliveries = Nothing was sent yet
hooks-no-deliveries-more = The next event that was asked for shows here.
hooks-event = Event
hooks-happened = Happened
hooks-answer = Answer
hooks-tries = { $n ->
    [one] one try
   *[other] { $n } tries
}
hooks-removed = The webhook was removed
hooks-resent = Sent again, and taken
hooks-not-taken = Sent again, and not taken
hook-failing = Failing
hook-state-active = Active
hook-state-paused = Paused
hook-state-failed = Given up after three days
hook-state-gone = Ended by the receiver
hook-topic-agreement = Agreements
hook-topic-break-glass = Emergency access
hook-topic-case = Cases
hook-topic-consent = Consents
hook-topic-hospital = The hospital itself
hook-topic-imaging = Images
hook-topic-opinion = Opinions
hook-topic-reading = Readings of studies
hook-topic-record = Records
hook-act-pause = Pause
hook-act-resume = Go on
hook-act-secret = New secret
hook-act-remove = Remove
hook-act-resend = Send again
hook-failure-address = Address not usable
hook-failure-private = Private address
hook-failure-timeout = No answer in time
hook-failure-unreachable = Not reachable
hook-failure-too-long = Answer too long
problem-hook-url = This address cannot be used. It begins with https:// and leads to a public address, unless the operator allows private ones.
notice-webhook-ended = A webhook has ended
column-act = What to do
