//! The model in bounds that take seconds. `corso-model small` and `full` go further.

use corso_model::plan;

#[test]
fn the_protocol_holds_and_broken_ones_are_caught() {
    for run in plan::quick() {
        let outcome = run.check(2);
        assert!(outcome.is_expected(&run), "{run}: {outcome}");
    }
}
