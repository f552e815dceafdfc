//! Join classification (CONTRACT-JOIN-001): three classes, exclusive and exhaustive.

use retrovue_timebase::UtcMs;

/// Where a join lies in relation to a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinClass {
    /// Before the block: nothing is emitted until its start.
    Early,
    /// Within the block: execution begins at once, at the offset.
    MidBlock,
    /// At or past its end: Core sent a block that is over.
    Stale,
}

/// Class of a join at `join` into a block from `start` to `end`, exclusive.
#[must_use]
pub fn classify(join: UtcMs, start: UtcMs, end: UtcMs) -> JoinClass {
    if join >= end {
        JoinClass::Stale
    } else if join < start {
        JoinClass::Early
    } else {
        JoinClass::MidBlock
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boundaries_belong_to_the_later_class() {
        let (start, end) = (UtcMs(1_000_000), UtcMs(1_060_000));
        for (join, class) in [
            (999_999, JoinClass::Early),
            (1_000_000, JoinClass::MidBlock),
            (1_059_999, JoinClass::MidBlock),
            (1_060_000, JoinClass::Stale),
            (1_060_001, JoinClass::Stale),
        ] {
            assert_eq!(classify(UtcMs(join), start, end), class, "{join}");
        }
    }
}
