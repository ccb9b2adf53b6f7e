"""Which test holds which attack. `docs/trust.md` says what each is about.

L1 to L21 are the faults that a red team found in the loop and in releases; `held` is what it tried
without success, which has to stay so. `test_rows.py` looks that each test exists.
"""

from __future__ import annotations

_FORGED, _PACKAGES = "tests/attacks/test_forged.py", "tests/attacks/test_packages.py"
_INPUTS, _ALERT = "tests/attacks/test_workflow_inputs.py", "tests/attacks/test_alert.py"
_BYTES, _AROUND = "tests/attacks/test_bytes.py", "tests/attacks/test_surroundings.py"
_RESUMED, _PROTECTED = "tests/e2e/test_resumption.py", "tests/github/test_protection.py"
_STAGES = "tests/execution/test_stage_environment.py"

ROWS: dict[str, tuple[str, ...]] = {
    "L1 an object is exchanged or damaged where it decides": (
        f"{_BYTES}::test_an_exchanged_member_of_production_on_the_remote_gives_no_verdict",
        f"{_BYTES}::test_an_exchanged_list_of_the_members_gives_no_verdict",
        f"{_BYTES}::test_exchanged_data_that_scoring_and_stages_read_gives_no_verdict",
        f"{_BYTES}::test_a_damaged_object_in_the_local_cache_gives_no_verdict_and_is_fetched_again",
        f"{_BYTES}::test_a_run_restored_from_the_run_cache_with_other_bytes_is_refused",
    ),
    "L2 a forged answer is restored, or taken for ours": (
        "tests/attacks/test_restored.py::"
        "test_a_forged_answer_is_never_restored_when_a_person_asks_for_a_retraining",
        "tests/attacks/test_restored.py::"
        "test_a_forged_answer_is_not_taken_for_ours_and_is_replaced",
    ),
    "L3 a link in the store": (
        "tests/git_remote/test_links.py::"
        "test_a_link_on_the_branch_is_refused_before_anything_is_laid_out",
        f"{_BYTES}::test_a_link_where_a_file_must_be_is_not_followed",
    ),
    "L7 a retraining that dies": (
        f"{_RESUMED}::test_a_retraining_that_dies_is_reported_tried_again_and_held_at_last_quickly",
        "tests/jobs/publish/test_failed_try.py::"
        "test_after_three_tries_it_is_held_for_a_person_in_the_same_comment",
    ),
    "L8 a job of a workflow dies at any call": (
        "tests/e2e/test_kills.py::test_what_a_job_left_undone_is_done_by_the_triggers_that_exist",
    ),
    "L12 a tag dated ahead": (
        "tests/jobs/canary/test_story.py::test_after_a_tag_dated_ahead_what_is_told_is_what_counts",
        "tests/registry/test_conformance.py::"
        "test_after_a_tag_that_is_dated_ahead_the_next_ones_count_for_gto_too",
    ),
    "L13 an edited comment, and a commit of another date": (
        f"{_FORGED}::test_an_innocent_comment_edited_into_an_approval_approves_nothing",
        f"{_FORGED}::test_an_innocent_comment_edited_into_an_override_overrides_nothing",
        "tests/jobs/publish/test_answer.py::"
        "test_a_commit_from_the_future_that_was_there_stands_in_the_way_of_no_command",
    ),
    "L14 main changed a workflow file": (
        f"{_RESUMED}::test_an_answer_is_brought_up_to_date_although_main_changed_a_workflow_file",
        f"{_PROTECTED}::test_no_push_of_a_workflow_file_without_the_permission",
        f"{_PROTECTED}::test_a_tag_on_an_older_commit_is_refused_once_main_changed_a_workflow",
    ),
    "L16 a ruleset on tags": (
        f"{_PROTECTED}::test_a_ruleset_on_tags_lets_apps_and_roles_pass_and_no_workflow",
        "tests/registry/test_gto_tags.py::"
        "test_a_tag_that_a_rule_of_github_refuses_is_explained_and_can_be_pushed_by_hand",
    ),
    "L20 what a stage sees": (f"{_STAGES}::test_what_runs_code_of_the_repository_sees_no_secret",),
    "held: twenty gigabytes, a wrong or another object, 6,000 files, a bomb of YAML": (
        f"{_PACKAGES}::test_a_package_that_is_a_trap_is_refused_before_it_costs_anything",
    ),
    "held: an archive that slips, a pickled model": (
        f"{_PACKAGES}::test_an_archive_in_a_package_is_bytes_and_nobody_unpacks_it",
        f"{_PACKAGES}::test_a_pickled_model_is_an_object_and_nobody_loads_it",
    ),
    "held: the text of an alert": (
        f"{_ALERT}::test_what_an_alert_says_is_read_and_never_run_obeyed_or_rendered",
        f"{_ALERT}::test_a_field_with_a_form_takes_no_attack_and_its_refusal_obeys_none",
    ),
    "held: names of branches and files, inputs of workflows, comments": (
        f"{_INPUTS}::test_a_branch_and_a_file_may_have_any_name",
        f"{_INPUTS}::test_inputs_of_a_retrain_are_texts",
        f"{_INPUTS}::test_the_reason_of_a_rollback_is_a_text",
        f"{_INPUTS}::test_a_comment_runs_nothing",
    ),
    "held: SIGKILL of a run at any point": (
        "tests/execution/test_interruption.py::"
        "test_a_run_that_is_killed_at_any_point_can_be_undone",
    ),
    "held: links of the cache, autostage, LC_ALL=C, umask 077, a shallow clone": (
        f"{_AROUND}::test_a_retraining_comes_to_the_same",
        f"{_AROUND}::test_a_shallow_clone_without_data_comes_to_the_same",
    ),
    "held: two promotions at once, promoted twice": (
        "tests/registry/test_promote.py::test_two_at_the_same_time_make_one_version",
        "tests/registry/test_promote.py::test_promoting_twice_is_promoting_once",
    ),
    "held: scalars of YAML 1.1 and 1.2": (
        "tests/differential/test_param_values.py::"
        "test_each_way_to_write_a_value_is_read_as_dvc_reads_it",
    ),
}
