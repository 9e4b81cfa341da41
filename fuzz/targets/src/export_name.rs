//! Names of exports: safe everywhere, no two alike, and given back.

use std::collections::BTreeSet;
use std::convert::Infallible;

use folder::export::{ExportNames, escape, is_portable, unescape};
use folder::fold;
use repo_format::tree::TreeKey;

/// Children of a folder, one a line: a digit or letter as discriminator, then the name.
pub fn run(bytes: &[u8]) -> bool {
    let lines = bytes.split(|byte| *byte == b'\n');
    let keys: BTreeSet<TreeKey> = lines.filter_map(key).collect();
    let names = match ExportNames::of(keys.iter().cloned().map(Ok::<_, Infallible>)) {
        Ok(names) => names,
        Err(never) => match never {},
    };
    let mut seen = BTreeSet::new();
    for key in &keys {
        let escaped = escape(&key.name);
        assert_eq!(unescape(&escaped), key.name, "an escaped name comes back");
        let name = names.name(key);
        assert!(is_portable(&name), "{name:?} is not safe");
        assert!(seen.insert(fold(&name)), "{name:?} is there twice");
        let alone = ExportNames::default().name(&TreeKey::of_name(name.as_bytes()));
        assert!(alone == name || name.contains(['%', '~']), "{name:?} is safe, and changes");
    }
    // A line that is cut is none.
    !keys.is_empty() && bytes.ends_with(b"\n")
}

fn key(line: &[u8]) -> Option<TreeKey> {
    let (id, name) = line.split_first()?;
    let key = TreeKey { name: name.to_vec(), discriminator: vec![*id] };
    key.to_bytes().is_ok().then_some(key)
}

/// Names of every kind that is changed.
pub fn seeds() -> Vec<Vec<u8>> {
    let long = [&b"1"[..], "é".repeat(300).as_bytes(), b".docx\n"].concat();
    [
        &b"1letter.txt\n2letter.txt\n3LETTER.TXT\n"[..],
        b"1CON\n2nul.txt\n3a:b\n4ends.\n5ends \n6\xff\n7%41\n",
        "1caf\u{e9}\n2cafe\u{301}\n3LETTER~1.TXT\n".as_bytes(),
        &long,
    ]
    .map(<[u8]>::to_vec)
    .to_vec()
}
