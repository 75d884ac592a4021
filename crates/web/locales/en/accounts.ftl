### Signing in, profile, people and hospital.

sign-in-lead = { $n ->
    [one] This node serves one hospital. After signing in you choose the role you act in.
   *[other] This node serves { $n } hospitals. After signing in you choose the hospital and role you act for.
}
sign-in-login = Work e-mail or staff number
sign-in-password = Password
sign-in-code = One-time code
sign-in-code-hint = Six digits from your authenticator, if you have set one up.
sign-in-code-or-recovery = Six digits from your authenticator, or one of your recovery codes.
sign-in-cannot = I cannot sign in
sign-in-wrong = Name, password or code is not right. Check the language of your keyboard.
sign-in-wait = Too many attempts. Try again in { $n ->
    [one] one minute
   *[other] { $n } minutes
  }, or ask your administrator.
sign-in-go-on = Go on
sign-in-other = Sign in as somebody else
sign-in-back = Back to signing in
sign-in-patient = I am a patient
sign-in-patient-text = Sign in here with the address your hospital has on record. If you have no account yet, your hospital sends you an invitation when you ask for one.
sign-in-before = Before you sign in
sign-in-before-text = Every reading of a patient’s record is written down, and the patient can see it.
sign-in-help-password = Forgotten your password: the administrator of your hospital gives you a new link, by which you set another. Your second factor stays.
sign-in-help-code = Lost your phone: use one of the recovery codes you were given when you set up the second factor. Without them, the administrator resets it after checking who you are.
sign-in-help-locked = After eight wrong attempts an account stays closed for 15 minutes.

choose-title = Act for
choose-lead = What you may see and do follows from the hospital and role. You can change them at any time.
choose-legend = Hospital and role
choose-only = Only as { $role }
choose-network = The network itself
choose-go = Go on
choose-missing = Choose one.
choose-none = You hold no role at any hospital now. It may have ended or been suspended; ask your administrator.

invitation-title = Welcome
invitation-renew = A new way in
invitation-lead = { $name }, set a password for your account at { $hospital }. This link works once.
invitation-login-hint = You sign in with this.
invitation-password = Password
invitation-password-hint = At least 12 characters. Several words that do not belong together are best.
invitation-again = The same again
invitation-go = Set password and go on
invitation-over = This link works no more
invitation-over-text = It was used, or it has expired. Ask the administrator of your hospital for a new one.

problem-password-short = Use at least 12 characters.
problem-password-long = Use at most 256 characters.
problem-password-guessable = This is too easy to guess. Take several words that do not belong together.
problem-password-differs = The two are not the same.
problem-password-wrong = This is not your password.
problem-code-wrong = This code is not right, or was used before. Wait for the next one.
problem-code-missing = Give the code of your authenticator.
problem-login = Use 3 to 128 characters without spaces.
problem-login-taken = There is an account with this already.
problem-zone = Choose a time zone from the list.
problem-name = Give a name of at most 120 characters.
problem-dates = The end lies before the beginning.
problem-country = Two letters, such as CN or KZ.
problem-role = This is not a role of a hospital’s staff.
problem-missing = This is missing.
problem-jwks = This is not a set of public keys (JWKS) with a key id each, EC or RSA.
problem-jwks-private = This holds a private key. Never send it to anybody; make a new pair.
problem-reserved = This name is reserved.
problem-hospital = There is no such hospital.

denied-not-a-member = You hold no such role there now.
denied-other-hospital = This belongs to another hospital.
denied-privilege-missing = You have not been given the privilege for this.
denied-licence-missing = No licence of yours is valid today at this hospital.

rejected-no-offer = Nothing is being set up. Begin again.
rejected-second-factor-demanded = One of your roles may only be used with a second factor.
rejected-no-second-factor = You have no second factor.
rejected-works-elsewhere = This person works at other hospitals too. The operator of the network can do this.
rejected-operator-account = This person runs the network. Another operator can do this.
rejected-own-account = Nobody changes their own roles and access. Another administrator does.

