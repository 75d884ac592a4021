### Passkeys.

sign-in-passkey = With a passkey
sign-in-passkey-text = Your phone, computer or security key knows who you are. No password, no code.
sign-in-passkey-go = Use a passkey
passkey-instead = Use a passkey instead
passkey-instead-of-code = Use a passkey instead of the code
passkey-failed = No passkey was given. Try again, or use the other way.
problem-passkey-wrong = This passkey was not accepted. Try again, or use the other way.
rejected-no-passkeys = The address of this node allows no passkeys: it must be a name, not a number.
profile-factor-passkey = A passkey does instead
passkeys-title = Passkeys
passkeys-none = A passkey signs you in by the lock of your phone, computer or security key, and signs documents in your name without typing a code.
passkeys-new = New passkey
passkeys-lead = Your device makes a key that never leaves it, and asks for your finger, face or PIN before using it. That counts as two factors.
passkeys-name = Name of the passkey
passkeys-name-hint = So that you know it in the list, as “phone” or “blue key”.
passkeys-make = Make the passkey
passkeys-script = This needs the scripts of this page, which your browser does not run.
passkeys-added = The passkey was added
passkeys-remove = Remove this passkey
passkeys-remove-lead = It signs you in no more. Remove it on the device too.
passkeys-removed = The passkey was removed
passkeys-suspect = Closed
passkeys-suspect-lead = It answered out of turn, as if somebody held a copy. It is closed. Remove it, make another, and tell your administrator.
factor-passkey = Make a passkey instead: no codes to type
