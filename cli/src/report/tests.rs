//! Checks that `docs/json.md` and the types say the same.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Message;

const DOCS: &str = include_str!("../../../docs/json.md");

fn examples() -> Vec<&'static str> {
    DOCS.lines().filter(|line| line.starts_with("{\"message_type\"")).collect()
}

#[test]
fn every_example_is_exactly_what_the_types_say() {
    for line in examples() {
        let message: Message = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let wanted: Value = serde_json::from_str(line).unwrap();
        // A field that the types do not have would be lost on the way.
        assert_eq!(serde_json::to_value(&message).unwrap(), wanted, "{line}");
    }
}

#[test]
fn every_message_and_every_command_has_an_example() {
    let mut shown: BTreeSet<String> = BTreeSet::new();
    for line in examples() {
        let value: Value = serde_json::from_str(line).unwrap();
        for key in ["message_type", "command"] {
            shown.extend(value.get(key).and_then(Value::as_str).map(str::to_owned));
        }
    }
    // The names that the types know stand in the error for one that they do not.
    for unknown in ["{\"message_type\":\"?\"}", "{\"message_type\":\"summary\",\"command\":\"?\"}"] {
        let error = serde_json::from_str::<Message>(unknown).unwrap_err().to_string();
        let names: Vec<&str> = error.split('`').skip(3).step_by(2).collect();
        assert!(names.len() > 5, "{error}");
        for name in names {
            assert!(shown.contains(name), "{name} has no example");
        }
    }
}