profile-title = Profile
profile-preferences = How you read and are named
profile-latin = Name in Latin letters
profile-latin-hint = For readers who do not know your script. As on your licence or passport.
profile-zone = Time zone
profile-zone-hint = Times on every page are shown in this zone.
profile-save = Save
profile-saved = Saved
profile-memberships = Where you work
profile-until = until { $date }
profile-since = since { $date }
profile-security = Signing in
profile-change = Change
profile-replace = Replace
profile-leave = Leave it
profile-factor = Second factor
profile-factor-on = Second factor set up
profile-factor-off = No second factor
profile-factor-set = Set up
profile-factor-remove = Remove the second factor
profile-recovery = Recovery codes
profile-recovery-left = { $n ->
    [0] None left. Make new ones.
    [one] One left
   *[other] { $n } left
}
profile-recovery-new = Make new ones
profile-password-now = Your password now
profile-password-new = New password
profile-password-set = Change password
profile-password-title = Change password
profile-password-lead = Your other sessions end when the password changes.
profile-password-done = The password was changed

factor-title = Second factor
factor-lead = A code from an app on your phone, beside the password. It protects your patients when somebody learns your password.
factor-lead-demanded = One of your roles may only be used with a second factor: a code from an app on your phone, beside the password.
factor-step-scan = Scan this with an authenticator app.
factor-step-code = Type the code it shows.
factor-qr = QR code for the authenticator
factor-type = The camera does not work: type this instead
factor-new-code = Code the app shows
factor-go = Set up
factor-remove-title = Remove the second factor
factor-remove-lead = From then on the password alone lets anybody in who knows it.
factor-remove-go = Remove
factor-removed = The second factor was removed
recovery-title = New recovery codes
recovery-renew-lead = The codes you have now become void.
recovery-go = Make new codes
recovery-lead = Each lets you in once, when your phone is lost.
recovery-once = They are shown this once. Print them, or write them down, and keep them apart from your phone.
recovery-kept = I have kept them

sessions-title = Sessions
sessions-this = this one
sessions-unknown = Unknown device
sessions-used = used { $ago }
sessions-end = End
sessions-end-others = End all others
sessions-ended = Ended

privilege-sign-opinion = Sign opinions
privilege-sensitive = Read sensitive records
privilege-sign-agreement = Sign agreements for the hospital
privilege-correct-record = Correct records filed under the wrong patient
privilege-audit = Read and export the audit

role-does-clinician = Treats the hospital’s own patients and refers them
role-does-coordinator = Receives referred cases, checks and allocates them
role-does-consultant = Answers allocated cases
role-does-administrator = People, agreements and audit; reads no clinical content

people-title = People
people-lead = Who works at this hospital, what they may do, and until when.
people-invite = Invite
people-invite-lead = They get a link by which they set a password. It works once, for seven days.
people-invite-go = Make the invitation
people-find = Name or login
people-name = Name
people-name-hint = In the person’s own script, as on the licence.
people-post = Position
people-post-hint = As it stands at the door, for example chief of thoracic surgery.
people-roles = Roles
people-privileges = Privileges
people-licence = Licence
people-licences = Licences
people-licence-add = Another licence
people-licence-number = Number
people-licence-issuer = Issued by
people-licence-country = Country
people-licence-over = Licence expired
people-state = State
people-active = Active
people-invited = Invited
people-invitation-over = Invitation expired
people-suspended = Suspended
people-locked = Locked for some minutes
people-no-factor = No second factor
people-none = Nobody here
people-none-more = Nobody matches, or nobody has been invited yet.
people-from = From
people-until = Until
people-member = Member
people-changed = Changed. Pages this person has open were closed.
people-own = Nobody changes their own roles and access. Another administrator does.
people-access = Access
people-elsewhere = Works at other hospitals of the network too. The operator resets their way in.
people-sessions = { $n ->
    [0] Not signed in
    [one] Signed in on one device
   *[other] Signed in on { $n } devices
}
people-invited-title = Invited
people-link = Link
people-link-lead = Give this link to { $name }. It works once, until { $date }.
people-link-mailed = It was sent by mail too.
people-link-once = It is shown this once and kept nowhere.
people-extended = { $name } has an account already and can act for this hospital from now on.
people-to-member = To their page
people-act-suspend = Suspend
people-act-suspend-lead = { $name } can do nothing for this hospital from this moment. Sessions that act for it end at once, open pages too, and their signing certificate is revoked. What they signed stays valid. You can let them back in.
people-act-restore = Let back in
people-act-restore-lead = { $name } can act for this hospital again, with the roles they had.
people-act-reset = Reset second factor
people-act-reset-lead = Check first that it is { $name } who asks. Their authenticator, passkeys, recovery codes and the link to the hospital’s own sign-in become void, all their sessions end, and they set up another at the next sign-in.
people-act-link = New link
people-act-link-lead = { $name } gets a link to set a new password. An earlier link becomes void; a second factor stays.
people-done-suspend = Suspended
people-done-restore = Let back in
people-done-reset = The second factor was reset

