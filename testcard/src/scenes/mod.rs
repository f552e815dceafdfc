//! What there is to see: one file for each world, card or kind of announcement.
//!
//! Scenes draw; they know neither their file nor their sound. All are laid out for 1280x720 but the ones
//! that say otherwise.

pub(crate) mod advert;
pub(crate) mod card;
pub(crate) mod clockmakers;
pub(crate) mod cosmic_diner;
pub(crate) mod desert_express;
pub(crate) mod harbour_patrol;
pub(crate) mod ident;
pub(crate) mod paper_moon;
pub(crate) mod products;
pub(crate) mod test_card;

/// Width of the house picture.
pub(crate) const WIDTH: u32 = 1280;

/// Height of the house picture.
pub(crate) const HEIGHT: u32 = 720;

/// A value that swings between -1 and 1, `period` seconds for a whole swing, `phase` in swings.
fn swing(seconds: f32, period: f32, phase: f32) -> f32 {
    ((seconds / period + phase) * std::f32::consts::TAU).sin()
}

/// Seconds into the current round of something that comes again every `period` seconds.
fn round_of(seconds: f32, period: f32) -> f32 {
    seconds.rem_euclid(period)
}

/// How far a movement of `length` seconds that began at `start` has come, from 0 to 1, braking at its end.
fn ease(seconds: f32, start: f32, length: f32) -> f32 {
    let part = ((seconds - start) / length).clamp(0.0, 1.0);
    1.0 - (1.0 - part).powi(3)
}

/// As [`ease`], shooting a little past its end and coming back.
fn spring(seconds: f32, start: f32, length: f32) -> f32 {
    let part = ((seconds - start) / length).clamp(0.0, 1.0) - 1.0;
    // The usual overshoot of a tenth.
    1.0 + 2.70158 * part.powi(3) + 1.70158 * part.powi(2)
}

/// An opacity from 0 to 1 as the stage takes it.
fn opacity(part: f32) -> u8 {
    (part.clamp(0.0, 1.0) * 255.0).round() as u8
}
