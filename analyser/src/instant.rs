//! The scale of all instants and buffer levels: integers that no step of the simulation rounds twice.
//!
//! An instant is counted in 1/256 of a 27 MHz tick. A level is counted in bits times instants per second,
//! so that a drain of `r` bit/s over `t` takes exactly `r * t`.

/// Parts of a 27 MHz tick.
pub(crate) const PER_TICK: i64 = 256;
/// Parts of a second.
pub(crate) const PER_SECOND: i64 = 27_000_000 * PER_TICK;
/// A byte as a level.
pub(crate) const BYTE: i64 = 8 * PER_SECOND;

/// Microseconds, rounded to the nearest.
pub(crate) fn microseconds(time: i64) -> i64 {
    (time.saturating_mul(10) / (PER_TICK * 27) + if time < 0 { -5 } else { 5 }) / 10
}

/// Bytes of a level, rounded up.
pub(crate) fn whole_bytes(level: i64) -> i64 {
    level / BYTE + i64::from(level % BYTE > 0)
}

/// A difference of two counters that wrap at `modulus`, as the nearest of its values.
pub(crate) fn wrapped(difference: i64, modulus: i64) -> i64 {
    let difference = difference.rem_euclid(modulus);
    if difference < modulus / 2 { difference } else { difference - modulus }
}

/// Where the PCR wraps, in 27 MHz.
pub(crate) const PCR_MODULUS: i64 = (1 << 33) * 300;
/// Where PTS and DTS wrap, in 90 kHz.
pub(crate) const STAMP_MODULUS: i64 = 1 << 33;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps() {
        for (difference, nearest) in
            [(0, 0), (5, 5), (-5, -5), (STAMP_MODULUS - 5, -5), (5 - STAMP_MODULUS, 5)]
        {
            assert_eq!(wrapped(difference, STAMP_MODULUS), nearest);
        }
        assert_eq!((microseconds(27 * 256), microseconds(-27 * 256 * 3), microseconds(27 * 128)), (1, -3, 1));
    }
}
