#!/usr/bin/env python3
"""Writes the vectors from the reader's test writer. The same run gives the same files; `--check` compares."""

import sys

import pack_cases
import sealed_cases
import state_cases
from case import FILES, HERE

# In this order: the writer's salts follow from how many it has drawn.
CHAPTERS = (
    sealed_cases.padmes, sealed_cases.headers, sealed_cases.cbors, sealed_cases.subkeys, sealed_cases.formats, sealed_cases.copy_markers,
    sealed_cases.recoveries, sealed_cases.slots,
    sealed_cases.parts, sealed_cases.frames,
    pack_cases.splitters, pack_cases.pack_cases, pack_cases.segments, state_cases.object_cases, state_cases.map_cases, state_cases.tree_cases,
    state_cases.manifests, state_cases.ledgers, state_cases.logs, state_cases.policies,
    state_cases.coverage, state_cases.retentions, pack_cases.manifest_counts)


def main():
    for chapter in CHAPTERS:
        chapter()
    old = {str(path.relative_to(HERE)): path for path in HERE.glob("*/*.txt")}
    if "--check" in sys.argv:
        wrong = sorted(name for name in old.keys() | FILES.keys()
                       if name not in old or name not in FILES or old[name].read_text() != FILES[name])
        print("\n".join(wrong) or f"{len(FILES)} vectors are as generated")
        return 1 if wrong else 0
    for name in old.keys() - FILES.keys():
        old[name].unlink()
    for name, text in FILES.items():
        (HERE / name).parent.mkdir(exist_ok=True)
        (HERE / name).write_text(text)
    refused = sum("expect: refuse" in text for text in FILES.values())
    print(f"{len(FILES)} vectors: {len(FILES) - refused} accepted, {refused} refused")
    return 0


if __name__ == "__main__":
    sys.exit(main())