hospital-title = Hospital
hospital-about = About
hospital-id = Short name
hospital-city = Place
hospital-jurisdiction = Jurisdiction
hospital-languages = Languages
hospital-fhir = FHIR address
hospital-services = Services offered to others
hospital-service = Service
hospital-code = Code
hospital-no-services = No services
hospital-no-services-more = Others can ask this hospital for nothing yet.
keys-title = Signing keys
keys-id = Key
keys-from = In use from
keys-in-use = In use
keys-retired = Retired { $date }
keys-revoked = Revoked { $date }
keys-published = The published keys
keys-rotate = Begin a new key
keys-rotate-lead = The key in use signs no more. What it signed stays valid and can be verified as before. The new one is published at once; people’s certificates are issued anew when they next sign.
keys-rotated = A new key is in use
machines-title = Machines
machines-new = Register a machine
machines-none = No machines
machines-none-more = A laboratory system or a script asks for records with a key of its own.
machines-lead = It proves itself with a key pair (private_key_jwt) and asks { $address } for a token that lives 15 minutes.
machines-name = Name
machines-jwks = Public keys
machines-jwks-hint = A JSON Web Key Set with public keys only: EC P-256 or P-384, or RSA.
machines-certificate = Certificate (PEM)
machines-certificate-hint = Instead of keys, or beside them: the client then shows it on the encrypted line, and its tokens are bound to it. It may be self-signed. The operator must have turned client certificates on.
problem-certificate = This is not a certificate in PEM.
problem-certificate-over = This certificate does not hold today.
machines-registered = The machine was registered
machines-withdraw = Withdraw
machines-withdrawn = Withdrawn
machines-withdrawn-done = The machine was withdrawn; its tokens work no more

problem-date = This is not a date.

operator-title = Network
operator-lead = How this node stands. Nothing here is about a patient.
operator-node = This node
operator-address = Address
operator-version = Version
operator-commits = Commits so far
operator-hospitals = Hospitals
operator-find = Somebody who cannot sign in
operator-find-hint = For staff who work at several hospitals; others are helped by their own administrator.
operator-find-go = Find
operator-nobody = No staff account has this login.
operator-link-lead = { $name } gets a link to set a new password. Check first that it is they who ask.
operator-reset-lead = The authenticator and recovery codes of { $name } become void and all sessions end.
operator-suspend-lead = { $name } can do nothing at any hospital from this moment; sessions and open pages end at once.
operator-restore-lead = { $name } can sign in again, with the roles the hospitals gave.
nav-hospital = Hospital

link-title = Patient’s account
link-none = No account may see this record as its own.
link-invite = Invite the patient, or someone who acts for them
link-lead = They see the record, the cases and who read what, and give or withdraw consent. Check who asks before you invite.
link-name-hint = Of the person who will use the account.
link-login = E-mail, or another name to sign in with
link-login-hint = Somebody who has a patient’s account already gains this record at once.
link-relation = Relation to the patient
link-relation-oneself = The patient
link-relation-parent = Parent
link-relation-guardian = Guardian
link-relation-spouse = Husband or wife
link-relation-child = Grown-up child
link-relation-proxy = Named by the patient
link-until = Until
link-until-hint = For those who act for somebody: the last day. Leave empty for no end.
link-end = End
link-ended = The account sees this record no more
hospital-edit = Change the hospital
hospital-changed = Saved.
hospital-names = Names
hospital-name-in = In { $language }
hospital-zone-hint = Agreements and duty times count by this clock.
hospital-services-lead = Agreements name a service by its code. A service that a running agreement names stays on offer.
hospital-service-add = Another service
hospital-service-used = An agreement names it: its code stays.
hospital-specialty = Specialty
hospital-no-specialty = Choose a specialty
people-specialties = Specialties
people-specialties-hint = Whoever gives out a case sees them.
problem-service-code = Small letters, digits and hyphens; each code once.
problem-service-in-use = An agreement names a service that is missing here.
problem-specialties = Choose at most twenty from the list.
link-relation-hint = A parent’s access ends by itself on the day the patient comes of age.
link-limits = Limits
link-limits-hint = For somebody who acts for the patient. The patient’s own account has no limits.
link-limit-no-consent = Gives and withdraws no consent
link-limit-no-sensitive = Sees no sensitive parts of the record
problem-proxy-of-age = The patient is of age: choose a relation that the patient agreed to.
problem-proxy-until = The patient’s birth date is not known. Give the last day.
