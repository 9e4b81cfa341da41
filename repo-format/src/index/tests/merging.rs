//! The algebra of merging: any way to the same rows gives the same tables.

use super::*;

type Rows = Vec<Result<Row, IndexError>>;

fn rows(tables: &[IndexTable]) -> Rows {
    let shelf = Arc::new(Shelf::default());
    let index = open(&shelf, None, &shelf.put(tables));
    index.rows().collect()
}

fn merged(inputs: Vec<Rows>, dead: &[PackId], table_size: usize) -> Vec<IndexTable> {
    let mut tables = Vec::new();
    let inputs = inputs.into_iter().map(IntoIterator::into_iter);
    let result: Result<(), IndexError> = merge(
        inputs,
        |pack| !dead.contains(pack),
        table_size,
        |table| {
            tables.push(table);
            Ok(())
        },
    );
    result.expect("inputs agree");
    tables
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn merging_is_building_from_all_packs(
        packs in packs(),
        parts in prop::collection::vec(0..3usize, 12),
        dead in prop::collection::vec(0..12usize, 0..4),
        table_size in 200..4000usize,
    ) {
        // Every pack is in one part, some in two: compactions overlap.
        let part = |number: usize| -> Vec<PackContents> {
            let chosen = packs.iter().zip(&parts).enumerate();
            chosen
                .filter(|(place, (_, part))| **part == number || (place % 3 == 0 && number == 1))
                .map(|(_, (pack, _))| pack.clone())
                .collect()
        };
        let part_rows = |number| rows(&build(&part(number), 700).expect("packs agree"));
        let (a, b, c) = (|| part_rows(0), || part_rows(1), || part_rows(2));
        let all = build(&packs, table_size).expect("packs agree");

        prop_assert_eq!(&merged(vec![a(), b(), c()], &[], table_size), &all);
        prop_assert_eq!(&merged(vec![c(), a(), b()], &[], table_size), &all);
        let left = rows(&merged(vec![a(), b()], &[], 900));
        prop_assert_eq!(&merged(vec![left, c()], &[], table_size), &all);
        let right = rows(&merged(vec![b(), c()], &[], 300));
        prop_assert_eq!(&merged(vec![a(), right], &[], table_size), &all);
        prop_assert_eq!(&merged(vec![rows(&all), rows(&all)], &[], table_size), &all);

        let dead: Vec<PackId> = dead.iter().filter_map(|n| packs.get(*n)).map(|pack| pack.id).collect();
        let live: Vec<PackContents> =
            packs.iter().filter(|pack| !dead.contains(&pack.id)).cloned().collect();
        prop_assert_eq!(
            merged(vec![a(), b(), c()], &dead, table_size),
            build(&live, table_size).expect("packs agree")
        );
    }
}

#[test]
fn inputs_that_contradict_each_other_are_not_merged() {
    let pack = pack(1, &[vec![1, 2, 3]]);
    let other = PackContents { salt: [9; 32], ..pack.clone() };
    let inputs = [pack, other].map(|pack| rows(&build(&[pack], TABLE_SIZE).expect("builds")).into_iter());
    let result = merge(inputs, |_| true, TABLE_SIZE, |_| Ok::<(), IndexError>(()));
    assert!(matches!(result, Err(IndexError::Contradiction(_))));
}

#[test]
fn an_error_of_an_input_or_of_the_taker_ends_the_merge() {
    let broken = IndexError::Malformed { segment: SegmentId([1; 32]), clause: "IDX-1" };
    let input: Rows = vec![Err(broken)];
    let result = merge([input.into_iter()], |_| true, 500, |_| Ok::<(), IndexError>(()));
    assert!(matches!(result, Err(IndexError::Malformed { .. })));

    let tables = build(&[pack(1, &[(0..100).collect()])], TABLE_SIZE).expect("builds");
    let mut taken = 0;
    let result = merge(
        [rows(&tables).into_iter()],
        |_| true,
        500,
        |_| {
            taken += 1;
            Err(IndexError::Malformed { segment: SegmentId([1; 32]), clause: "none" })
        },
    );
    assert!(result.is_err() && taken == 1);
}
