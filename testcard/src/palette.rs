//! The station's colours: the oranges, creams and teals of broadcasting in colour's first decade.
//!
//! Plain constants; where a colour is used is the scenes' business.

use tiny_skia::Color;

/// An opaque colour from its six hex digits.
pub(crate) fn rgb(hex: u32) -> Color {
    let [_, r, g, b] = hex.to_be_bytes();
    Color::from_rgba8(r, g, b, 255)
}

/// An opaque colour between two others; `part` runs from 0 (all `a`) to 1 (all `b`).
pub(crate) fn blend(a: u32, b: u32, part: f32) -> u32 {
    let part = part.clamp(0.0, 1.0);
    let [_, ar, ag, ab] = a.to_be_bytes();
    let [_, br, bg, bb] = b.to_be_bytes();
    let mix = |from: u8, to: u8| (f32::from(from) + (f32::from(to) - f32::from(from)) * part).round() as u8;
    u32::from_be_bytes([0, mix(ar, br), mix(ag, bg), mix(ab, bb)])
}

/// The same colour, letting `alpha` (0 to 1) of itself through.
pub(crate) fn sheer(hex: u32, alpha: f32) -> Color {
    let mut colour = rgb(hex);
    colour.set_alpha(alpha.clamp(0.0, 1.0));
    colour
}

/// Paper, light text.
pub(crate) const CREAM: u32 = 0xF6E9C9;
/// Night, dark text.
pub(crate) const NAVY: u32 = 0x14213D;
/// Darker than navy: shadows.
pub(crate) const INK: u32 = 0x0B1226;
/// First stripe of the station's mark.
pub(crate) const MUSTARD: u32 = 0xF0B43C;
/// Second stripe.
pub(crate) const ORANGE: u32 = 0xEB7A2B;
/// Third stripe.
pub(crate) const RED: u32 = 0xC93A2E;
/// Fourth stripe.
pub(crate) const PLUM: u32 = 0x6E2440;
/// Sea, and the station's cool colour.
pub(crate) const TEAL: u32 = 0x1F8A84;
/// Pale sea.
pub(crate) const MINT: u32 = 0x9AD4C0;
/// Sky and signs.
pub(crate) const SKY: u32 = 0x5BA7D1;
/// Neon.
pub(crate) const PINK: u32 = 0xF2789F;
/// Wood.
pub(crate) const BROWN: u32 = 0x4A2C20;
/// Metal.
pub(crate) const STEEL: u32 = 0xAEBBC7;
/// Leaves.
pub(crate) const GREEN: u32 = 0x4E9A51;

/// The four stripes of the station's mark, from the outside in.
pub(crate) const STRIPES: [u32; 4] = [MUSTARD, ORANGE, RED, PLUM];
