//! Rules that hold of the binaries as a whole, one file each, named for what it says.
//!
//! `RACK_PROVE=1` tries the random ones as often as a proof takes; `RACK_TEST_SEED` repeats a run.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot set itself up stops loudly"
)]

mod a_broken_webhooks_file_changes_nothing;
mod a_check_names_every_fault;
mod a_check_starts_nothing;
mod a_ci_publishes_again_and_again;
mod a_dry_run_changes_nothing;
mod a_kill_loses_no_audit_line;
mod a_mirror_is_of_one_registry;
mod a_mirror_only_reads;
mod a_namespace_has_its_quota;
mod a_power_cut_loses_no_publish;
mod a_publish_is_visible_through_nginx;
mod a_request_has_one_id;
mod a_restored_state_brings_no_token_back;
mod a_revoked_token_publishes_nothing;
mod a_second_daemon_takes_no_upload_away;
mod accepted_archives_list_alike;
mod admins_of_a_namespace_mint_its_tokens;
mod an_unfinished_build_takes_nothing_from_the_lists;
mod an_unfinished_intent_stops_nobody;
mod bad_input_is_named;
mod bombs_cost_nothing;
mod build_is_deterministic;
mod commands_say_the_same_of_a_server;
mod credentials_stay_out_of_logs;
mod decisions_are_read_under_the_lock;
mod disk_faults_tell_no_lie;
mod doctor_changes_nothing;
mod doctor_names_what_is_wrong;
mod doctor_tells_no_secret;
mod each_attempt_has_its_line;
mod early_answers_arrive;
mod early_refusals_reach_the_client;
mod every_change_is_announced;
mod examples_are_served_byte_for_byte;
mod figures_are_documented;
mod gated_bytes_never_stay_public;
mod gates_close_for_those_who_read;
mod http2_has_the_same_answers;
mod imports_of_folders;
mod imports_serve_the_same;
mod imports_trust_no_origin;
mod incremental_builds_equal_full_ones;
mod killed_builds_complete;
mod killed_daemon_uploads;
mod killed_imports_go_on;
mod killed_withdrawals_are_completed;
mod lifecycle_calls_are_durable_and_visible;
mod lifecycle_calls_take_turns;
mod lifecycle_on_the_tree;
mod links_and_pipes_are_not_opened;
mod locks_name_their_holder;
mod lost_trees_come_back_with_their_etags;
mod memory_stays_flat;
mod minted_tokens_are_made_with_care;
mod minted_tokens_are_taken_up_at_once;
mod minted_tokens_reach_as_far_as_their_scopes;
mod mirrors_have_the_same_etags;
mod mirrors_lead_nowhere_that_the_origin_does_not;
mod nginx_and_the_daemon_agree;
mod no_decision_of_the_past_opens_anything;
mod no_hostile_archive_leaves_a_trace;
mod no_path_leads_out_of_its_root;
mod no_secret_is_said;
mod nobody_speaks_for_another;
mod nothing_gated_leaks_through_nginx;
mod one_daemon_at_a_time;
mod one_fault_stops_nobody_else;
mod one_nginx_many_registries;
mod open_stands_beside_no_access_file;
mod operator_root_builds;
mod other_web_servers_answer_alike;
mod published_versions_never_change;
mod racing_uploads;
mod raw_requests_through_nginx;
mod removal_guard;
mod requests_are_not_smuggled;
mod sample_is_served_byte_for_byte;
mod shutdown_is_clean;
mod slow_clients_slow_nobody;
mod slow_heads_are_sent_away;
mod systemd_is_told;
mod systemd_keeps_the_admin_token;
mod the_access_log_is_json;
mod the_jobs_of_docs_ci_work;
mod the_operators_bad_day;
mod the_variables_of_the_server_before_work;
mod tls_is_as_the_system_says;
mod unread_answers_hold_nobody_up;
mod uploads_that_arrive_together;
mod verdicts_are_204_401_or_403;
mod verdicts_stay_private;
mod verify_names_what_changed;
mod watch_builds_what_changed;
mod webhooks_are_made_again_when_asked;
mod webhooks_are_signed;
mod webhooks_come_until_they_arrive;
mod webhooks_leave_a_gone_endpoint_alone;
mod webhooks_stay_out_of_private_networks;
mod webhooks_survive_a_killed_daemon;
mod webhooks_wait_for_nobody;
mod what_cannot_be_noted_is_not_done;
mod what_may_pass_is_tried_again;
mod what_nearly_asks_for_a_dry_run_stores_nothing;
mod what_surrounds_it_opens_nothing;
mod whoami_says_who_a_token_is;
mod withdrawal_reaches_a_mirror_first;
mod writers_of_the_audit_log_take_turns;
