//! `corso demo`

use super::common::Place;

#[test]
fn the_demonstration_is_killed_goes_on_and_ends_with_equal_exports() {
    let place = Place::new();
    let (lines, _) = place.json(&["demo", "--users", "2", "--items", "150"], 0);
    let summary = lines.last().unwrap();
    let number = |name: &str| summary[name].as_u64().unwrap();
    assert_eq!((number("differences"), number("damage"), number("violations")), (0, 0, 0));
    assert!(number("fetched_before_kill") > 0 && number("fetched_after_kill") > 0, "{summary}");
    assert!(number("left_out") >= 2 && number("fetched_for_changes") < 40, "{summary}");
}
