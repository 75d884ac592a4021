//! What becomes of an order: the study that bears its number, found by itself or by a person's decision, which can be taken
//! back.

use agreements::SystemPurpose;
use kernel::{RecordKey, ResourceId};
use serde_json::Value;
use store::{Batch, Lookup, Precondition};

use super::{ImagingOrder, OrderState, request_key};
use crate::audit_entry::Verb;
use crate::docs::Versioned;
use crate::imaging::worklist;
use crate::{App, AppError, Cx};

impl App {
    /// Writes the request's status anew.
    pub(super) async fn put_status(
        &self,
        batch: &mut Batch,
        order: &Versioned<ImagingOrder>,
        status: &str,
    ) -> Result<(), AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let key = request_key(order);
        let Some(stored) = self.store.get(&permit, &key, None).await? else {
            return Ok(());
        };
        let mut resource: Value = serde_json::from_slice(stored.original.reveal())
            .map_err(|_| AppError::Internal("a stored ServiceRequest".into()))?;
        if let Some(map) = resource.as_object_mut() {
            map.insert("status".into(), status.into());
        }
        let expect = Precondition::Version(stored.version);
        batch.put_fhir(key, expect, resource.to_string());
        Ok(())
    }

    /// A study is whole and has its patient: the order with its accession number, of the same patient, is done. Put into the
    /// batch that says so.
    pub(in crate::imaging) async fn finish_order(
        &self,
        cx: &Cx,
        batch: &mut Batch,
        study: &RecordKey,
        patient: &ResourceId,
        resource: &Value,
    ) -> Result<(), AppError> {
        let Some(mut order) = self.order_of(study, resource).await? else {
            return Ok(());
        };
        if order.doc.state != OrderState::Waiting || order.doc.patient != *patient {
            return Ok(());
        }
        order.doc.state = OrderState::Done(study.id.clone());
        self.put_status(batch, &order, "completed").await?;
        self.put_order(cx, batch, &order, "imaging.order.done", Verb::Update)
    }

    /// A study is nobody's again: the order that it had done waits again.
    pub(in crate::imaging) async fn reopen_order(
        &self,
        cx: &Cx,
        batch: &mut Batch,
        study: &RecordKey,
        resource: &Value,
    ) -> Result<(), AppError> {
        let Some(mut order) = self.order_of(study, resource).await? else {
            return Ok(());
        };
        if order.doc.state != OrderState::Done(study.id.clone()) {
            return Ok(());
        }
        order.doc.state = OrderState::Waiting;
        self.put_status(batch, &order, "active").await?;
        self.put_order(cx, batch, &order, "imaging.order.reopened", Verb::Update)
    }

    /// The order whose number a study bears.
    async fn order_of(
        &self,
        study: &RecordKey,
        resource: &Value,
    ) -> Result<Option<Versioned<ImagingOrder>>, AppError> {
        let Some(accession) = worklist::accession_in(resource) else {
            return Ok(None);
        };
        let permit = self.system(SystemPurpose::Job);
        let by = vec![Lookup::unique("accession", accession)];
        let found = self
            .find::<ImagingOrder>(&permit, Some(&study.hospital), by, None, 1, false)
            .await?;
        Ok(found.into_iter().next())
    }
}
