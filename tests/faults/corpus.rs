//! The seeds of the fuzz targets, checked in every run of the tests: whole, cut, and with bits
//! flipped. `just fuzz` grows from the same seeds.

use std::collections::BTreeSet;
use std::path::Path;

use crate::support;
use crate::targets::ALL;

const SEEDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faults/seeds");

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let mut files: Vec<_> = std::fs::read_dir(Path::new(SEEDS).join(target))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
        .iter()
        .map(|file| std::fs::read(file).unwrap())
        .collect()
}

#[test]
fn every_target_has_seeds_and_no_seed_is_without_a_target() {
    let targets: BTreeSet<String> = ALL.iter().map(|(name, _)| (*name).to_owned()).collect();
    let folders = std::fs::read_dir(SEEDS).unwrap();
    let folders = folders.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(folders.collect::<BTreeSet<_>>(), targets);
    for (name, _) in ALL {
        assert!(!seeds(name).is_empty(), "{name}");
    }
}

#[test]
fn every_seed_keeps_the_promises_whole_cut_and_damaged() {
    // These inputs hold secrets, which the whole process masks from then on.
    if !support::in_a_process_of_its_own(
        "corpus::every_seed_keeps_the_promises_whole_cut_and_damaged",
        "rounds",
    ) {
        return;
    }
    let rounds = support::rounds("FUZZ_ROUNDS", 40);
    for (name, target) in ALL {
        let mut random = fastrand::Rng::with_seed(7);
        for seed in seeds(name) {
            target(&seed);
            for _ in 0..rounds {
                let mut damaged = seed.clone();
                damaged.truncate(random.usize(..=seed.len()));
                for _ in 0..random.usize(..4) {
                    if let Some(byte) = random.choice(damaged.iter_mut()) {
                        *byte = byte.wrapping_add(1 << random.u8(..8));
                    }
                }
                target(&damaged);
            }
        }
    }
}
