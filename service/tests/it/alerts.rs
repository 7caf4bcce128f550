//! What Prometheus is told to look for, judged by its own tool: each alert has a test in which it
//! fires and one page in the runbook, and no page tells of an alert that is gone.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::process::promtool;

const DEPLOY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy");
/// How the files are called in which alerts are tried.
const TESTS: &str = "_test.yml";

#[test]
fn prometheus_takes_its_settings_and_the_rules_that_they_name() {
    let settings = Path::new(DEPLOY).join("prometheus/prometheus.yml");
    promtool(&["check", "config", settings.to_str().expect("a path of ours")], "");
}

#[test]
fn each_alert_fires_where_it_is_to_and_is_quiet_elsewhere() {
    for file in prometheus().iter().filter(|file| is_test(file)) {
        promtool(&["test", "rules", file.to_str().expect("a path of ours")], "");
    }
}

#[test]
fn each_alert_has_a_test_and_a_page_and_each_page_an_alert() {
    let (tests, rules): (Vec<_>, Vec<_>) = prometheus().into_iter().partition(|file| is_test(file));
    let alerts: BTreeSet<String> = rules.iter().flat_map(|file| alerts_of(&read(file))).collect();
    let fired: BTreeSet<String> = tests.iter().flat_map(|file| fired_in(&read(file))).collect();
    let pages: BTreeSet<String> = names(&Path::new(DEPLOY).join("runbook"))
        .iter()
        .filter_map(|page| page.strip_suffix(".md"))
        .filter(|page| *page != "README")
        .map(str::to_owned)
        .collect();
    assert!(alerts.contains("ServiceDown"), "the alerts are not found any more: {alerts:?}");
    assert_eq!(fired, alerts, "left: those that a test sees firing");
    assert_eq!(pages, alerts, "left: those with a page in deploy/runbook");
}

/// Alerts that a file of rules has.
fn alerts_of(rules: &str) -> Vec<String> {
    let names = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
    names.map(str::to_owned).collect()
}

/// Alerts that a file of tests expects with what they say, and not only to be quiet.
fn fired_in(tests: &str) -> Vec<String> {
    let names = tests.lines().filter_map(|line| line.trim().strip_prefix("alertname: "));
    names.map(str::to_owned).collect()
}

#[test]
fn a_test_that_only_expects_silence_is_none() {
    let quiet = "      - {eval_time: 20m, alertname: MailsWait, exp_alerts: []}\n";
    let fires = "      - eval_time: 40m\n        alertname: MailsWait\n        exp_alerts:\n";
    assert_eq!(fired_in(quiet), [""; 0]);
    assert_eq!(fired_in(fires), ["MailsWait"]);
}

/// The files of Prometheus' folder.
fn prometheus() -> Vec<PathBuf> {
    let folder = Path::new(DEPLOY).join("prometheus");
    let files = names(&folder).into_iter().map(|name| folder.join(name));
    files.filter(|file| file.extension().is_some_and(|kind| kind == "yml")).collect()
}

fn is_test(file: &Path) -> bool {
    file.to_str().is_some_and(|file| file.ends_with(TESTS))
}

fn names(folder: &Path) -> Vec<String> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    names.map(|name| name.into_string().expect("a name in UTF-8")).collect()
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}
