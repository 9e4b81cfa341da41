//! Numbers that look random and are a pure function of what they are asked for.

/// A point in a tree of draws: the same steps from the same seed give the same number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seed(pub u64);

impl Seed {
    /// The draw for `value` below this one.
    pub fn with(self, value: u64) -> Seed {
        Seed(mix(self.0 ^ mix(value.wrapping_add(0x9e37_79b9_7f4a_7c15))))
    }

    /// The draw for a word below this one.
    pub fn named(self, word: &str) -> Seed {
        self.with(hash_bytes(word.as_bytes()))
    }

    /// A number below `bound`; 0 when that is 0.
    pub fn below(self, bound: u64) -> u64 {
        ((u128::from(self.0) * u128::from(bound)) >> 64) as u64
    }

    /// A number in [0, 1).
    pub fn unit(self) -> f64 {
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// True for `rate` of all seeds.
    pub fn chance(self, rate: f64) -> bool {
        self.unit() < rate
    }

    /// One of `choices`, which is not empty.
    pub fn pick<'a, T: ?Sized>(self, choices: &'a [&'a T]) -> &'a T {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// A standard normal number (Box and Muller).
    pub fn normal(self) -> f64 {
        let first = 1.0 - self.with(1).unit();
        let second = self.with(2).unit();
        (-2.0 * first.ln()).sqrt() * (std::f64::consts::TAU * second).cos()
    }
}

/// A 64-bit hash of bytes (FNV-1a, then mixed): for keys of maps and decisions, not against foes.
pub fn hash_bytes(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    mix(bytes.iter().fold(0xcbf2_9ce4_8422_2325, step))
}

/// The finalizer of splitmix64: a bijection whose every output bit hangs on every input bit.
pub fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
