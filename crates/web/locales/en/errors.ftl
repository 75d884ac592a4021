### What went wrong, and what to do.

error-code = Answer { $n }
error-home = To the start page
error-again = Try again
error-form-token = This form was opened in another session. Load the page again and send it once more; what you wrote is not lost until you leave the page.
error-not-kept = What you sent was not confirmed, so do not rely on it. Go back in your browser to the form as you filled it in, see whether it was kept, and send it again if it was not.
error-retry-after = Try again in { $n } seconds.

error-title-malformed = This request cannot be understood
error-text-malformed = Something in the address or the form is not as it should be. Nothing was changed.
error-title-invalid = This cannot be done as it stands
error-text-invalid = Nothing was changed. Go back, put right what is named here, and send it again.
error-title-unauthenticated = Sign in first
error-text-unauthenticated = Your session has ended, or you have not signed in. After signing in you come back here.
error-title-denied = You may not see this
error-text-denied = No agreement, consent or role permits it. The attempt has been written down.
error-title-not-found = There is nothing here
error-text-not-found = The address leads nowhere, or to something you may not know of.
error-title-gone = This has been deleted
error-text-gone = It was here, and has been deleted. Its history is kept by its hospital.
error-title-conflict = Somebody else was quicker
error-text-conflict = This changed while you were looking at it. Nothing of yours was written over it. Load the page again and look.
error-title-not-allowed = This is not offered here
error-text-not-allowed = The address exists, but not for this kind of request.
error-title-too-much = This is too large
error-text-too-much = What you sent is over the limit: one file may have 64 MB, one form 8 MB. Nothing was changed.
error-title-rate-limited = Too many attempts
error-text-rate-limited = Wait a little, then try again.
error-title-media-type = This kind of file is not read here
error-text-media-type = Send a PDF, an image, or FHIR as JSON.
error-title-unavailable = Not available just now
error-text-unavailable = A part of the system does not answer. What was kept before is safe. Try again in a moment.
error-title-internal = A fault of ours
error-text-internal = Nothing was changed. The fault has been written down for the operator.

denied-other = Nothing that is in force permits this.
denied-staff-only = Only staff of a hospital may do this.
denied-clinical-role-missing = Only those who treat patients or advise on them may do this.
denied-role-missing = This needs the role of { $role } at the hospital you act for.
denied-case-agreement-suspended = The agreement this case rested on is suspended. The case is closed to you until it is resumed; the referring doctor has been told.
denied-case-agreement-ended = The agreement this case rested on has ended. The case is closed to you; the referring doctor has been told.
denied-case-consent-withdrawn = The patient has withdrawn the consent. The case is closed to you; what you signed stays valid.
denied-case-consent-expired = The patient’s consent has run out. The case is closed to you until it is given again.
denied-patient-only = Only a patient’s account does this.
error-key-token = The hospital signs with a key in a token, and the token cannot be used just now. Nothing was signed, and what you wrote is kept. Tell the operator, and try again.
