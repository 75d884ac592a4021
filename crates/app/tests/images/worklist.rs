//! Requests for imaging as scanners ask for them.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn active_requests_for_imaging_are_the_worklist_of_their_hospital() {
    let w = world().await;
    let patient = format!(
        r#"{{"resourceType":"Patient","identifier":[{{"system":"{MRN}","value":"17"}}],"name":[{{"family":"Wang","given":["XiaoDong"]}},{{"family":"王","given":["小东"]}}],"birthDate":"1970-01-02","gender":"male"}}"#
    );
    w.put("Patient", "p17", patient).await;
    let request = |id: &str, status: &str, category: &str| {
        format!(
            r#"{{"resourceType":"ServiceRequest","id":"{id}","status":"{status}","intent":"order","category":[{{"coding":[{{"system":"http://snomed.info/sct","code":"{category}"}}]}}],"code":{{"text":"CT chest"}},"orderDetail":[{{"coding":[{{"system":"http://dicom.nema.org/resources/ontology/DCM","code":"CT"}}]}}],"subject":{{"reference":"Patient/p17"}},"occurrenceDateTime":"2026-11-23T09:30:00+08:00","priority":"stat"}}"#
        )
    };
    for (id, status, category) in [
        ("r1", "active", "363679005"),
        ("r2", "completed", "363679005"),
        ("r3", "active", "108252007"),
    ] {
        w.put("ServiceRequest", id, request(id, status, category))
            .await;
    }
    let query = |parameters: &[(&str, &str)]| {
        let mut q = ask(Level::Study, parameters);
        q.model = imaging::query::Model::Worklist;
        q
    };
    let cx = w.clinician();
    let app = w.app();
    let all = app.image_worklist(&cx, &home(), &query(&[])).await.unwrap();
    assert_eq!(all.rows.len(), 1);
    let row: serde_json::Value = serde_json::from_slice(&all.rows[0]).unwrap();
    assert_eq!(row["00100020"]["Value"][0], "17");
    assert_eq!(row["00100010"]["Value"][0]["Alphabetic"], "Wang^XiaoDong");
    assert_eq!(row["00100010"]["Value"][0]["Ideographic"], "王^小东");
    let step = &row["00400100"]["Value"][0];
    assert_eq!(step["00080060"]["Value"][0], "CT");
    assert_eq!(step["00400002"]["Value"][0], "20261123");
    assert_eq!(step["00400003"]["Value"][0], "093000");
    assert!(
        row["0020000D"]["Value"][0]
            .as_str()
            .unwrap()
            .starts_with("2.25.")
    );
    let again = app.image_worklist(&cx, &home(), &query(&[])).await.unwrap();
    assert_eq!(
        again.rows, all.rows,
        "the study it will be is the same each time"
    );
    for (parameter, value, rows) in [
        ("PatientName", "wang*", 1),
        ("PatientID", "18", 0),
        ("ScheduledProcedureStepSequence.Modality", "CT", 1),
        ("ScheduledProcedureStepSequence.Modality", "MR", 0),
        (
            "ScheduledProcedureStepSequence.ScheduledProcedureStepStartDate",
            "20261123",
            1,
        ),
        (
            "ScheduledProcedureStepSequence.ScheduledProcedureStepStartDate",
            "20261124-",
            0,
        ),
    ] {
        let found = app
            .image_worklist(&cx, &home(), &query(&[(parameter, value)]))
            .await
            .unwrap();
        assert_eq!(found.rows.len(), rows, "{parameter}={value}");
    }
    let stranger = w.staff("s", "saryozen", &[Role::Clinician], &[]);
    let found = app.image_worklist(&stranger, &home(), &query(&[])).await;
    assert!(found.unwrap().rows.is_empty());
    assert!(audited(&w, "imaging.worklist.read").await > 0);
}
