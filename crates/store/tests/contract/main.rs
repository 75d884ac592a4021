//! What every back end of the store promises. The suite is written against the interface; a back end is a fixture
//! that makes an empty store, and the list of what it claims is a snapshot, so that it can't claim less unseen.
// Helpers of tests: what cannot go on has failed.
#![allow(clippy::unwrap_used)]

mod audit;
mod blobs;
mod bucket;
mod concurrency;
mod documents;
mod feed;
mod images;
mod permits;
mod records;
mod search;
mod search_types;
mod support;

use support::Fixture;

/// One test per promise and back end, and the list of them.
macro_rules! suite {
    ($backend:ident: $($module:ident :: $name:ident),+ $(,)?) => {
        mod $backend {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    if let Some(fixture) = Fixture::$backend().await {
                        super::$module::$name(fixture).await;
                    }
                }
            )+
            #[test]
            fn claims() {
                let list = [$(concat!(stringify!($module), ": ", stringify!($name))),+];
                insta::assert_snapshot!(list.join("\n").replace('_', " "));
            }
        }
    };
}

/// What every back end promises.
macro_rules! promises {
    ($backend:ident) => {
        suite!(
            $backend:
            records::a_resource_is_read_back_with_its_id_version_and_time,
            records::numbers_and_spaces_stay_as_they_came,
            records::versions_are_counted_and_each_is_kept,
            records::a_delete_is_a_tombstone_and_old_versions_stay,
            records::a_deleted_record_can_be_written_again,
            records::a_failed_precondition_changes_nothing,
            records::a_batch_is_all_or_nothing,
            records::the_same_id_in_two_hospitals_is_two_records,
            records::history_is_paged_newest_first,
            records::many_are_read_in_the_order_asked,
            records::what_is_not_json_is_refused,
            records::everything_survives_reopening,
            documents::found_by_all_their_lookups,
            documents::a_unique_value_is_held_once_and_can_be_passed_on,
            documents::paged_in_order_of_id_both_ways,
            documents::pages_over_all_hospitals_pass_nothing_over,
            documents::an_updated_document_is_found_by_its_new_values_only,
            documents::staff_read_those_of_their_hospital_and_class,
            feed::events_come_in_commit_order_from_any_position,
            feed::a_page_never_ends_within_a_commit,
            feed::a_refused_batch_leaves_no_event_and_no_gap,
            audit::chains_are_numbered_and_verify,
            audit::filters_and_pages,
            audit::an_entry_commits_with_its_change_or_not_at_all,
            audit::entries_alone_are_a_batch_too,
            concurrency::of_two_writers_on_one_version_one_wins,
            concurrency::a_refused_batch_does_not_touch_its_neighbours,
            concurrency::a_second_process_may_write_too,
            concurrency::no_reader_sees_a_position_before_its_predecessor,
            concurrency::the_watch_moves_before_the_answer,
            concurrency::pages_are_right_while_others_write,
            concurrency::history_and_current_agree_while_others_write,
            permits::absent_and_forbidden_look_the_same,
            permits::a_grant_with_share_and_consent_opens_and_each_alone_does_not,
            permits::what_may_not_be_read_is_not_found_through_a_chain,
            permits::access_ends_at_the_moment_it_ends,
            permits::a_reclassified_record_closes_its_old_versions,
            permits::search_and_counts_stay_within_the_permit,
            permits::break_glass_opens_for_four_hours_and_one_person,
            permits::patients_see_their_own,
            permits::what_is_among_staff_is_not_the_patients,
            search_types::tokens,
            search_types::strings,
            search_types::dates,
            search_types::quantities,
            search_types::references,
            search_types::missing_and_not,
            search_types::last_updated_and_id,
            search_types::composites,
            search::sorted_pages_hold_everything_once,
            search::missing_sort_values_come_last,
            search::a_cursor_of_another_query_is_refused,
            search::totals_count_all_pages,
            search::includes_both_ways,
            search::deleted_records_are_not_found,
            search::an_update_is_found_by_its_new_values_only,
            search::a_chain_goes_one_step_along_a_reference,
            search::conditions_together_find_what_each_alone_would,
            search::a_patient_and_a_code_are_found_together,
            search::a_patients_records_come_by_date,
            search::who_may_not_read_finds_nothing_by_patient_and_code,
            blobs::read_back_whole_and_in_ranges,
            blobs::large_ones_go_in_parts,
            blobs::open_under_a_new_node_key_alone_once_wrapped_anew,
            blobs::a_batch_cannot_refer_to_what_was_not_put,
            blobs::opened_only_through_a_readable_owner,
            blobs::nothing_readable_on_disk,
            blobs::unused_ones_are_swept_after_a_day,
            blobs::erasing_a_patient_destroys_theirs_alone,
            blobs::scrubbing_finds_what_is_missing_altered_or_exchanged,
            images::kept_with_their_study_found_and_opened,
            images::the_same_again_changes_nothing_and_other_content_stands_beside,
            images::a_decision_moves_an_object_in_and_out,
            images::one_study_uid_at_two_hospitals_is_two_studies,
            images::of_two_that_begin_a_study_one_wins,
            images::found_at_every_level_by_every_test,
            images::pages_hold_every_object_once,
            images::opened_under_the_permit_of_their_study_alone,
            images::erasing_a_patient_takes_their_images_and_nobody_elses,
            images::sweeping_leaves_them_alone,
            images::quiet_studies_are_named_until_they_are_done,
            images::what_a_crash_left_before_its_commit_goes_after_a_day,
        );
    };
}

promises!(sqlite);
promises!(postgres);

// Files in a bucket instead of a folder: every promise about files.
suite!(
    sqlite_with_s3:
    blobs::read_back_whole_and_in_ranges,
    blobs::large_ones_go_in_parts,
    blobs::a_batch_cannot_refer_to_what_was_not_put,
    blobs::opened_only_through_a_readable_owner,
    blobs::nothing_readable_on_disk,
    blobs::unused_ones_are_swept_after_a_day,
    blobs::erasing_a_patient_destroys_theirs_alone,
    blobs::scrubbing_finds_what_is_missing_altered_or_exchanged,
);

/// A bucket that does not answer is said to be away; the database goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_is_away_is_said_to_be() {
    let f = Fixture::with_dead_bucket().await;
    let put = f
        .store
        .put_blob(&support::hospital_id("yarqum"), None, "text/plain", "x")
        .await;
    assert!(
        matches!(put, Err(karez_store::StoreError::Unavailable(_))),
        "{put:?}"
    );
    assert!(f.store.files_health().await.is_err());
    f.store.health().await.unwrap();
}
