//! Images of patients: what a DICOM object says, how it is found, shown, changed and made anonymous.
