//! Letters as outlines: one embedded typeface, its advances and its kerning.
//!
//! Shapes only, no layout beyond a line. League Spartan is wide and geometric, and stays legible when the
//! picture is a thumbnail; see `assets/README.md` for its origin and licence.

use std::sync::OnceLock;
use tiny_skia::{Path, PathBuilder, Transform};
use ttf_parser::gpos::{PairAdjustment, PositioningSubtable};
use ttf_parser::{Face, GlyphId, OutlineBuilder};

/// The station's typeface.
pub(crate) struct Typeface {
    face: Face<'static>,
    units: f32,
}

/// The one typeface.
pub(crate) fn typeface() -> &'static Typeface {
    static TYPEFACE: OnceLock<Typeface> = OnceLock::new();
    TYPEFACE.get_or_init(|| {
        let bytes = include_bytes!("../assets/LeagueSpartan-ExtraBold.otf");
        let face = Face::parse(bytes, 0).expect("the typeface in assets/ is whole");
        let units = f32::from(face.units_per_em());
        Typeface { face, units }
    })
}

impl Typeface {
    /// Width of a line in pixels at `size` pixels to the em, with `tracking` ems between letters.
    pub(crate) fn width(&self, text: &str, size: f32, tracking: f32) -> f32 {
        let mut end = 0.0;
        self.place(text, tracking, |_, _, right| end = right);
        (end - tracking * self.units).max(0.0) * size / self.units
    }

    /// The largest size up to `size` at which the line is no wider than `room`.
    pub(crate) fn fitting(&self, text: &str, size: f32, tracking: f32, room: f32) -> f32 {
        let width = self.width(text, size, tracking);
        if width <= room { size } else { size * room / width }
    }

    /// The outline of a line that begins at `x` on the baseline `y`; nothing for blanks.
    pub(crate) fn outline(&self, text: &str, size: f32, tracking: f32, x: f32, y: f32) -> Option<Path> {
        let mut pen = Pen { path: PathBuilder::new(), left: 0.0 };
        self.place(text, tracking, |glyph, left, _| {
            pen.left = left;
            self.face.outline_glyph(glyph, &mut pen);
        });
        let scale = size / self.units;
        pen.path.finish()?.transform(Transform::from_row(scale, 0.0, 0.0, -scale, x, y))
    }

    /// Height of the capitals, in ems.
    pub(crate) fn cap_height(&self) -> f32 {
        self.face.capital_height().map_or(0.7, f32::from) / self.units
    }

    /// Whether every letter of the line can be drawn.
    #[cfg(test)]
    pub(crate) fn knows(&self, text: &str) -> bool {
        text.chars().all(|c| self.face.glyph_index(c).is_some())
    }

    /// Calls `each` with every glyph, where it begins and where the next one would, in font units.
    fn place(&self, text: &str, tracking: f32, mut each: impl FnMut(GlyphId, f32, f32)) {
        let (mut left, mut before) = (0.0, None);
        for letter in text.chars() {
            let Some(glyph) = self.face.glyph_index(letter) else { continue };
            if let Some(before) = before {
                left += f32::from(self.kerning(before, glyph));
            }
            let right = left
                + f32::from(self.face.glyph_hor_advance(glyph).unwrap_or_default())
                + tracking * self.units;
            each(glyph, left, right);
            (left, before) = (right, Some(glyph));
        }
    }

    /// The pair's adjustment by the first GPOS lookup that has one.
    fn kerning(&self, first: GlyphId, second: GlyphId) -> i16 {
        let Some(gpos) = self.face.tables().gpos else { return 0 };
        for lookup in gpos.lookups {
            for pair in lookup.subtables.into_iter::<PositioningSubtable<'_>>() {
                let PositioningSubtable::Pair(pair) = pair else { continue };
                let Some(index) = pair.coverage().get(first) else { continue };
                let records = match pair {
                    PairAdjustment::Format1 { sets, .. } => sets.get(index).and_then(|set| set.get(second)),
                    PairAdjustment::Format2 { classes, matrix, .. } => {
                        matrix.get((classes.0.get(first), classes.1.get(second)))
                    }
                };
                if let Some((value, _)) = records.filter(|(value, _)| value.x_advance != 0) {
                    return value.x_advance;
                }
            }
        }
        0
    }
}

/// Collects outlines, each moved to its place in the line.
struct Pen {
    path: PathBuilder,
    left: f32,
}

impl OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.path.move_to(x + self.left, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.path.line_to(x + self.left, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.path.quad_to(x1 + self.left, y1, x + self.left, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        self.path.cubic_to(x1 + self.left, y1, x2 + self.left, y2, x + self.left, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_as_wide_as_its_ink_within_the_bearings() {
        let face = typeface();
        let outline = face.outline("HARBOUR", 100.0, 0.0, 0.0, 0.0).unwrap();
        let width = face.width("HARBOUR", 100.0, 0.0);
        assert!((outline.bounds().width() - width).abs() < 20.0, "{width} {:?}", outline.bounds());
        assert!(outline.bounds().bottom() < 3.0, "letters stand on the baseline: {:?}", outline.bounds());
    }

    #[test]
    fn pairs_are_kerned() {
        let face = typeface();
        let apart = face.width("A", 1000.0, 0.0) + face.width("V", 1000.0, 0.0);
        assert!(face.width("AV", 1000.0, 0.0) < apart - 20.0);
    }

    #[test]
    fn a_line_is_shrunk_to_its_room_and_never_stretched() {
        let face = typeface();
        let size = face.fitting("The Clockmakers", 200.0, 0.02, 500.0);
        assert!((face.width("The Clockmakers", size, 0.02) - 500.0).abs() < 1.0);
        assert_eq!(face.fitting("Hi", 20.0, 0.0, 500.0), 20.0);
    }

    #[test]
    fn blanks_and_unknown_letters_draw_nothing() {
        assert!(typeface().outline("  ", 50.0, 0.0, 0.0, 0.0).is_none());
        assert_eq!(typeface().width("", 50.0, 0.1), 0.0);
        assert!(!typeface().knows("漢"));
    }
}
