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
rejected-own-account = Nobody changes their own roles and access. Another administrator does.
