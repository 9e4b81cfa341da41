//! Feeds the target that `FUZZ_TARGET` names. Use `fuzz/run.sh`.
#![no_main]

use std::sync::LazyLock;

static RUN: LazyLock<fn(&[u8]) -> bool> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").expect("FUZZ_TARGET names the target");
    fuzz_targets::target(&name).expect("FUZZ_TARGET is one of fuzz_targets::TARGETS").run
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    RUN(data);
});
