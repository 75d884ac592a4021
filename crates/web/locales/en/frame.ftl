### The page around every page.

skip = Skip to content
sign-in = Sign in
sign-out = Sign out
undo = Undo
find = Patient, case or person
line-down = The line is down. What you write is kept; the page is not up to date.

nav-main = Main
nav-tabs = Main, at the bottom
nav-account = Account
nav-inbox = Inbox
nav-worklist = Worklist
nav-patients = My patients
nav-cases = Cases
nav-people = People
nav-agreements = Agreements
nav-audit = Audit
nav-operator = Network
nav-me = Today
nav-me-record = My record
nav-me-consents = Consents
nav-me-readers = Who read it
nav-profile = Profile and sessions
nav-choose = Hospital and role
nav-notices = { $n ->
    [0] Notices, none new
   *[other] Notices, { $n } new
}

role-clinician = Clinician
role-coordinator = Coordinator
role-consultant = Consultant
role-administrator = Administrator
role-operator = Operator
role-patient = Patient
role-machine = Machine

look-language = Language
look-theme = Theme
look-contrast = More contrast
theme-auto = System
theme-light = Light
theme-dark = Dark
