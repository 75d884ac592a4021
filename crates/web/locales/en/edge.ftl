### Edges: what sends images from a remote hospital.

edges-title = Edges that send images
edges-none = No edge has reported yet
edges-none-more = An edge stands at a remote hospital, takes images from its scanners and sends them on when the line allows: karez edge imaging.
edge-silent = Silent, last heard { $ago }
edge-line = Line
edge-line-idle = Open
edge-line-sending = Sending
edge-line-closed = Held back by the schedule
edge-line-away = Cut
edge-line-unknown = Not accepted
edge-waits = Waiting
edge-nothing = Nothing waits
edge-nothing-more = Everything that came from the scanners is at the centre.
edge-waiting = { $n ->
    [one] One object
   *[other] { $n } objects
} of { $studies ->
    [one] one study
   *[other] { $studies } studies
}, { $bytes }
edge-oldest = The oldest came { $ago }
edge-refused = { $n ->
    [one] The centre refused one object. It lies aside in the spool; ask the centre.
   *[other] The centre refused { $n } objects. They lie aside in the spool; ask the centre.
}
edge-free = { $bytes } free for the spool
edge-to = Sends images to { $centre }
edge-last = Last object taken by the centre
edge-rate = Speed of the line
edge-kbit = { $n } kbit/s
edge-room = Free for the spool
edge-version = Version
edge-away-lead = The line was cut { $ago }. Scanners may go on: everything is kept here and leaves when the line is back.
edge-unknown-lead = The centre does not accept this edge; it first said so { $ago }. Everything is kept here; ask the centre to register its key.
edge-studies = Studies that wait
edge-modality = Modality
edge-sender = Sent by
edge-came = Came
edge-objects = Objects
edge-size = Size
edge-first = Send first
edge-not-first = Not first
edge-urgent = First
edge-more = { $n ->
    [one] One more study waits.
   *[other] { $n } more studies wait.
}
