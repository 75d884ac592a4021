### Words of the components.

here = You are here
steps = Steps

urgency-emergency = Emergency
urgency-urgent = Urgent
urgency-soon = Soon
urgency-routine = Routine

clock-left = { $span } left
clock-left-of = { $span } of { $all } left
clock-over = { $span } over
clock-paused = Paused
clock-answered = Answered in time
clock-answered-late = Answered { $span } late

sex-male = man
sex-female = woman
sex-other = other sex
sex-unknown = sex not known
sex-short-male = M
sex-short-female = F
sex-short-other = O
sex-short-unknown = ?

banner-patient = Patient
banner-born = Born
banner-deceased = Died
banner-allergies = Allergies
banner-no-allergies = None recorded
banner-custodian = Kept by
banner-language = Speaks
banner-pseudonym = This stands for the patient’s name

permit-label = Permission
permit-refused = Refusal
permit-why = Why?
permit-agreement = Agreement
permit-read-agreement = Read the agreement

form-problems = { $n ->
    [one] One thing needs your attention
   *[other] { $n } things need your attention
}

list-filter = Filter the list
list-apply = Apply
pager-label = Pages of the list
pager-of = { $n } of { $all } shown
pager-shown = { $n } shown
pager-previous = Previous
pager-next = Next

state-loading = Loading
state-too-many = Too many to show

plot-numbers = The numbers
