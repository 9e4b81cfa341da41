//! Every case of `spec/vectors` against this crate's decoders and encoders.
//!
//! What a case means is in the folder's README. A kind that is not known here fails, so that no
//! vector goes unread.

mod case;
mod contents;
mod packs;
mod sealed;
mod state;
mod trees;

use std::collections::BTreeMap;
use std::panic::catch_unwind;

use case::{Case, Run};

/// What runs a kind of case.
fn runner(kind: &str) -> Option<Run> {
    Some(match kind {
        "padme" => sealed::padme,
        "header" => sealed::header,
        "cbor" => sealed::cbor,
        "keys" => sealed::keys,
        "content-id" => sealed::content_id,
        "format" => sealed::format,
        "copy-marker" => sealed::copy_marker,
        "recovery" => sealed::recovery,
        "slot" => sealed::slot,
        "part" => sealed::part,
        "frame" => sealed::frame,
        "splitter" => sealed::splitter,
        "pack" => packs::pack,
        "pack-footer" => packs::footer,
        "index-segment" => packs::index_segment,
        "index-table" => packs::index_table,
        "manifest-segment" => packs::manifest_segment,
        "object" => trees::object,
        "reference" => trees::reference,
        "list" => trees::list,
        "map" => trees::map,
        "node" => trees::node,
        "child" => trees::child,
        "tree-key" => trees::tree_key,
        "tree-value" => trees::tree_value,
        "failure" => trees::failure,
        "ledger-entry" => trees::ledger_entry,
        "part-entry" => trees::part_entry,
        "manifest" => state::manifest,
        "manifest-row" => state::manifest_row,
        "coverage" => state::coverage,
        "policy" => state::policy,
        "policy-name" => state::policy_name,
        "retention" => state::retention,
        "record" => state::record,
        "catalog" => state::catalog,
        _ => return None,
    })
}

/// What is wrong with the outcome of a case.
fn judge(case: &Case) -> Option<String> {
    let Some(run) = runner(&case["kind"]) else {
        return Some(format!("unknown kind {}", &case["kind"]));
    };
    let accepts = &case["expect"] == "accept";
    match catch_unwind(|| run(case)) {
        Err(_) => Some("panicked".into()),
        Ok(Ok(_)) if !accepts => Some(format!("accepted, but: {}", &case["expect"])),
        Ok(Err(error)) if accepts => Some(format!("refused: {error}")),
        Ok(Err(_)) => None,
        Ok(Ok(told)) => told.into_iter().find_map(|(key, values)| {
            let wanted = case.all(key);
            (wanted != values).then(|| format!("{key} is {values:?}"))
        }),
    }
}

#[test]
fn every_vector_is_read_as_it_says() {
    let cases = case::load_all();
    let mut counts = BTreeMap::<&str, [usize; 2]>::new();
    for case in &cases {
        counts.entry(&case["kind"]).or_default()[usize::from(&case["expect"] != "accept")] += 1;
    }
    for (kind, [accepted, refused]) in &counts {
        println!("{kind:18} {accepted:4} accepted {refused:4} refused");
    }
    let wrong: Vec<String> =
        cases.iter().filter_map(|case| Some(format!("{}: {}", case.name, judge(case)?))).collect();
    assert!(wrong.is_empty(), "{} of {} vectors:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert!(cases.len() >= 390, "only {} vectors were found", cases.len());
}
