//! FHIR R4 (4.0.1): JSON, search parameters, bundles, validation.

pub mod search {
    //! Search queries.

    /// A parsed search on one resource type.
    #[derive(Debug, Clone, Default)]
    pub struct Query {}
}
