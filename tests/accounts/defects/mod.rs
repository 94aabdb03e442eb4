//! Defects proven in opencode-cloud's own `occ`, number by number, and the
//! test which shows that this one does right. A defect that no other test holds
//! has its test here.

mod container;
mod people;

use crate::harness::source;
use std::path::Path;

const PASSWORD: &str = "as it should be";

/// Number | what was wrong | folder | test somewhere in it.
const DEFECTS: &str = "
 1 | uids were given anew after an update, in alphabetical order | tests | a_new_container_on_a_changed_image_has_the_same_people
 2 | homes were lost with the container | tests | a_new_container_on_a_changed_image_has_the_same_people
 3 | one truncated record stopped every command and every restore | tests | a_bad_record_is_skipped_reported_kept_and_harms_nobody
 4 | a password that was not set counted as set | tests | a_password_that_can_not_be_set_makes_no_account
 5 | a full volume left empty records, reported as success | tests | a_full_volume_is_an_error_and_costs_nobody_anything
 6 | a client killed in the middle emptied a record | tests | wherever_occ_is_killed_a_password_is_the_old_or_the_new_one
 7 | the container was privileged, with the host's cgroups | tests | the_container_has_six_capabilities_and_nothing_of_the_host
 8 | bind mounts were gone after an update | tests | settings_made_by_hand_survive_and_other_containers_are_left_alone
 9 | an update pruned everybody's containers, images and networks | tests | an_update_and_a_reset_prune_nothing_that_is_somebody_elses
10 | the container was removed before a build that then failed | tests | a_build_that_fails_leaves_the_container_serving
11 | a tunnel gave the engine to everybody on this machine | host-cli | ssh_gets_user_port_and_host_and_runs_dockers_own_transport
11 | the same, with a real sshd | tests | an_engine_behind_ssh_is_reached_with_user_and_port
12 | DOCKER_HOST and contexts were ignored | host-cli | engines_are_looked_for_in_the_order_that_docker_has
12 | the local engine answered for a remote one | tests | a_context_with_ssh_is_followed_and_an_unknown_one_is_no_other
13 | readiness was looked for on this machine's port | tests | readiness_is_asked_of_the_container_and_not_of_a_port_here
13 | an address that is none ended in a panic | host-cli | errors
14 | with --quiet a generated password was never shown | tests | a_generated_password_is_shown_in_every_format
15 | a password could not come from a pipe | tests | passwords_hashes_and_people_that_are_refused
16 | an unanswered question counted as success | tests | removing_asks_first
17 | stop failed where there was nothing to stop | tests | start_and_stop_can_be_said_twice_and_status_tells
18 | root and the system's accounts could be changed | tests | accounts_of_the_image_are_nobodys_to_change
19 | a password was changed, and then it was said that it can't be | tests | accounts_of_the_image_are_nobodys_to_change
20 | the last account was counted wrongly | tests | accounts_of_the_image_are_nobodys_to_change
21 | a removal that failed halfway brought the account back | tests | a_home_that_can_not_go_is_said_before_anything_is_removed
22 | hashes were arguments, for everybody to see | tests | they_show_in_no_argv_environment_log_event_or_inspection
23 | the first password stayed in the environment and the log | tests | the_first_password_reaches_no_program_and_no_log
24 | what was said on stderr got into records | tests | noise_on_stderr_changes_no_answer
25 | names were taken that useradd refuses, and others refused | tests | names_are_those_that_useradd_takes
26 | one list of names for all hosts | host-cli | each_container_has_names_of_its_own
26 | an account elsewhere hid the warning about an open container | tests | a_container_open_to_all_with_nobody_in_it_and_without_volumes_is_told
27 | words in the log stopped a start | tests | words_in_the_log_stop_no_start
28 | an image with a port in its name was cut in two | tests | an_image_of_a_registry_with_a_port_keeps_its_name
28 | the same, in the configuration | host-cli | image_of_a_registry_with_a_port_is_kept_whole
28 | the same, where it is pulled | host-cli | pulls_one_tag_only
";

/// Looks into all Rust files below.
fn has_test(folder: &Path, test: &str) -> bool {
    let begins = format!("fn {test}(");
    let is_it = |pair: &[&str]| pair[0] == "#[test]" && pair[1].starts_with(&begins);
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return has_test(&path, test);
        }
        let source = std::fs::read_to_string(&path).unwrap_or_default();
        let lines: Vec<&str> = source.lines().map(str::trim).collect();
        lines.windows(2).any(is_it)
    })
}

#[test]
fn each_has_a_test() {
    let mut numbers = Vec::new();
    for line in DEFECTS.lines().filter(|line| !line.is_empty()) {
        let fields: Vec<&str> = line.split(" | ").map(str::trim).collect();
        let [number, what, folder, test] = fields[..] else {
            panic!("not four fields: {line}");
        };
        let there = has_test(&source(folder), test);
        assert!(there, "{number}, {what}: there is no '{test}' in {folder}/");
        numbers.push(number.parse::<u8>().unwrap());
    }
    numbers.dedup();
    assert_eq!(numbers, (1..=28).collect::<Vec<u8>>());
}
