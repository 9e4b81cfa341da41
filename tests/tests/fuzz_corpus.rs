//! Every seed and every kept input of the fuzz targets, in the ordinary test run.

use std::fs;
use std::path::PathBuf;

use fuzz_targets::{TARGETS, target};

fn corpus() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus"))
}

#[test]
fn kept_inputs_neither_panic_nor_break_what_must_hold() {
    for target in TARGETS {
        let folder = corpus().join(target.name);
        let files = fs::read_dir(&folder).unwrap_or_else(|why| panic!("{}: {why}", folder.display()));
        for file in files {
            let path = file.expect("a readable folder").path();
            println!("{}", path.display());
            (target.run)(&fs::read(&path).expect("a readable file"));
        }
    }
}

#[test]
fn each_target_accepts_a_seed_and_refuses_it_cut_short() {
    for target in TARGETS {
        let accepted: Vec<_> = (target.seeds)().into_iter().filter(|seed| (target.run)(seed)).collect();
        assert!(!accepted.is_empty(), "no seed gets through {}", target.name);
        for seed in accepted {
            assert!(!(target.run)(&seed[..seed.len() - 1]), "{} takes a cut seed", target.name);
        }
    }
}

#[test]
fn each_corpus_folder_has_its_target() {
    for folder in fs::read_dir(corpus()).expect("fuzz/corpus is there") {
        let name = folder.expect("a readable folder").file_name();
        assert!(name.to_str().is_some_and(|name| target(name).is_some()), "no target is called {name:?}");
    }
}
