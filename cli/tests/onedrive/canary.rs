//! What may not leak: secrets and tokens nowhere; names and addresses in results only.

use std::fs;
use std::path::Path;

use graph_sim::{CLIENT_SECRET, Faults, PoisonKind, preset};

use super::cloud::{Cloud, tenant};

fn everything_below(folder: &Path, into: &mut Vec<u8>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.path().is_dir() {
            true => everything_below(&entry.path(), into),
            false => into.extend(fs::read(entry.path()).unwrap()),
        }
    }
}

fn has(bytes: &[u8], needle: &str) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
}

#[test]
fn neither_secrets_nor_tokens_leak_and_names_only_where_results_go() {
    let poison = vec![PoisonKind::Forbidden];
    let faults = Faults { poison_per_user: 1, poison, ..preset("reset").unwrap() };
    let cloud = Cloud::new(tenant(2, 30), faults);
    let items: Vec<String> = (0..2)
        .flat_map(|drive| cloud.state().true_state(drive))
        .map(|item| item.name)
        .filter(|name| name.len() > 6)
        .collect();
    let secrets = |bytes: &[u8], place: &str| {
        assert!(!has(bytes, CLIENT_SECRET), "the client secret is in {place}");
        for token in ["eyJ0eX", "eyJhbG", "tempauth", "Bearer "] {
            assert!(!has(bytes, token), "{token} is in {place}");
        }
    };
    for (level, log) in [("warn", "default.log"), ("trace", "trace.log")] {
        let output = cloud
            .corso(&["backup", "create", "onedrive", "--user", "*", "--log-level", level, "--log-file", log])
            .output()
            .unwrap();
        assert!(matches!(output.status.code(), Some(0 | 3)), "{}", String::from_utf8_lossy(&output.stderr));
        secrets(&output.stdout, "stdout");
        secrets(&output.stderr, "stderr");
        let written = fs::read(cloud.place.path(log)).unwrap();
        secrets(&written, log);
        if level == "warn" {
            assert!(!items.iter().any(|name| has(&written, name)), "{}", String::from_utf8_lossy(&written));
            assert!(!has(&written, &cloud.user(0)));
        }
    }
    // Repository, cache and state are sealed, or know no names.
    let mut stored = Vec::new();
    for folder in ["repository", ".cache", ".local"] {
        let folder = cloud.place.path(folder);
        if folder.exists() {
            everything_below(&folder, &mut stored);
        }
    }
    secrets(&stored, "what is stored");
    assert!(stored.len() > 10_000 && !items.iter().any(|name| has(&stored, name)));
    assert!(!has(&stored, &cloud.user(0)));
}
